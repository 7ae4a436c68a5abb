//! What happens on the way to a program, told before it happens: an installation takes seconds to minutes, and
//! who waits wants to know what for.

use std::fmt;
use std::path::PathBuf;

use crate::envoy::LocalReply;

/// Something worth telling the user. Printed, it is one line without a full stop.
///
/// Nothing is told where a program is found at once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// An `envoy` on PATH is not used.
    PassedOver {
        /// The program, an absolute path.
        envoy: PathBuf,
        /// Why not.
        fault: LocalReply,
    },
    /// Another process is installing into the same cache. What it leaves there is used once it is done.
    Waiting {
        /// What is waited for, such as `Envoy 1.40.0`.
        what: String,
    },
    /// An installation begins.
    Installing {
        /// What is installed, such as `Envoy 1.40.0`.
        what: String,
        /// The folder it will be in.
        into: PathBuf,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PassedOver { envoy, fault } => write!(f, "passing over {}: {fault}", envoy.display()),
            Self::Waiting { what } => write!(f, "waiting for another process that installs {what}"),
            Self::Installing { what, into } => write!(f, "installing {what} into {}", into.display()),
        }
    }
}
