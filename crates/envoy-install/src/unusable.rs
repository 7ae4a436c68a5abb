//! Why a program cannot be used as Envoy.

use crate::process::VERSION_TIMEOUT;
use crate::version::{Version, supported_range};

/// Why a program cannot be used as Envoy. `Display` continues a sentence that starts with the program's path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnusableEnvoy {
    /// The operating system could not start it; with its reason.
    #[error("cannot be started ({0})")]
    Spawn(String),
    /// `--version` exited with an error; with the end of its output.
    #[error("`--version` failed: {0}")]
    VersionFailed(String),
    /// `--version` printed something else than Envoy does; with the end of its output.
    #[error("is not Envoy: `--version` printed {0:?}")]
    NotEnvoy(String),
    /// `--version` was killed at its time limit.
    #[error("did not answer `--version` within {} s", VERSION_TIMEOUT.as_secs())]
    TimedOut,
    /// It is an Envoy of a version that is not supported.
    #[error("is Envoy {found}; supported versions are {supported}", found = .0, supported = supported_range())]
    Unsupported(Version),
}
