//! What a client must be told, judged in one place however it was said.
//!
//! The environment and the builder say the same two things under different names. Both are judged here, so
//! that what one of them allows the other allows too.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use mesh_model::{MeshSuffixes, Problems};

use crate::names::Rules;

/// DNS allows no longer names.
const MAX_NAME: usize = 253;

/// Everything that is wrong with a client's configuration. Never empty.
///
/// `Display` has one line per mistake: where it is (the environment variable, or the builder's method), what
/// was found there, what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    problems: Problems,
}

impl ConfigError {
    /// `problems` has at least one.
    pub(crate) fn new(problems: Problems) -> Self {
        Self { problems }
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

/// Notes under `path` what keeps `placeholder` from being an address whose connections leave the process.
pub(crate) fn check_placeholder(path: &str, placeholder: IpAddr, rules: Rules, problems: &mut Problems) {
    if let Some(why) = rules.refuses_answered(placeholder) {
        problems.add(
            path,
            format!("is `{placeholder}`, {why}; allowed is another host's address, such as 10.10.10.10"),
        );
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
