//! Local replies: responses that a sidecar generates instead of forwarding a request.
//!
//! A local reply of Envoy looks like any other 404, 503 or 504. The control plane therefore configures Envoy to add the
//! header [`HEADER`] with the reason, and `mesh-client` turns it into an error such as "no healthy endpoint".

use std::fmt;

/// The response header that marks a local reply and contains its reason.
pub const HEADER: &str = "x-meshwright-fault";

/// Why a sidecar replied itself instead of forwarding the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LocalReply {
    /// The sidecar has no service with the name in the Host header. Status 404.
    UnknownService,
    /// No route of the service matches the request. Status 404.
    NoRoute,
    /// The service has no healthy endpoint. Status 503.
    NoHealthyEndpoint,
    /// The connection to the chosen endpoint failed or broke, or the endpoint is at its connection limit. Status 503.
    Unreachable,
    /// The response did not arrive within the mesh's timeout. Status 504.
    TimedOut,
    /// The request headers are larger, or more, than the sidecar accepts. Status 431.
    HeadersTooLarge,
    /// The sidecar does not accept the request: it is no valid HTTP, or uses what the sidecar does not support. Another
    /// status of 400 to 499.
    Rejected,
    /// The sidecar could not forward the request or the response, for another reason. A status of 500 to 599.
    Failed,
}

impl LocalReply {
    /// All reasons.
    pub const ALL: &'static [LocalReply] = &[
        LocalReply::UnknownService,
        LocalReply::NoRoute,
        LocalReply::NoHealthyEndpoint,
        LocalReply::Unreachable,
        LocalReply::TimedOut,
        LocalReply::HeadersTooLarge,
        LocalReply::Rejected,
        LocalReply::Failed,
    ];

    /// The header value of this reason.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            LocalReply::UnknownService => "unknown-service",
            LocalReply::NoRoute => "no-route",
            LocalReply::NoHealthyEndpoint => "no-healthy-endpoint",
            LocalReply::Unreachable => "unreachable",
            LocalReply::TimedOut => "timed-out",
            LocalReply::HeadersTooLarge => "headers-too-large",
            LocalReply::Rejected => "rejected",
            LocalReply::Failed => "failed",
        }
    }

    /// The reason with this header value; `None` for a value that this version does not know.
    #[must_use]
    pub fn from_header(value: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == value)
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
    fn every_reason_is_parsed_from_its_header_value() {
        for reason in LocalReply::ALL {
            assert_eq!(LocalReply::from_header(reason.as_str()), Some(*reason));
        }
        assert_eq!(LocalReply::from_header("none"), None);
    }
}
