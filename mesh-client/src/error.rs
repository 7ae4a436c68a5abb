//! What can go wrong with a call, and how the caller asks.
//!
//! One opaque type, so that a new way to fail is no new type to match on. It answers three needs: questions for
//! code that decides what to do, a sentence for the person who reads the log, a label for the metric. A new
//! failure gets all three, and a line in `tests::table`, which is where they are kept from drifting apart.

mod kind;
mod made;
mod words;

use std::fmt;

use http::StatusCode;
use sidecar_contract::LocalReply;

pub(crate) use self::kind::Peer;
use self::kind::{Kind, NameKind};
pub(crate) use self::words::Words;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a call did not give what was asked for.
///
/// `Display` is one sentence with the service's name in it; [`source`](std::error::Error::source) is the layer
/// below, if there is one.
pub struct Error {
    // Boxed, because a `Result` is as large as its larger half and most calls go well.
    inner: Box<Inner>,
}

struct Inner {
    service: Option<String>,
    kind: Kind,
    tried: Vec<String>,
    source: Option<Source>,
}

impl Error {
    /// Every label that [`Error::label`] can give, for metrics that are declared before they are counted.
    pub const LABELS: [&'static str; 19] = Kind::LABELS;

    /// The service that was called, as the Host header names it: with its port unless that is 80. `None` if the
    /// URL names none.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        self.inner.service.as_deref()
    }

    /// A label for metrics, one of [`Error::LABELS`]. Says what failed, never which service.
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.inner.kind.label()
    }

    /// What was tried before the call failed, in order: the hosts file, each DNS server, each address, with what each
    /// of them said. Empty for calls through an egress listener, where the sidecar does all of this.
    #[must_use]
    pub fn tried(&self) -> &[String] {
        &self.inner.tried
    }

    /// The status of the answer behind this error: the service's if [`is_status`](Self::is_status), the
    /// sidecar's if it answered in the service's place, and `None` if there was no whole answer.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self.inner.kind {
            Kind::LocalReply { status, .. } | Kind::OtherFault { status, .. } | Kind::Status(status) => Some(status),
            _ => None,
        }
    }

    /// True if the call was never sent, because it was put together wrongly: no URL, a forbidden header.
    #[must_use]
    pub fn is_builder(&self) -> bool {
        matches!(self.inner.kind, Kind::Builder(_))
    }

    /// True if the call was never sent, because the mesh has no such names. See
    /// [`Client::suffixes`](crate::Client::suffixes).
    #[must_use]
    pub fn is_outside_mesh(&self) -> bool {
        matches!(self.inner.kind, Kind::OutsideMesh(_))
    }

    /// True if the call was never sent, because its name leads nowhere: neither the hosts file nor DNS has it, or DNS
    /// has it without an address.
    #[must_use]
    pub fn is_name_not_found(&self) -> bool {
        matches!(self.inner.kind, Kind::Name(NameKind::NotFound { .. }, _))
    }

    /// True if the call was never sent, because DNS did not say where its name leads. Another time it may.
    #[must_use]
    pub fn is_name_lookup_failed(&self) -> bool {
        matches!(self.inner.kind, Kind::Name(NameKind::NoAnswer, _))
    }

    /// True if the call was never sent, because its name leads to nothing but addresses that are never connected to:
    /// link-local ones, where metadata services are, or ones of this host.
    #[must_use]
    pub fn is_address_refused(&self) -> bool {
        matches!(self.inner.kind, Kind::Name(NameKind::Refused { .. }, _))
    }

    /// True if the call was never sent, because none of the addresses of its name took a connection. Not for an egress
    /// listener, see [`is_sidecar_unreachable`](Self::is_sidecar_unreachable).
    #[must_use]
    pub fn is_connect(&self) -> bool {
        matches!(self.inner.kind, Kind::NotConnected { .. })
    }

    /// True if no connection to the sidecar's egress listener came about. It is not running yet, or no longer.
    #[must_use]
    pub fn is_sidecar_unreachable(&self) -> bool {
        matches!(self.inner.kind, Kind::SidecarUnreachable(_))
    }

    /// True if the sidecar knows no service of this name.
    #[must_use]
    pub fn is_unknown_service(&self) -> bool {
        self.fault() == Some(LocalReply::UnknownService)
    }

    /// True if the mesh knows the service, but none of its routes is for such a request.
    #[must_use]
    pub fn is_no_route(&self) -> bool {
        self.fault() == Some(LocalReply::NoRoute)
    }

    /// True if the mesh knows the service, but none of its tasks can take a call.
    #[must_use]
    pub fn is_no_healthy_endpoint(&self) -> bool {
        self.fault() == Some(LocalReply::NoHealthyEndpoint)
    }

    /// True if the mesh chose a task and the connection to it failed or broke. The service may have acted on the
    /// call.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        self.fault() == Some(LocalReply::Unreachable)
    }

    /// True if the answer did not come, or did not end, in time: the mesh's (then there is a
    /// [`status`](Self::status)) or the caller's. The service may have acted on the call.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.inner.kind, Kind::Expired | Kind::NoAnswer(_) | Kind::NoEnd(_))
            || self.fault() == Some(LocalReply::TimedOut)
    }

    /// True if the call was never sent, because its deadline had passed already. It is a timeout too.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        matches!(self.inner.kind, Kind::Expired)
    }

    /// True if the connection, to the sidecar or to a task, broke before there was an answer. The service may have acted on the
    /// call.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        matches!(self.inner.kind, Kind::Interrupted(_))
    }

    /// True if the service answered with a status of 400 or more and
    /// [`error_for_status`](crate::Response::error_for_status) was asked.
    #[must_use]
    pub fn is_status(&self) -> bool {
        matches!(self.inner.kind, Kind::Status(_))
    }

    /// True if the call's own body broke off while it was sent. The service may have seen a part of it.
    #[must_use]
    pub fn is_request_body(&self) -> bool {
        matches!(self.inner.kind, Kind::RequestBody)
    }

    /// True if the answer's body broke off.
    #[must_use]
    pub fn is_body(&self) -> bool {
        matches!(self.inner.kind, Kind::Body)
    }

    /// True if the answer's body is whole, but not the JSON that was asked for.
    #[must_use]
    pub fn is_decode(&self) -> bool {
        matches!(self.inner.kind, Kind::Decode)
    }

    /// The fault that the sidecar answered with, if it did and if this version knows it.
    #[must_use]
    pub fn fault(&self) -> Option<LocalReply> {
        match self.inner.kind {
            Kind::LocalReply { fault, .. } => Some(fault),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.kind.describe(self.service(), &self.inner.tried, f)
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
