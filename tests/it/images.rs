//! `meshwright images`: a script that builds and pushes the project's images, and its Dockerfiles.

use std::path::Path;
use std::process::Command;

use crate::run::{Ended, Run};
use crate::workdir::Workdir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

async fn images(workdir: &Workdir, more: &[&str]) -> Ended {
    let arguments: Vec<&str> = ["images"].iter().chain(more).copied().collect();
    let ended = Run::to_end(workdir, workdir.meshwright(&arguments)).await;
    workdir.assert_nothing_left();
    ended
}

#[tokio::test]
async fn the_script_matches_its_golden_file_and_is_valid_shell() {
    let workdir = Workdir::new();
    let options = ["--account", "123456789012", "--region", "eu-west-1"];
    let ended = images(&workdir, &options).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let version = env!("CARGO_PKG_VERSION");
    testkit::assert_golden!("images.sh", &ended.stdout.replace(version, "VERSION"));

    for arguments in [&options[..], &["--platform", "linux/arm64"]] {
        let script = workdir.file("images.sh", &images(&workdir, arguments).await.stdout);
        let read = Command::new("sh").arg("-n").arg(&script).output().expect("sh starts");
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    }
}

#[tokio::test]
async fn every_dockerfile_exists_and_passes_hadolint() {
    let tools = testkit::python_tools();
    let script = images(&Workdir::new(), &[]).await.stdout;
    let files: Vec<&str> = script
        .split_whitespace()
        .skip_while(|word| *word != "--file")
        .collect::<Vec<_>>()
        .windows(2)
        .filter(|words| words[0] == "--file")
        .map(|words| words[1])
        .collect();
    assert_eq!(files.len(), 2, "{script}");
    for file in files {
        let path = Path::new(ROOT).join(file);
        let found = tools.hadolint().arg(&path).output().expect("hadolint starts");
        let output = String::from_utf8_lossy(&found.stdout) + String::from_utf8_lossy(&found.stderr);
        assert!(found.status.success() && output.is_empty(), "{file}: {output}");
    }
}

#[tokio::test]
async fn values_that_would_break_the_script_are_rejected() {
    for (option, value, reason) in [
        ("--account", "12", "expected an account ID of 12 digits"),
        ("--account", "12345678901;", "expected an account ID of 12 digits"),
        ("--region", "eu-west-1; id", "expected a region such as eu-west-1"),
        ("--region", "", "expected a region such as eu-west-1"),
    ] {
        let ended = images(&Workdir::new(), &[option, value]).await;
        assert_eq!(ended.code, Some(2), "{option} {value}");
        assert!(ended.stderr.contains(reason), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
}
