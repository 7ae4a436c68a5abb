//! Responses of services, distinguished from local replies of the sidecar.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use sidecar_contract::{LocalReply, local_reply};

use crate::body::ResponseBody;
use crate::error::{Error, SanitisedText};

/// The response of a service, from [`RequestBuilder::send`](crate::RequestBuilder::send).
///
/// The head is complete; the body is received while it is read, subject to the deadline of the call. Dropping a response
/// before the end of its body closes the connection.
pub struct Response {
    response: reqwest::Response,
    service: Arc<str>,
    timeout: Duration,
}

impl Response {
    /// A response, or an error if it is marked as a local reply.
    pub(crate) async fn from_http(
        response: reqwest::Response,
        service: Arc<str>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let Some(reason) = response.headers().get(local_reply::HEADER) else {
            return Ok(Self {
                response,
                service,
                timeout,
            });
        };
        let status = response.status();
        let known = reason.to_str().ok().and_then(LocalReply::from_header);
        let reason = SanitisedText::new(reason.as_bytes());
        let body = read_start(response).await;
        Err(match known {
            Some(known) => Error::from_local_reply(&service, known, status, body),
            None => Error::unknown_local_reply(&service, reason, status, body),
        })
    }

    /// The status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The headers of the response.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The service that was called, as in the Host header: with its port unless that is 80.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Returns the response, or an error for a status of 400 or more.
    ///
    /// # Errors
    ///
    /// [`Error::is_status`] for a status of 400 or more.
    pub fn error_for_status(self) -> Result<Self, Error> {
        let status = self.status();
        if status.is_client_error() || status.is_server_error() {
            return Err(Error::from_status(&self.service, status));
        }
        Ok(self)
    }

    /// Converts to the type of the `http` crate, with a streaming body.
    #[must_use]
    pub fn into_http(self) -> http::Response<ResponseBody> {
        let Self {
            response,
            service,
            timeout,
        } = self;
        http::Response::from(response).map(|body| ResponseBody::new(body, service, timeout))
    }

    /// The next chunk of the body; `None` at its end. Cancelling it loses no data.
    ///
    /// # Errors
    ///
    /// [`Error::is_body`] if the connection broke, [`Error::is_timeout`] if the deadline passed.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.response
            .chunk()
            .await
            .map_err(|error| Error::receiving(&self.service, self.timeout, error))
    }

    /// The complete body, without a size limit: read [`chunk`](Self::chunk)s to set one. Cancelling it closes the connection.
    ///
    /// # Errors
    ///
    /// As for [`chunk`](Self::chunk).
    pub async fn bytes(self) -> Result<Bytes, Error> {
        let Self {
            response,
            service,
            timeout,
        } = self;
        response
            .bytes()
            .await
            .map_err(|error| Error::receiving(&service, timeout, error))
    }

    /// The complete body as UTF-8 text; invalid sequences become U+FFFD. Cancelling it closes the connection.
    ///
    /// # Errors
    ///
    /// As for [`chunk`](Self::chunk).
    pub async fn text(self) -> Result<String, Error> {
        let body = self.bytes().await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// The complete body as JSON, whatever its `Content-Type`. Cancelling it closes the connection.
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
    /// Omits headers, which may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("service", &self.service)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// The start of a local reply's body. An incomplete body is no error: it only makes the message shorter.
async fn read_start(mut response: reqwest::Response) -> SanitisedText {
    let mut body = Vec::new();
    while body.len() < SanitisedText::MAX_BYTES
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    SanitisedText::new(&body)
}
