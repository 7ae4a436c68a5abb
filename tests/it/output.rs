//! Output of `synth`, `diagram` and `--help`: golden files, cfn-lint.

use crate::run::Run;
use crate::workdir::Workdir;
use testkit::{assert_golden, golden_path};

#[tokio::test]
async fn synth_prints_the_template_and_nothing_else() {
    let workdir = Workdir::new();
    for arguments in [&["synth", "--pretty"][..], &["synth", "--pretty", "serviceconnect"]] {
        let ended = Run::to_end(&workdir, workdir.example(arguments)).await;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
        assert_golden!("serviceconnect.template.json", &ended.stdout);
    }
    workdir.assert_nothing_left();
}

#[tokio::test]
async fn synth_prints_the_template_of_every_example() {
    let workdir = Workdir::new();
    let folder = workdir.path("nothing-deployed-yet").display().to_string();
    for (name, arguments) in [
        ("appmesh", &["synth", "--pretty"][..]),
        ("bluegreen", &["--state", &folder, "synth", "--pretty"]),
    ] {
        let ended = Run::to_end(&workdir, workdir.example_named(name, arguments)).await;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
        assert_golden!(&format!("{name}.template.json"), &ended.stdout);
    }
    workdir.assert_nothing_left();
}

#[tokio::test]
async fn synth_prints_compact_json_into_a_file() {
    let workdir = Workdir::new();
    let folder = workdir.path("nothing-deployed-yet").display().to_string();
    for (name, arguments) in [
        ("appmesh", &["synth"][..]),
        ("bluegreen", &["--state", &folder, "synth"]),
    ] {
        let ended = Run::to_end(&workdir, workdir.example_named(name, arguments)).await;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
        assert_eq!(ended.stdout.lines().count(), 1, "{}", ended.stdout);
        let golden = std::fs::read_to_string(golden_path!(&format!("{name}.template.json"))).expect("a golden file");
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(json(&ended.stdout), json(&golden));
    }
    workdir.assert_nothing_left();
}

#[test]
fn cfn_lint_accepts_the_templates() {
    let tools = testkit::python_tools();
    let mut lint = tools.cfn_lint();
    let names = ["serviceconnect", "appmesh", "bluegreen"];
    let output = lint
        .arg("--")
        .args(names.map(|name| golden_path!(&format!("{name}.template.json"))))
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/github-actions/roles.yaml"))
        .output()
        .expect("cfn-lint starts");
    let messages = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && messages.is_empty(),
        "{}: {messages}",
        output.status
    );
}

#[tokio::test]
async fn diagram_prints_a_mermaid_flowchart_from_the_description_and_from_the_template() {
    let workdir = Workdir::new();
    let ended = Run::to_end(&workdir, workdir.example(&["diagram"])).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert!(ended.stdout.starts_with("flowchart LR\n"), "{ended:?}");
    assert_golden!("serviceconnect.mmd", &ended.stdout);

    let file = golden_path!("serviceconnect.template.json").display().to_string();
    let from_file = Run::to_end(&workdir, workdir.meshwright(&["diagram", "--template", &file])).await;
    assert_eq!(from_file.stdout, ended.stdout);
    workdir.assert_nothing_left();
}

#[tokio::test]
async fn an_unknown_stack_is_a_usage_error_that_names_the_known_ones() {
    let workdir = Workdir::new();
    for verb in ["synth", "diagram"] {
        let ended = Run::to_end(&workdir, workdir.example(&[verb, "serviceconect"])).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
        assert_eq!(
            ended.stderr,
            "error: unknown stack `serviceconect`; the app has serviceconnect\n"
        );
    }
}

#[tokio::test]
async fn help_lists_every_command_and_the_exit_codes() {
    let workdir = Workdir::new();
    for (command, words) in [
        (
            workdir.example(&["--help"]),
            ["synth", "diagram", "--once", "Exit codes:"],
        ),
        (
            workdir.example_named("bluegreen", &["--help"]),
            ["deploy", "rollback", "--state", "Exit codes:"],
        ),
        (
            workdir.meshwright(&["--help"]),
            ["up", "check", "diagram", "Exit codes:"],
        ),
        (
            workdir.meshwright(&["up", "--help"]),
            ["--template", "--parameter", "--image", "--network"],
        ),
    ] {
        let ended = Run::to_end(&workdir, command).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        for word in words {
            assert!(ended.stdout.contains(word), "no `{word}` in {ended:?}");
        }
        // Hidden commands of child processes.
        assert!(!ended.stdout.contains("__"), "{ended:?}");
    }
}
