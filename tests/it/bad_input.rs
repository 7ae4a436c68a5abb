//! Invalid command lines and files: one message with the given and the allowed value.

use std::process::Stdio;

use crate::run::{Ended, Run};
use crate::workdir::Workdir;

/// Standard error of a `meshwright` that must fail and print nothing to standard output.
async fn failure(workdir: &Workdir, arguments: &[&str]) -> String {
    let ended = Run::to_end(workdir, workdir.meshwright(arguments)).await;
    assert_ne!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.is_empty(), "{ended:?}");
    assert_no_panic(&ended);
    workdir.assert_nothing_left();
    ended.stderr
}

fn assert_no_panic(ended: &Ended) {
    // 101 is the exit code of a panic; a killed process has none.
    assert!(ended.code.is_some_and(|code| code != 101), "{ended:?}");
    assert!(!ended.stderr.contains("panicked"), "{ended:?}");
}

#[tokio::test]
async fn files_that_are_not_templates() {
    let workdir = Workdir::new();
    let missing = workdir.path("missing.json");
    for (path, reason) in [
        (
            missing.display().to_string(),
            "cannot read {}: No such file or directory (os error 2)",
        ),
        (
            workdir
                .file("alias.yaml", "Resources:\n  Blue: *Green\n")
                .display()
                .to_string(),
            "{}: the template cannot be read as YAML: line 2, column 9: while parsing node, found unknown anchor",
        ),
        (
            workdir
                .file("short.yaml", "Resources:\n  Blue: !Reff Green\n")
                .display()
                .to_string(),
            "{}: the template cannot be read as YAML: line 2, column 15: `!Reff` is not a CloudFormation function",
        ),
        (
            workdir
                .file("typo.json", "{\"Resources\": {\n  \"Blue\": tru }}")
                .display()
                .to_string(),
            "{}: the template is not JSON: line 2, column 14",
        ),
        (
            workdir.file("list.json", "[]").display().to_string(),
            "{}: the template: is a list; allowed is an object",
        ),
        (
            workdir.file("words.json", r#"{"Resource": {}}"#).display().to_string(),
            "{}: Resource: is not a section of a template; allowed are AWSTemplateFormatVersion, Description, \
             Metadata, Parameters, Rules, Mappings, Conditions, Transform, Hooks, Resources and Outputs",
        ),
    ] {
        let expected = format!("error: {}\n", reason.replace("{}", &path));
        for verb in ["up", "check", "diagram"] {
            assert_eq!(
                failure(&workdir, &[verb, "--template", &path]).await,
                expected,
                "{verb}"
            );
        }
    }
    let folder = workdir.tmpdir().display().to_string();
    for (verb, expected) in [
        (
            "up",
            "{} is a folder; `check` judges the templates of a folder, other commands take files",
        ),
        (
            "diagram",
            "{} is a folder; `check` judges the templates of a folder, other commands take files",
        ),
        ("check", "there is no template in {}"),
    ] {
        let expected = format!("error: {}\n", expected.replace("{}", &folder));
        assert_eq!(failure(&workdir, &[verb, "--template", &folder]).await, expected);
    }
    let empty = workdir.file("empty.json", r#"{"Resources": {}}"#).display().to_string();
    assert_eq!(
        failure(&workdir, &["check", "--template", &empty]).await,
        format!(
            "error: this template cannot be run locally\n  {empty}:1:2: Resources: there is no AWS::ECS::Service to run; \
             give the stack that has one with another --template\n"
        )
    );
}

#[tokio::test]
async fn invalid_command_lines() {
    let workdir = Workdir::new();
    let file = testkit::golden_path!("serviceconnect.template.json")
        .display()
        .to_string();
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
            &["'app='x'", "missing closing quote"],
        ),
        (
            &[&check[..], &["--image", "app="]].concat(),
            &["'app='", "expected a program after the `=`"],
        ),
        (
            &[&check[..], &["--parameter", "Stage=test"]].concat(),
            &[
                "Parameters.Stage: the template has no such parameter; it has AllowedCidr, AllowedCidr2, AllowedCidr3, AllowedPrefixList\n",
            ],
        ),
    ] {
        let stderr = failure(&workdir, arguments).await;
        for word in words {
            assert!(stderr.contains(word), "no `{word}` for {arguments:?} in:\n{stderr}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closed_output_streams_cause_no_panic() {
    let workdir = Workdir::new();
    let file = testkit::golden_path!("serviceconnect.template.json")
        .display()
        .to_string();
    let commands = || {
        [
            workdir.example(&["synth"]),
            workdir.example(&["diagram"]),
            workdir.example(&["--once"]),
            workdir.meshwright(&["check", "--template", &file]),
            workdir.meshwright(&["check", "--template", "missing"]),
        ]
    };
    for mut command in commands() {
        command.stdout(closed_pipe());
        assert_no_panic(&Run::to_end(&workdir, command).await);
    }
    for mut command in commands() {
        command.stderr(closed_pipe());
        assert_no_panic(&Run::to_end(&workdir, command).await);
    }
    workdir.assert_nothing_left();
}

/// A pipe without a reader, as after `head` has exited.
fn closed_pipe() -> Stdio {
    let (_reader, writer) = std::io::pipe().expect("a pipe");
    writer.into()
}

#[tokio::test]
async fn a_failed_write_to_standard_output_is_an_error() {
    let workdir = Workdir::new();
    let mut command = workdir.example(&["synth"]);
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
        "error: cannot write to standard output: No space left on device (os error 28)\n"
    );
}
