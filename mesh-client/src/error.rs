//! Errors of calls.
//!
//! One opaque type, so that a new failure does not break callers. It has predicates for code that decides, a message for
//! logs, and a label for metrics. A new failure needs all three and a row in `tests::table`, which keeps them consistent.

mod constructors;
mod kind;
mod sanitise;

use std::error::Error as _;
use std::fmt;

use http::StatusCode;
use sidecar_contract::LocalReply;

pub(crate) use self::kind::Peer;
use self::kind::{Kind, NameKind};
pub(crate) use self::sanitise::SanitisedText;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a call failed.
///
/// `Display` is one sentence that contains the service's name; [`source`](std::error::Error::source) is the layer below, if
/// there is one.
pub struct Error {
    // Boxed, because a `Result` is as large as its larger half and most calls succeed.
    inner: Box<Inner>,
}

struct Inner {
    service: Option<String>,
    kind: Kind,
    attempts: Vec<String>,
    source: Option<Source>,
}

impl Error {
    /// All labels of [`Error::label`], for metrics that are declared in advance.
    pub const LABELS: &'static [&'static str] = Kind::LABELS;

    /// The service that was called, as in the Host header: with its port unless that is 80. `None` if the URL contains no
    /// valid service.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        self.inner.service.as_deref()
    }

    /// A label for metrics, one of [`Error::LABELS`]. It describes the failure, never the service.
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.inner.kind.label()
    }

    /// What was attempted before the call failed, in order: the hosts file, each DNS server, each address, with the result of
    /// each. Empty for calls through an egress listener, where the sidecar does all of this.
    #[must_use]
    pub fn attempts(&self) -> &[String] {
        &self.inner.attempts
    }

    /// The status of the response behind this error: the service's for [`is_status`](Self::is_status), the sidecar's for a
    /// local reply, and `None` without a complete response.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self.inner.kind {
            Kind::LocalReply { status, .. } | Kind::UnknownLocalReply { status, .. } | Kind::Status(status) => {
                Some(status)
            }
            _ => None,
        }
    }

    /// The reason of the sidecar's local reply, if it sent one and this version knows the reason.
    #[must_use]
    pub fn local_reply(&self) -> Option<LocalReply> {
        match self.inner.kind {
            Kind::LocalReply { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// True if the service has certainly not received the call and a later attempt may succeed: a failed name lookup, a
    /// connection that could not be established, or no healthy endpoint.
    ///
    /// After other failures that may be temporary ([`is_interrupted`](Self::is_interrupted),
    /// [`is_unreachable`](Self::is_unreachable), [`is_timeout`](Self::is_timeout)) the service may have acted on the call:
    /// repeat such a call only if it is idempotent.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.is_name_lookup_failed()
            || self.is_connect()
            || self.is_sidecar_unreachable()
            || self.is_no_healthy_endpoint()
    }

    /// True if the call was not sent, because it is invalid: for instance a malformed URL, or a header that is not allowed.
    #[must_use]
    pub fn is_builder(&self) -> bool {
        matches!(self.inner.kind, Kind::Builder(_))
    }

    /// True if the call was not sent, because its host name does not have a suffix of the mesh. See
    /// [`Client::suffixes`](crate::Client::suffixes).
    #[must_use]
    pub fn is_outside_mesh(&self) -> bool {
        matches!(self.inner.kind, Kind::OutsideMesh(_))
    }

    /// True if the call was not sent, because its name does not resolve: neither the hosts file nor DNS contains it, or DNS
    /// contains it without an address.
    #[must_use]
    pub fn is_name_not_found(&self) -> bool {
        matches!(self.inner.kind, Kind::Name(NameKind::NotFound { .. }, _))
    }

    /// True if the call was not sent, because no DNS server gave a usable response. It may succeed later.
    #[must_use]
    pub fn is_name_lookup_failed(&self) -> bool {
        matches!(self.inner.kind, Kind::Name(NameKind::NoAnswer, _))
    }

    /// True if the call was not sent, because its name resolves only to addresses that the client never connects to:
    /// link-local ones, where metadata services are, or ones of this host.
    #[must_use]
    pub fn is_address_refused(&self) -> bool {
        matches!(self.inner.kind, Kind::Name(NameKind::Rejected { .. }, _))
    }

    /// True if the call was not sent, because none of the addresses of its name accepted a connection. For an egress
    /// listener see [`is_sidecar_unreachable`](Self::is_sidecar_unreachable).
    #[must_use]
    pub fn is_connect(&self) -> bool {
        matches!(self.inner.kind, Kind::NotConnected { .. })
    }

    /// True if the sidecar's egress listener did not accept a connection: the sidecar has not started yet, or has stopped.
    #[must_use]
    pub fn is_sidecar_unreachable(&self) -> bool {
        matches!(self.inner.kind, Kind::SidecarUnreachable(_))
    }

    /// True if the sidecar knows no service with this name.
    #[must_use]
    pub fn is_unknown_service(&self) -> bool {
        self.local_reply() == Some(LocalReply::UnknownService)
    }

    /// True if the mesh knows the service, but none of its routes matches the request.
    #[must_use]
    pub fn is_no_route(&self) -> bool {
        self.local_reply() == Some(LocalReply::NoRoute)
    }

    /// True if the mesh knows the service, but the service has no healthy endpoint.
    #[must_use]
    pub fn is_no_healthy_endpoint(&self) -> bool {
        self.local_reply() == Some(LocalReply::NoHealthyEndpoint)
    }

    /// True if the mesh chose an endpoint and the connection to it failed or broke. The service may have acted on the call.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        self.local_reply() == Some(LocalReply::Unreachable)
    }

    /// True if the response was not received completely within the mesh's timeout (then there is a
    /// [`status`](Self::status)) or the caller's. The service may have acted on the call.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(
            self.inner.kind,
            Kind::Expired | Kind::NoResponse(_) | Kind::IncompleteResponse(_)
        ) || self.local_reply() == Some(LocalReply::TimedOut)
    }

    /// True if the call was not sent, because its deadline had already passed. It is also a timeout.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        matches!(self.inner.kind, Kind::Expired)
    }

    /// True if the sidecar did not accept the call, which the service has not received: its headers are too large, it is no
    /// valid HTTP, or it uses what the sidecar does not support.
    #[must_use]
    pub fn is_rejected_by_sidecar(&self) -> bool {
        matches!(
            self.local_reply(),
            Some(LocalReply::HeadersTooLarge | LocalReply::Rejected)
        )
    }

    /// True if the connection, to the sidecar or to a task, broke before a response. The service may have acted on the call.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        matches!(self.inner.kind, Kind::Interrupted(_))
    }

    /// True for an error of [`error_for_status`](crate::Response::error_for_status): the service responded with a status of
    /// 400 or more.
    #[must_use]
    pub fn is_status(&self) -> bool {
        matches!(self.inner.kind, Kind::Status(_))
    }

    /// True if the body of the request failed while it was sent. The service may have received a part of it.
    #[must_use]
    pub fn is_request_body(&self) -> bool {
        matches!(self.inner.kind, Kind::RequestBody)
    }

    /// True if the connection broke within the body of the response.
    #[must_use]
    pub fn is_body(&self) -> bool {
        matches!(self.inner.kind, Kind::Body)
    }

    /// True if the body of the response is complete, but not JSON of the expected shape.
    #[must_use]
    pub fn is_decode(&self) -> bool {
        matches!(self.inner.kind, Kind::Decode)
    }
}

/// The message of an error's innermost cause: the operating system's, without the layers around it.
pub(crate) fn root_cause(error: &reqwest::Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = error.to_string();
        cause = error.source();
    }
    message
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.kind.describe(self.service(), &self.inner.attempts, f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("label", &self.label())
            .field("message", &self.to_string())
            .field("source", &self.inner.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.inner.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests;
