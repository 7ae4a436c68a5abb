//! Validation shared by the environment variables and the builder, so that both allow the same values.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use sidecar_contract::{Diagnostics, MeshSuffixes, ValidationErrors};

use crate::resolver::AddressPolicy;

/// The longest name in DNS.
const MAX_NAME: usize = 253;

/// All errors in a client's configuration: at least one.
///
/// `Display` writes one line per error: the environment variable or the builder's method, the value, and what is allowed.
/// `Debug` writes the same, for programs that return the error from `main`.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError {
    errors: ValidationErrors,
}

impl ConfigError {
    pub(crate) fn new(errors: impl Into<ValidationErrors>) -> Self {
        Self { errors: errors.into() }
    }

    /// The single errors, to be reported together with those of the service's own configuration.
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
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ConfigError {}

/// Adds an error with the path `path` if `egress` is not an address to connect to.
pub(crate) fn check_egress(path: &str, egress: SocketAddr, diagnostics: &mut Diagnostics) {
    if egress.port() == 0 {
        diagnostics.add(path, format!("is `{egress}`; allowed is a port from 1 to 65535"));
    }
}

/// Adds an error with the path `path` if connections to `vip` would not leave this host.
pub(crate) fn check_synthetic_vip(path: &str, vip: IpAddr, policy: AddressPolicy, diagnostics: &mut Diagnostics) {
    if let Some(reason) = policy.reject_dns_answer(vip) {
        diagnostics.add(
            path,
            format!("is `{vip}`, {reason}; allowed is an address outside this host, such as 10.10.10.10"),
        );
    }
}

/// Adds errors with the path `path` for suffixes that are not valid in host names.
pub(crate) fn check_suffixes(path: &str, suffixes: &MeshSuffixes, diagnostics: &mut Diagnostics) {
    if suffixes.is_empty() {
        diagnostics.add(
            path,
            "contains no suffix; allowed is one or more, such as serviceconnect",
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
                    "contains `{suffix}`; allowed are 1 to {MAX_NAME} of a-z, 0-9, _ and -, in labels separated by dots"
                ),
            );
        }
    }
}
