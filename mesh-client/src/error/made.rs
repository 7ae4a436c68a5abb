//! How errors are made: from what became of a call.

use std::time::Duration;

use http::StatusCode;
use sidecar_contract::{LocalReply, MeshSuffixes};

use super::kind::{Kind, Peer};
use super::words::Words;
use super::{Error, Inner, Source};
use crate::body::OwnBodyError;
use crate::names::Failure;

impl Error {
    pub(super) fn new(service: Option<&str>, kind: Kind) -> Self {
        let service = service.map(str::to_owned);
        Self {
            inner: Box::new(Inner {
                service,
                kind,
                tried: Vec::new(),
                source: None,
            }),
        }
    }

    pub(crate) fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    fn with_tried(mut self, tried: Vec<String>) -> Self {
        self.inner.tried = tried;
        self
    }

    /// Puts what was tried before in front of what was tried.
    pub(crate) fn after(mut self, mut before: Vec<String>) -> Self {
        before.append(&mut self.inner.tried);
        self.with_tried(before)
    }

    pub(crate) fn into_tried(self) -> Vec<String> {
        self.inner.tried
    }

    pub(crate) fn builder(service: Option<&str>, why: impl Into<String>) -> Self {
        Self::new(service, Kind::Builder(why.into()))
    }

    pub(crate) fn outside_mesh(service: String, suffixes: &MeshSuffixes) -> Self {
        Self::new(Some(&service), Kind::OutsideMesh(suffixes.clone()))
    }

    pub(crate) fn fault_of(service: &str, fault: LocalReply, status: StatusCode, words: Words) -> Self {
        Self::new(Some(service), Kind::LocalReply { fault, status, words })
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

    /// The name leads nowhere. `advise` how to mend that where there is no sidecar.
    pub(crate) fn name(service: &str, failure: &Failure, advise: bool) -> Self {
        Self::new(Some(service), Kind::Name(failure.why.into(), advise)).with_tried(failure.tried.clone())
    }

    /// No address took a connection; `last` is why not the last one.
    pub(crate) fn not_connected(
        service: &str,
        tried: Vec<String>,
        intercepted: bool,
        last: Option<reqwest::Error>,
    ) -> Self {
        let error = Self::new(Some(service), Kind::NotConnected { intercepted }).with_tried(tried);
        match last {
            Some(last) => error.with_source(last.without_url()),
            None => error,
        }
    }

    pub(crate) fn expired(service: &str) -> Self {
        Self::new(Some(service), Kind::Expired)
    }

    pub(crate) fn no_answer(service: &str, timeout: Duration) -> Self {
        Self::new(Some(service), Kind::NoAnswer(timeout))
    }

    /// What `error` means before there was an answer.
    pub(crate) fn sending(service: &str, peer: Peer, timeout: Duration, error: reqwest::Error) -> Self {
        let kind = match peer {
            Peer::Sidecar(sidecar) if error.is_connect() => Kind::SidecarUnreachable(sidecar),
            _ if OwnBodyError::is_behind(&error) => Kind::RequestBody,
            _ if error.is_timeout() => Kind::NoAnswer(timeout),
            _ if error.is_builder() => Kind::Builder("the HTTP client does not take it".to_owned()),
            peer => Kind::Interrupted(peer),
        };
        // The URL in reqwest's message has an address in place of the name, which would only mislead.
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
