//! What can go wrong with a call, and how the caller asks.
//!
//! One opaque type, so that a new way to fail is no new type to match on. It answers three needs: questions for
//! code that decides what to do, a sentence for the person who reads the log, a label for the metric. A new
//! failure gets all three, and a line in `tests::table`, which is where they are kept from drifting apart.

mod kind;
mod words;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use http::StatusCode;
use mesh_model::{Fault, MeshSuffixes};

use self::kind::Kind;
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
    source: Option<Source>,
}

impl Error {
    /// Every label that [`Error::label`] can give, for metrics that are declared before they are counted.
    pub const LABELS: [&'static str; 13] = Kind::LABELS;

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

    /// The status of the answer behind this error: the service's if [`is_status`](Self::is_status), the
    /// sidecar's if it answered in the service's place, and `None` if there was no whole answer.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self.inner.kind {
            Kind::Fault { status, .. } | Kind::OtherFault { status, .. } | Kind::Status(status) => Some(status),
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

    /// True if no connection to the sidecar came about. It is not running yet, or no longer.
    #[must_use]
    pub fn is_sidecar_unreachable(&self) -> bool {
        matches!(self.inner.kind, Kind::SidecarUnreachable(_))
    }

    /// True if the sidecar knows no service of this name.
    #[must_use]
    pub fn is_unknown_service(&self) -> bool {
        self.fault() == Some(Fault::UnknownService)
    }

    /// True if the mesh knows the service, but none of its routes is for such a request.
    #[must_use]
    pub fn is_no_route(&self) -> bool {
        self.fault() == Some(Fault::NoRoute)
    }

    /// True if the mesh knows the service, but none of its tasks can take a call.
    #[must_use]
    pub fn is_no_healthy_endpoint(&self) -> bool {
        self.fault() == Some(Fault::NoHealthyEndpoint)
    }

    /// True if the mesh chose a task and the connection to it failed or broke. The service may have acted on the
    /// call.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        self.fault() == Some(Fault::Unreachable)
    }

    /// True if the answer did not come, or did not end, in time: the mesh's (then there is a
    /// [`status`](Self::status)) or the caller's. The service may have acted on the call.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.inner.kind, Kind::NoAnswer(_) | Kind::NoEnd(_)) || self.fault() == Some(Fault::TimedOut)
    }

    /// True if the connection to the sidecar broke before there was an answer. The service may have acted on the
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
    pub fn fault(&self) -> Option<Fault> {
        match self.inner.kind {
            Kind::Fault { fault, .. } => Some(fault),
            _ => None,
        }
    }

    fn new(service: Option<&str>, kind: Kind) -> Self {
        let service = service.map(str::to_owned);
        Self {
            inner: Box::new(Inner {
                service,
                kind,
                source: None,
            }),
        }
    }

    pub(crate) fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    pub(crate) fn builder(service: Option<&str>, why: impl Into<String>) -> Self {
        Self::new(service, Kind::Builder(why.into()))
    }

    pub(crate) fn outside_mesh(service: String, suffixes: &MeshSuffixes) -> Self {
        Self::new(Some(&service), Kind::OutsideMesh(suffixes.clone()))
    }

    pub(crate) fn fault_of(service: &str, fault: Fault, status: StatusCode, words: Words) -> Self {
        Self::new(Some(service), Kind::Fault { fault, status, words })
    }

    pub(crate) fn other_fault(service: &str, value: Words, status: StatusCode, words: Words) -> Self {
        Self::new(Some(service), Kind::OtherFault { value, status, words })
    }

    pub(crate) fn status_of(service: &str, status: StatusCode) -> Self {
        Self::new(Some(service), Kind::Status(status))
    }

    pub(crate) fn decode(service: &str, source: serde_json::Error) -> Self {
        Self::new(Some(service), Kind::Decode).with_source(source)
    }

    /// What `error` means before there was an answer.
    pub(crate) fn sending(service: &str, sidecar: SocketAddr, timeout: Duration, error: reqwest::Error) -> Self {
        let kind = if error.is_connect() {
            Kind::SidecarUnreachable(sidecar)
        } else if error.is_timeout() {
            Kind::NoAnswer(timeout)
        } else if error.is_builder() {
            Kind::Builder("the HTTP client does not take it".to_owned())
        } else {
            Kind::Interrupted(sidecar)
        };
        // The URL in reqwest's message is the sidecar's, which would only mislead.
        Self::new(Some(service), kind).with_source(error.without_url())
    }

    /// What `error` means in the middle of an answer.
    pub(crate) fn receiving(service: &str, timeout: Duration, error: reqwest::Error) -> Self {
        let kind = if error.is_timeout() {
            Kind::NoEnd(timeout)
        } else {
            Kind::Body
        };
        Self::new(Some(service), kind).with_source(error.without_url())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.kind.describe(self.service(), f)
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
