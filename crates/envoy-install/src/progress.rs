//! Progress reports: an installation takes seconds to minutes.

use std::fmt;
use std::path::PathBuf;

use crate::unusable::UnusableEnvoy;

/// A step that is about to begin. `Display` prints one line without a full stop.
///
/// A program that is found at once causes no report.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// An `envoy` on PATH is skipped.
    Skipped {
        /// The program, an absolute path.
        envoy: PathBuf,
        /// Why it is not used.
        reason: UnusableEnvoy,
    },
    /// Another process is installing into the same directory. Its installation is used once it is complete.
    Waiting {
        /// What it installs, such as `Envoy 1.40.0`.
        what: String,
    },
    /// An installation begins.
    Installing {
        /// What is installed, such as `Envoy 1.40.0`.
        what: String,
        /// The directory of the installation.
        dir: PathBuf,
    },
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skipped { envoy, reason } => write!(f, "skipping {}: {reason}", envoy.display()),
            Self::Waiting { what } => write!(f, "waiting for another process to install {what}"),
            Self::Installing { what, dir } => write!(f, "installing {what} into {}", dir.display()),
        }
    }
}
