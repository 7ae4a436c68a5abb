//! `synth` and `diagram`: what is printed is what was agreed on, and other tools have nothing against it.

use crate::golden::{self, assert_golden};
use crate::room::Room;
use crate::run::Run;

#[tokio::test]
async fn synth_prints_the_template_and_nothing_else() {
    let room = Room::new();
    for arguments in [&["synth"][..], &["synth", "serviceconnect"]] {
        let ended = Run::to_end(&room, room.example(arguments)).await;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
        assert_golden("serviceconnect.template.json", &ended.stdout);
    }
    room.assert_nothing_left();
}

#[tokio::test]
async fn synth_prints_what_each_other_example_deploys() {
    let room = Room::new();
    let folder = room.path("nothing-deployed-yet").display().to_string();
    for (name, arguments) in [
        ("appmesh", &["synth"][..]),
        ("bluegreen", &["--state", &folder, "synth"]),
    ] {
        let ended = Run::to_end(&room, room.example_named(name, arguments)).await;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
        assert_golden(&format!("{name}.template.json"), &ended.stdout);
    }
    room.assert_nothing_left();
}

#[test]
fn cfn_lint_finds_nothing_in_the_templates() {
    let tools = testkit::python_tools();
    let mut lint = tools.cfn_lint();
    let names = ["serviceconnect", "appmesh", "bluegreen"];
    let output = lint
        .arg("--")
        .args(names.map(|name| golden::path(&format!("{name}.template.json"))))
        .output()
        .expect("cfn-lint starts");
    let words = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && words.is_empty(),
        "{}: {words}",
        output.status
    );
}

#[tokio::test]
async fn diagram_prints_a_mermaid_flowchart_from_the_description_and_from_the_template() {
    let room = Room::new();
    let ended = Run::to_end(&room, room.example(&["diagram"])).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert!(ended.stdout.starts_with("flowchart LR\n"), "{ended:?}");
    assert_golden("serviceconnect.mmd", &ended.stdout);

    let file = golden::path("serviceconnect.template.json").display().to_string();
    let from_file = Run::to_end(&room, room.meshwright(&["diagram", "--template", &file])).await;
    assert_eq!(from_file.stdout, ended.stdout);
    room.assert_nothing_left();
}

#[tokio::test]
async fn an_unknown_stack_is_answered_with_the_known_ones() {
    let room = Room::new();
    for verb in ["synth", "diagram"] {
        let ended = Run::to_end(&room, room.example(&[verb, "serviceconect"])).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
        assert_eq!(
            ended.stderr,
            "error: there is no stack `serviceconect`; there are serviceconnect\n"
        );
    }
}

#[tokio::test]
async fn help_names_every_verb() {
    let room = Room::new();
    for (command, words) in [
        (room.example(&["--help"]), ["synth", "diagram", "--once"]),
        (room.meshwright(&["--help"]), ["up", "check", "diagram"]),
        (
            room.meshwright(&["up", "--help"]),
            ["--template", "--parameter", "--image"],
        ),
    ] {
        let ended = Run::to_end(&room, command).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        for word in words {
            assert!(ended.stdout.contains(word), "no `{word}` in {ended:?}");
        }
        // They are between the program and itself.
        assert!(!ended.stdout.contains("__"), "{ended:?}");
    }
}
