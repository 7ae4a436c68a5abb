//! A temporary cache, and scripts in place of Envoy and Python.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use envoy_install::{HostEnv, Progress};
use testkit::Workdir;

/// [`ENVOY_VERSION`](envoy_install::ENVOY_VERSION) as text.
pub(crate) const PINNED: &str = "1.40.0";

/// A temporary directory with the cache and the programs of one test.
pub(crate) struct TestDir {
    workdir: Workdir,
}

impl TestDir {
    pub(crate) fn new() -> Self {
        Self {
            workdir: Workdir::new(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.workdir.path(name)
    }

    /// An environment with this cache only: no program is found.
    pub(crate) fn empty_env(&self) -> HostEnv {
        HostEnv {
            cache_home: Some(self.path("cache")),
            ..HostEnv::default()
        }
    }

    /// This cache, and the real Python.
    pub(crate) fn with_real_python(&self) -> HostEnv {
        HostEnv {
            python: Some(real_python()),
            ..self.empty_env()
        }
    }

    /// This cache, and a program as the only Python.
    pub(crate) fn with_python(&self, python: &Path) -> HostEnv {
        HostEnv {
            python: Some(python.to_owned()),
            ..self.empty_env()
        }
    }

    /// Writes an executable shell script.
    pub(crate) fn script(&self, name: &str, text: &str) -> PathBuf {
        self.workdir.script(name, text)
    }

    /// A program whose `--version` prints what an Envoy of that version prints.
    pub(crate) fn envoy(&self, name: &str, version: &str) -> PathBuf {
        self.script(name, &script_of_version(version))
    }

    /// A Python that reports version 3.12 and runs the script `pip` to install; `$target` is the path after
    /// `--target`.
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

    /// The directory that contains the installations of the pinned Envoy.
    pub(crate) fn install_parent(&self) -> PathBuf {
        self.path("cache/meshwright/envoy").join(PINNED)
    }

    /// The names of the entries in [`install_parent`](Self::install_parent).
    pub(crate) fn install_dir_entries(&self) -> Vec<String> {
        let entries = self.install_parent().read_dir().unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// The name of an installation's directory.
pub(crate) fn platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}

/// An install script that writes an Envoy of that version to `$target`.
pub(crate) fn script_that_installs_envoy(version: &str) -> String {
    format!(
        "mkdir -p \"$target/envoy/_bin\"\ncat >\"$target/envoy/_bin/envoy\" <<'END'\n#!/bin/sh\n{}END\n",
        script_of_version(version)
    )
}

fn script_of_version(version: &str) -> String {
    format!("echo\necho \"$0  version: 0123abcd/{version}/Clean/RELEASE/BoringSSL\"\n")
}

/// The value of `$PATH` with these directories.
pub(crate) fn path_of(dirs: &[&Path]) -> Option<OsString> {
    Some(std::env::join_paths(dirs).unwrap())
}

/// For tests that expect no progress report.
pub(crate) fn no_report(report: Progress) {
    panic!("unexpected report: {report}");
}

/// The Python of this platform.
fn real_python() -> PathBuf {
    HostEnv::from_env().python.unwrap_or_else(|| {
        let path = std::env::var_os("PATH").expect("the tests need a PATH with python3");
        std::env::split_paths(&path)
            .map(|dir| dir.join("python3"))
            .find(|python| python.is_file())
            .expect("the tests need python3 on PATH")
    })
}
