//! Unsuitable machines: no Envoy or an unsupported one, no directory for files. Each error names a remedy.

use std::path::Path;

use crate::run::Run;
use crate::workdir::Workdir;

/// Runs the example with these variables. It must fail; returns the error message.
async fn failure(workdir: &Workdir, variables: &[(&str, &Path)]) -> String {
    let mut command = workdir.example(&["--once"]);
    command.env_remove("PYTHON").env_remove("ENVOY_BIN");
    command.envs(variables.iter().copied());
    let ended = Run::to_end(workdir, command).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    assert!(!ended.stderr.contains("panicked"), "{ended:?}");
    workdir.assert_nothing_left();
    let reason = ended.stderr.split_once("error: ");
    reason.unwrap_or_else(|| panic!("{ended:?}")).1.to_owned()
}

const REMEDY: &str =
    "Set ENVOY_BIN=/path/to/envoy to an Envoy 1.37 to 1.40, or unset it to have Envoy 1.40.0 installed.\n";

#[tokio::test]
async fn an_envoy_bin_that_is_not_envoy() {
    let workdir = Workdir::new();
    let missing = workdir.path("envoy");
    assert_eq!(
        failure(&workdir, &[("ENVOY_BIN", &missing)]).await,
        format!(
            "ENVOY_BIN={}: cannot be started (No such file or directory (os error 2)). {REMEDY}",
            missing.display()
        )
    );
    let other = workdir.script("other", "echo busybox").await;
    assert_eq!(
        failure(&workdir, &[("ENVOY_BIN", &other)]).await,
        format!(
            "ENVOY_BIN={}: is not Envoy: `--version` printed \"busybox\". {REMEDY}",
            other.display()
        )
    );
}

#[tokio::test]
async fn an_envoy_of_another_version() {
    let workdir = Workdir::new();
    let version = "echo; echo \"$0  version: abc/1.20.0/Clean/RELEASE/BoringSSL\"";
    let old = workdir.script("envoy", version).await;
    assert_eq!(
        failure(&workdir, &[("ENVOY_BIN", &old)]).await,
        format!(
            "ENVOY_BIN={}: is Envoy 1.20.0; supported versions are 1.37 to 1.40. {REMEDY}",
            old.display()
        )
    );
}

#[tokio::test]
async fn neither_envoy_nor_python() {
    let workdir = Workdir::new();
    let cache = workdir.path("cache");
    assert_eq!(
        failure(&workdir, &[("PATH", Path::new("")), ("XDG_CACHE_HOME", &cache)]).await,
        "found no Envoy 1.37 to 1.40 and could not install one.
  - ENVOY_BIN is not set.
  - PATH has no `envoy`.
  - Installing Envoy 1.40.0: found no Python 3.10 or newer to install with (no `python3` on PATH, no `python` on \
PATH); set PYTHON=/path/to/python3
  To use an Envoy of your own, set ENVOY_BIN=/path/to/envoy.
"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_envoy_that_does_not_start() {
    let workdir = Workdir::new();
    let broken = "[ \"$1\" = --version ] && echo \"envoy  version: abc/1.40.0/Clean/RELEASE/BoringSSL\" && exit
echo it hurts; exit 7";
    let envoy = workdir.script("envoy", broken).await;
    let reason = failure(&workdir, &[("ENVOY_BIN", &envoy)]).await;
    assert!(
        reason.ends_with("/1: its Envoy ended with exit code 7; last log lines:\n      it hurts\n")
            || reason.ends_with("/2: its Envoy ended with exit code 7; last log lines:\n      it hurts\n"),
        "{reason}"
    );
}

#[tokio::test]
async fn no_directory_for_logs_and_sockets() {
    let workdir = Workdir::new();
    let missing = workdir.path("missing");
    let reason = failure(&workdir, &[("TMPDIR", &missing)]).await;
    let start = "cannot create a directory for logs and sockets: No such file or directory (os error 2) at path ";
    assert!(reason.starts_with(start), "{reason}");
    assert!(reason.contains(&missing.display().to_string()), "{reason}");
    assert!(reason.ends_with("; set TMPDIR to an existing directory\n"), "{reason}");

    let long = workdir.tmpdir().join("long/".repeat(20));
    std::fs::create_dir_all(&long).expect("the workdir can be written to");
    let mut command = workdir.example(&["--once"]);
    command.env("TMPDIR", &long);
    let ended = Run::to_end(&workdir, command).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    let expected = "and paths of Unix sockets allow 90; set TMPDIR to a shorter path\n";
    assert!(ended.stderr.ends_with(expected), "{ended:?}");
    assert_eq!(
        long.read_dir().expect("the directory exists").count(),
        0,
        "files are left"
    );
}
