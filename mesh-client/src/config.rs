//! What a client must be told, judged in one place however it was said.
//!
//! The environment and the builder say the same two things under different names. Both are judged here, so
//! that what one of them allows the other allows too.

use std::fmt;
use std::net::SocketAddr;

use mesh_model::{MeshSuffixes, Problems};

/// DNS allows no longer names.
const MAX_NAME: usize = 253;

/// Everything that is wrong with a client's configuration. Never empty.
///
/// `Display` has one line per mistake: where it is (the environment variable, or the builder's method), what
/// was found there, what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    problems: Problems,
    unwired: bool,
}

impl ConfigError {
    /// Mistakes, at least one of which is a wrong value.
    pub(crate) fn wrong(problems: Problems) -> Self {
        Self {
            problems,
            unwired: false,
        }
    }

    /// Nothing is wrong with what is there, but the sidecar's address is not among it.
    pub(crate) fn unwired(problems: Problems) -> Self {
        Self {
            problems,
            unwired: true,
        }
    }

    /// True if nothing says where the sidecar is, and nothing else is wrong.
    ///
    /// This is what a service sees that runs outside of any mesh, in its own unit tests for instance. A service
    /// that has work to do without the mesh can go on after this error, and should not after any other.
    #[must_use]
    pub fn is_unwired(&self) -> bool {
        self.unwired
    }

    /// The mistakes, one by one, to be reported together with those of the service's own configuration.
    #[must_use]
    pub fn problems(&self) -> &Problems {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problems.fmt(f)
    }
}

impl std::error::Error for ConfigError {}

/// Notes under `path` what keeps `egress` from being an address to connect to.
pub(crate) fn check_egress(path: &str, egress: SocketAddr, problems: &mut Problems) {
    if egress.port() == 0 {
        problems.add(path, format!("is `{egress}`; allowed is a port from 1 to 65535"));
    }
}

/// Notes under `path` what keeps `suffixes` from being the ends of host names.
pub(crate) fn check_suffixes(path: &str, suffixes: &MeshSuffixes, problems: &mut Problems) {
    if suffixes.is_empty() {
        problems.add(
            path,
            "names no suffix; expected is at least one, such as serviceconnect, or no name is in the mesh",
        );
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    for suffix in suffixes.iter() {
        let labels_are_fine = suffix
            .split('.')
            .all(|label| !label.is_empty() && label.chars().all(allowed));
        if !labels_are_fine || suffix.len() > MAX_NAME {
            problems.add(
                path,
                format!(
                    "holds `{suffix}`; allowed are 1 to {MAX_NAME} of a-z, 0-9, _ and -, in labels separated by dots"
                ),
            );
        }
    }
}
