//! What a client must be told, judged in one place however it was said.
//!
//! The environment and the builder say the same two things under different names. Both are judged here, so
//! that what one of them allows the other allows too.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use sidecar_contract::{Diagnostics, MeshSuffixes, ValidationErrors};

use crate::names::Rules;

/// DNS allows no longer names.
const MAX_NAME: usize = 253;

/// Everything that is wrong with a client's configuration. Never empty.
///
/// `Display` has one line per mistake: where it is (the environment variable, or the builder's method), what
/// was found there, what is allowed.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError {
    errors: ValidationErrors,
}

impl ConfigError {
    pub(crate) fn new(errors: impl Into<ValidationErrors>) -> Self {
        Self { errors: errors.into() }
    }

    /// The mistakes, one by one, to be reported together with those of the service's own configuration.
    #[must_use]
    pub fn errors(&self) -> &ValidationErrors {
        &self.errors
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.errors.fmt(f)
    }
}

impl fmt::Debug for ConfigError {
    /// As `Display`, for programs that return the error from `main`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ConfigError {}

/// Notes under `path` what keeps `egress` from being an address to connect to.
pub(crate) fn check_egress(path: &str, egress: SocketAddr, diagnostics: &mut Diagnostics) {
    if egress.port() == 0 {
        diagnostics.add(path, format!("is `{egress}`; allowed is a port from 1 to 65535"));
    }
}

/// Notes under `path` what keeps `placeholder` from being an address whose connections leave the process.
pub(crate) fn check_placeholder(path: &str, placeholder: IpAddr, rules: Rules, diagnostics: &mut Diagnostics) {
    if let Some(why) = rules.refuses_answered(placeholder) {
        diagnostics.add(
            path,
            format!("is `{placeholder}`, {why}; allowed is another host's address, such as 10.10.10.10"),
        );
    }
}

/// Notes under `path` what keeps `suffixes` from being the ends of host names.
pub(crate) fn check_suffixes(path: &str, suffixes: &MeshSuffixes, diagnostics: &mut Diagnostics) {
    if suffixes.is_empty() {
        diagnostics.add(
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
            diagnostics.add(
                path,
                format!(
                    "holds `{suffix}`; allowed are 1 to {MAX_NAME} of a-z, 0-9, _ and -, in labels separated by dots"
                ),
            );
        }
    }
}
