//! Constructors of errors from the result of a call.

use std::time::Duration;

use http::StatusCode;
use sidecar_contract::{LocalReply, MeshSuffixes};

use super::kind::{Kind, Peer};
use super::sanitise::SanitisedText;
use super::{Error, Inner, Source};
use crate::body::RequestBodyError;
use crate::resolver::ResolveError;

impl Error {
    pub(super) fn new(service: Option<&str>, kind: Kind) -> Self {
        let service = service.map(str::to_owned);
        Self {
            inner: Box::new(Inner {
                service,
                kind,
                attempts: Vec::new(),
                source: None,
            }),
        }
    }

    pub(crate) fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    fn with_attempts(mut self, attempts: Vec<String>) -> Self {
        self.inner.attempts = attempts;
        self
    }

    /// Prepends earlier attempts.
    pub(crate) fn after(mut self, mut earlier: Vec<String>) -> Self {
        earlier.append(&mut self.inner.attempts);
        self.with_attempts(earlier)
    }

    pub(crate) fn into_attempts(self) -> Vec<String> {
        self.inner.attempts
    }

    pub(crate) fn builder(service: Option<&str>, reason: impl Into<String>) -> Self {
        Self::new(service, Kind::Builder(reason.into()))
    }

    pub(crate) fn outside_mesh(service: String, suffixes: &MeshSuffixes) -> Self {
        Self::new(Some(&service), Kind::OutsideMesh(suffixes.clone()))
    }

    pub(crate) fn from_local_reply(service: &str, reason: LocalReply, status: StatusCode, body: SanitisedText) -> Self {
        Self::new(Some(service), Kind::LocalReply { reason, status, body })
    }

    pub(crate) fn unknown_local_reply(
        service: &str,
        reason: SanitisedText,
        status: StatusCode,
        body: SanitisedText,
    ) -> Self {
        Self::new(Some(service), Kind::UnknownLocalReply { reason, status, body })
    }

    pub(crate) fn from_status(service: &str, status: StatusCode) -> Self {
        Self::new(Some(service), Kind::Status(status))
    }

    pub(crate) fn decode(service: &str, source: serde_json::Error) -> Self {
        Self::new(Some(service), Kind::Decode).with_source(source)
    }

    /// The name does not resolve. `with_hint` adds how to make it resolve without a sidecar.
    pub(crate) fn resolve(service: &str, error: &ResolveError, with_hint: bool) -> Self {
        Self::new(Some(service), Kind::Name(error.kind.into(), with_hint)).with_attempts(error.attempts.clone())
    }

    /// No address accepted a connection; `last` is the error of the last attempt.
    pub(crate) fn not_connected(
        service: &str,
        attempts: Vec<String>,
        redirected: bool,
        last: Option<reqwest::Error>,
    ) -> Self {
        let error = Self::new(Some(service), Kind::NotConnected { redirected }).with_attempts(attempts);
        match last {
            Some(last) => error.with_source(last.without_url()),
            None => error,
        }
    }

    pub(crate) fn expired(service: &str) -> Self {
        Self::new(Some(service), Kind::Expired)
    }

    pub(crate) fn no_response(service: &str, timeout: Duration) -> Self {
        Self::new(Some(service), Kind::NoResponse(timeout))
    }

    /// Classifies an `error` before the response.
    pub(crate) fn sending(service: &str, peer: Peer, timeout: Duration, error: reqwest::Error) -> Self {
        let kind = match peer {
            Peer::Sidecar(sidecar) if error.is_connect() => Kind::SidecarUnreachable(sidecar),
            _ if RequestBodyError::is_source_of(&error) => Kind::RequestBody,
            _ if error.is_timeout() => Kind::NoResponse(timeout),
            _ if error.is_builder() => Kind::Builder("the HTTP client rejects it".to_owned()),
            peer => Kind::Interrupted(peer),
        };
        // The URL in reqwest's message has an address in place of the name, which would be misleading.
        Self::new(Some(service), kind).with_source(error.without_url())
    }

    /// Classifies an `error` within the response.
    pub(crate) fn receiving(service: &str, timeout: Duration, error: reqwest::Error) -> Self {
        let kind = if error.is_timeout() {
            Kind::IncompleteResponse(timeout)
        } else {
            Kind::Body
        };
        Self::new(Some(service), kind).with_source(error.without_url())
    }
}
