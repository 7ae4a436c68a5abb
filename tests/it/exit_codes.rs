//! Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. `diff --exit-code` (3) is tested in `tests/aws`.

use meshwright::exit_code;
use rustix::process::Signal;

use crate::run::Run;
use crate::workdir::Workdir;

async fn assert_exit_code(command: tokio::process::Command, workdir: &Workdir, expected: u8) {
    let description = format!("{command:?}");
    let ended = Run::to_end(workdir, command).await;
    assert_eq!(ended.code, Some(expected.into()), "{description}: {ended:?}");
}

#[tokio::test]
async fn commands_that_end() {
    let workdir = Workdir::new();
    let valid = testkit::golden_path!("serviceconnect.template.json")
        .display()
        .to_string();
    let invalid = workdir.file("empty.json", r#"{"Resources": {}}"#).display().to_string();
    for (arguments, expected) in [
        (&["--version"][..], exit_code::SUCCESS),
        (&["--help"], exit_code::SUCCESS),
        (&["check", "--template", &valid], exit_code::SUCCESS),
        (&["check", "--template", &invalid], exit_code::FAILURE),
        (&["check", "--template", "missing.json"], exit_code::FAILURE),
        (&[], exit_code::USAGE),
        (&["nosuch"], exit_code::USAGE),
        (&["check", "--template", &valid, "--nosuch"], exit_code::USAGE),
        (&["check", "--template", &valid, "--image", "app="], exit_code::USAGE),
        (
            &["translate", "--template", &valid, "--node", "nosuch"],
            exit_code::USAGE,
        ),
    ] {
        assert_exit_code(workdir.meshwright(arguments), &workdir, expected).await;
    }
    assert_exit_code(workdir.example(&["synth", "nosuch"]), &workdir, exit_code::USAGE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mesh_that_serves_until_a_signal() {
    for signal in [Signal::INT, Signal::TERM] {
        let workdir = Workdir::new();
        let run = Run::up(&workdir, workdir.example(&[])).await;
        run.signal(signal);
        let ended = run.end().await;
        assert_eq!(ended.code, Some(exit_code::INTERRUPTED.into()), "{ended:?}");
        assert!(!ended.stderr.contains("error:"), "{ended:?}");
        workdir.assert_nothing_left();
    }
}
