//! Why a name does not resolve, and what was attempted.

use std::net::IpAddr;

/// A failed resolution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResolveError {
    pub(crate) kind: ResolveErrorKind,
    /// The sources that were queried with their results, in order, for error messages.
    pub(crate) attempts: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResolveErrorKind {
    /// No such name in DNS (`NXDOMAIN`).
    NoSuchName,
    /// The name exists in DNS without a usable address (`NODATA`).
    NoAddress,
    /// No DNS server gave a usable response.
    NoAnswer,
    /// All addresses are rejected by the [`AddressPolicy`](super::AddressPolicy).
    Rejected { address: IpAddr, reason: &'static str },
}

impl ResolveError {
    /// A lookup without a usable response.
    pub(crate) fn no_answer(attempts: Vec<String>) -> Self {
        Self {
            kind: ResolveErrorKind::NoAnswer,
            attempts,
        }
    }

    /// True if no DNS server gave a usable response, in contrast to a negative response.
    pub(crate) fn is_no_answer(&self) -> bool {
        self.kind == ResolveErrorKind::NoAnswer
    }
}
