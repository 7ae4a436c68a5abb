//! `meshwright images`: a script that builds and pushes the project's images, and its Dockerfiles.

use std::os::unix::fs::PermissionsExt as _;
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
    assert_eq!(files.len(), 3, "{script}");
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

#[tokio::test]
async fn the_script_says_what_it_lacks() {
    let workdir = Workdir::new();
    let mut command = workdir.meshwright(&["images"]);
    command.env_remove("AWS_REGION");
    let script = Run::to_end(&workdir, command).await.stdout;
    let script = workdir.file("images.sh", &script);
    // An AWS CLI without a configuration ends without a word; Docker is not reached.
    let tools = workdir.path("bin");
    std::fs::create_dir(&tools).expect("a new directory");
    for (name, text) in [
        (
            "aws",
            "#!/bin/sh\n[ $1 = configure ] || echo no credentials >&2\nexit 1\n",
        ),
        ("docker", "#!/bin/sh\necho docker >&2\nexit 9\n"),
    ] {
        let tool = workdir.file(&format!("bin/{name}"), text);
        std::fs::set_permissions(tool, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    }
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").expect("a path"));
    let run = |directory: &Path, region: Option<&str>| {
        let mut command = Command::new("sh");
        command.arg(&script).current_dir(directory).env("PATH", &path);
        for variable in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            command.env_remove(variable);
        }
        let ended = command
            .envs(region.map(|region| ("AWS_REGION", region)))
            .output()
            .expect("sh starts");
        assert!(!ended.status.success());
        String::from_utf8_lossy(&ended.stderr).into_owned()
    };
    let elsewhere = run(&workdir.path(""), None);
    assert!(
        elsewhere.contains("run this script in a checkout of meshwright"),
        "{elsewhere}"
    );
    let without = run(Path::new(ROOT), None);
    assert!(without.contains("set AWS_REGION, or give --region"), "{without}");
    // Then it is the account that is not known.
    let with = run(Path::new(ROOT), Some("eu-west-1"));
    assert_eq!(with, "no credentials\n");
}
