//! Command lines and files that make no sense: one message that names what was given and what is allowed.

use std::process::Stdio;

use crate::golden;
use crate::room::Room;
use crate::run::{Ended, Run};

/// Runs `meshwright`, which must fail without printing an answer, and gives what it said.
async fn complaint(room: &Room, arguments: &[&str]) -> String {
    let ended = Run::to_end(room, room.meshwright(arguments)).await;
    assert_ne!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.is_empty(), "{ended:?}");
    assert_no_panic(&ended);
    room.assert_nothing_left();
    ended.stderr
}

fn assert_no_panic(ended: &Ended) {
    // 101 is what a Rust program ends with when it panics; one that was killed has no code.
    assert!(ended.code.is_some_and(|code| code != 101), "{ended:?}");
    assert!(!ended.stderr.contains("panicked"), "{ended:?}");
}

#[tokio::test]
async fn files_that_are_no_templates() {
    let room = Room::new();
    let missing = room.path("missing.json");
    for (path, reason) in [
        (
            missing.display().to_string(),
            "cannot read {}: No such file or directory (os error 2)",
        ),
        (
            room.tmpdir().display().to_string(),
            "cannot read {}: Is a directory (os error 21)",
        ),
        (
            room.file("alias.yaml", "Resources:\n  Blue: *Green\n")
                .display()
                .to_string(),
            "{}: the template cannot be read as YAML: line 2, column 9: unknown anchor",
        ),
        (
            room.file("short.yaml", "Resources:\n  Blue: !Reff Green\n")
                .display()
                .to_string(),
            "{}: the template cannot be read as YAML: line 2, column 16: `!Reff` is not a CloudFormation function",
        ),
        (
            room.file("typo.json", "{\"Resources\": {\n  \"Blue\": tru }}")
                .display()
                .to_string(),
            "{}: the template is not JSON: line 2, column 14",
        ),
        (
            room.file("list.json", "[]").display().to_string(),
            "{}: the template: is a list; allowed is an object",
        ),
        (
            room.file("words.json", r#"{"Resource": {}}"#).display().to_string(),
            "{}: Resource: is no section of a template; the sections are AWSTemplateFormatVersion, Description, \
             Metadata, Parameters, Rules, Mappings, Conditions, Transform, Hooks, Resources and Outputs",
        ),
    ] {
        let expected = format!("error: {}\n", reason.replace("{}", &path));
        for verb in ["up", "check", "diagram"] {
            assert_eq!(complaint(&room, &[verb, "--template", &path]).await, expected, "{verb}");
        }
    }
    let empty = room.file("empty.json", r#"{"Resources": {}}"#).display().to_string();
    assert_eq!(
        complaint(&room, &["check", "--template", &empty]).await,
        "error: this template cannot be run here\n  Resources: there is no AWS::ECS::Service to run\n"
    );
}

#[tokio::test]
async fn command_lines_that_make_no_sense() {
    let room = Room::new();
    let file = golden::path("serviceconnect.template.json").display().to_string();
    let check = ["check", "--template", file.as_str()];
    for (arguments, words) in [
        (&[][..], &["Usage: meshwright", "up", "check", "diagram"][..]),
        (&["upp"], &["'upp'", "'up'"]),
        (&["up"], &["--template <FILE>"]),
        (
            &[&check[..], &["--parameter", "Stage"]].concat(),
            &["'Stage'", "expected NAME=VALUE"],
        ),
        (
            &[&check[..], &["--parameter", "=test"]].concat(),
            &["'=test'", "expected NAME=VALUE"],
        ),
        (
            &[&check[..], &["--image", "app"]].concat(),
            &["'app'", "expected NAME=COMMAND"],
        ),
        (
            &[&check[..], &["--image", "app='x"]].concat(),
            &["error: --image app='x: missing closing quote\n"],
        ),
        (
            &[&check[..], &["--image", "app="]].concat(),
            &["error: --image app=: a program is missing after the `=`\n"],
        ),
        (
            &[&check[..], &["--parameter", "Stage=test"]].concat(),
            &[
                "error: this template cannot be run here\n  Parameters.Stage: the template has no such parameter; it has AllowedCidr\n",
            ],
        ),
    ] {
        let said = complaint(&room, arguments).await;
        for word in words {
            assert!(said.contains(word), "no `{word}` for {arguments:?} in:\n{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_who_listens_is_no_reason_to_panic() {
    let room = Room::new();
    let file = golden::path("serviceconnect.template.json").display().to_string();
    let commands = || {
        [
            room.example(&["synth"]),
            room.example(&["diagram"]),
            room.example(&["--once"]),
            room.meshwright(&["check", "--template", &file]),
            room.meshwright(&["check", "--template", "missing"]),
        ]
    };
    for mut command in commands() {
        command.stdout(closed_pipe());
        assert_no_panic(&Run::to_end(&room, command).await);
    }
    for mut command in commands() {
        command.stderr(closed_pipe());
        assert_no_panic(&Run::to_end(&room, command).await);
    }
    room.assert_nothing_left();
}

/// What a program writes to once `head` has seen enough.
fn closed_pipe() -> Stdio {
    let (_reader, writer) = std::io::pipe().expect("a pipe");
    writer.into()
}

#[tokio::test]
async fn a_document_that_cannot_be_written_is_a_failure() {
    let room = Room::new();
    let mut command = room.example(&["synth"]);
    command.stdout(
        std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .expect("Linux has it"),
    );
    let child = command.stderr(std::process::Stdio::piped()).spawn().expect("it starts");
    let output = child.wait_with_output().await.expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        complaint,
        "error: cannot write the output: No space left on device (os error 28)\n"
    );
}
