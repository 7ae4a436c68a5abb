//! A service's answer, and how it is told from one that the sidecar gave in its place.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use sidecar_contract::{LocalReply, local_reply};

use crate::body::ResponseBody;
use crate::error::{Error, Words};

/// What a service answered, from [`RequestBuilder::send`](crate::RequestBuilder::send).
///
/// The head is here; the body arrives while it is read, under the deadline of the call. A response that is
/// dropped before its body was read closes its connection.
pub struct Response {
    answer: reqwest::Response,
    service: Arc<str>,
    timeout: Duration,
}

impl Response {
    /// The answer as a response, or as an error if the sidecar marked it as its own.
    pub(crate) async fn from_answer(
        answer: reqwest::Response,
        service: Arc<str>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let Some(mark) = answer.headers().get(local_reply::HEADER) else {
            return Ok(Self {
                answer,
                service,
                timeout,
            });
        };
        let status = answer.status();
        let known = mark.to_str().ok().and_then(LocalReply::from_header);
        let value = Words::new(mark.as_bytes());
        let words = words_of(answer).await;
        Err(match known {
            Some(fault) => Error::fault_of(&service, fault, status, words),
            None => Error::other_fault(&service, value, status, words),
        })
    }

    /// The status that the service answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.answer.status()
    }

    /// The headers that the service answered with.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.answer.headers()
    }

    /// The service that was called, as the Host header names it: with its port unless that is 80.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The response again, unless its status says no.
    ///
    /// # Errors
    ///
    /// [`Error::is_status`] for a status of 400 and more.
    pub fn error_for_status(self) -> Result<Self, Error> {
        let status = self.status();
        if status.is_client_error() || status.is_server_error() {
            return Err(Error::status_of(&self.service, status));
        }
        Ok(self)
    }

    /// The same as the type that other crates know, with a body that arrives while it is read.
    #[must_use]
    pub fn into_http(self) -> http::Response<ResponseBody> {
        let Self {
            answer,
            service,
            timeout,
        } = self;
        http::Response::from(answer).map(|body| ResponseBody::new(body, service, timeout))
    }

    /// The next piece of the body, as it arrives; `None` at its end. Cancelling it loses nothing.
    ///
    /// # Errors
    ///
    /// [`Error::is_body`] if the connection broke, [`Error::is_timeout`] if the deadline passed.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.answer
            .chunk()
            .await
            .map_err(|error| Error::receiving(&self.service, self.timeout, error))
    }

    /// The whole body, however long it is. Read [`chunk`](Self::chunk)s to set a limit. Cancelling it closes the
    /// connection.
    ///
    /// # Errors
    ///
    /// As for [`chunk`](Self::chunk).
    pub async fn bytes(self) -> Result<Bytes, Error> {
        let Self {
            answer,
            service,
            timeout,
        } = self;
        answer
            .bytes()
            .await
            .map_err(|error| Error::receiving(&service, timeout, error))
    }

    /// The whole body as text. It is taken as UTF-8; what is none becomes U+FFFD. Cancelling it closes the
    /// connection.
    ///
    /// # Errors
    ///
    /// As for [`chunk`](Self::chunk).
    pub async fn text(self) -> Result<String, Error> {
        let body = self.bytes().await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// The whole body as JSON, whatever its `Content-Type`. Cancelling it closes the connection.
    ///
    /// # Errors
    ///
    /// As for [`chunk`](Self::chunk), and [`Error::is_decode`] if the body is not JSON or not of this shape.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let service = self.service.clone();
        let body = self.bytes().await?;
        serde_json::from_slice(&body).map_err(|source| Error::decode(&service, source))
    }
}

impl fmt::Debug for Response {
    /// Without headers, which may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("service", &self.service)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// The sidecar's own words about a fault, as far as they can be read.
///
/// That the call failed is known already: a body that breaks off only says less about why.
async fn words_of(mut answer: reqwest::Response) -> Words {
    let mut body = Vec::new();
    while body.len() < Words::MAX_BYTES
        && let Ok(Some(piece)) = answer.chunk().await
    {
        body.extend_from_slice(&piece);
    }
    Words::new(&body)
}
