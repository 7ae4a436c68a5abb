//! How a sidecar tells the service beside it why a call did not get through.
//!
//! Envoy answers a call it cannot forward by itself, and its answer looks like any other 404, 503 or 504. The
//! control plane therefore has Envoy mark those answers with the header [`HEADER`]; `mesh-client` reads it and
//! can say "no healthy endpoint" where it could only have said "503" otherwise.

use std::fmt;

/// The response header by which a sidecar marks an answer as its own.
pub const HEADER: &str = "x-meshwright-fault";

/// Why a sidecar answered in place of the service that was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LocalReply {
    /// The Host header names nothing that this sidecar knows. Status 404.
    UnknownService,
    /// The service is known, but none of its routes is for such a request. Status 404.
    NoRoute,
    /// The service is known, but no task of it can take a request. Status 503.
    NoHealthyEndpoint,
    /// A task was chosen, but the connection to it failed or broke, or it has as many as it may have. Status 503.
    Unreachable,
    /// The answer did not come within the time that the mesh allows. Status 504.
    TimedOut,
}

impl LocalReply {
    /// Every reason there is.
    pub const ALL: [LocalReply; 5] = [
        LocalReply::UnknownService,
        LocalReply::NoRoute,
        LocalReply::NoHealthyEndpoint,
        LocalReply::Unreachable,
        LocalReply::TimedOut,
    ];

    /// The header value that stands for this reason.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            LocalReply::UnknownService => "unknown-service",
            LocalReply::NoRoute => "no-route",
            LocalReply::NoHealthyEndpoint => "no-healthy-endpoint",
            LocalReply::Unreachable => "unreachable",
            LocalReply::TimedOut => "timed-out",
        }
    }

    /// The reason that a header value stands for; `None` for a value this version does not know.
    #[must_use]
    pub fn from_header(value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == value)
    }
}

impl fmt::Display for LocalReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_values_name_their_fault() {
        for reason in LocalReply::ALL {
            assert_eq!(LocalReply::from_header(reason.as_str()), Some(reason));
        }
        assert_eq!(LocalReply::from_header("none"), None);
    }
}
