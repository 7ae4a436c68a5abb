//! One call: put together step by step, then sent.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Serialize;

use crate::client::Client;
use crate::error::Error;
use crate::response::Response;
use crate::target::Target;
use crate::trace_context::TraceContext;

/// A call that is being put together, from the verbs of [`Client`]. Nothing happens before
/// [`send`](RequestBuilder::send).
///
/// A mistake on the way, a header that is none for instance, is kept and becomes the error of `send`; if there
/// are several, the first.
#[must_use = "a call does nothing until it is sent"]
pub struct RequestBuilder {
    client: Client,
    draft: Result<Draft, Error>,
}

struct Draft {
    method: Method,
    target: Target,
    headers: HeaderMap,
    body: Option<Bytes>,
    timeout: Duration,
}

impl RequestBuilder {
    pub(crate) fn new(client: Client, method: Method, url: &str) -> Self {
        let draft = Target::parse(url, client.suffixes()).and_then(|target| {
            if method == Method::CONNECT {
                return Err(Error::builder(
                    Some(target.service()),
                    "the mesh has no tunnels to CONNECT to",
                ));
            }
            Ok(Draft {
                method,
                target,
                headers: HeaderMap::new(),
                body: None,
                timeout: client.timeout(),
            })
        });
        Self { client, draft }
    }

    /// Adds a header, next to others of the same name.
    ///
    /// `Host` comes from the URL, `Content-Length` and `Transfer-Encoding` from the body: setting one of them is
    /// a mistake, because the sidecar would route, or cut, by something else than what is called.
    pub fn header<N, V>(self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName, Error: Into<http::Error>>,
        V: TryInto<HeaderValue, Error: Into<http::Error>>,
    {
        self.change(|draft| {
            let name = name
                .try_into()
                .map_err(|error| draft.mistake("a header's name is malformed").with_source(error.into()))?;
            let value = value.try_into().map_err(|error| {
                draft
                    .mistake(format!("the value of the header `{name}` is malformed"))
                    .with_source(error.into())
            })?;
            draft.refuse_reserved(&name)?;
            draft.headers.append(name, value);
            Ok(())
        })
    }

    /// Sets headers, each in place of others of the same name. The same ones as with
    /// [`header`](RequestBuilder::header) are a mistake.
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.change(|draft| {
            for name in headers.keys() {
                draft.refuse_reserved(name)?;
                draft.headers.remove(name);
            }
            let mut current = None;
            for (name, value) in headers {
                // An item without a name is one more value of the name before it.
                current = name.or(current);
                if let Some(name) = &current {
                    draft.headers.append(name, value);
                }
            }
            Ok(())
        })
    }

    /// Sets the body: bytes or text, held in memory. Default: none.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        self.change(|draft| {
            draft.body = Some(body.into());
            Ok(())
        })
    }

    /// Sets the body to `value` as JSON, and `Content-Type` to `application/json` unless there is one already.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        self.change(|draft| {
            let body = serde_json::to_vec(value)
                .map_err(|error| draft.mistake("its body does not go into JSON").with_source(error))?;
            draft.body = Some(body.into());
            draft
                .headers
                .entry(CONTENT_TYPE)
                .or_insert(HeaderValue::from_static("application/json"));
            Ok(())
        })
    }

    /// The deadline of this call, from sending to the last byte of the answer. Default:
    /// [`Client::timeout`](crate::Client::timeout).
    pub fn timeout(self, timeout: Duration) -> Self {
        self.change(|draft| {
            draft.timeout = timeout;
            Ok(())
        })
    }

    /// Ties this call to the one that caused it: see [`TraceContext`].
    pub fn propagate(self, trace: &TraceContext) -> Self {
        self.change(|draft| {
            trace.write_to(&mut draft.headers);
            Ok(())
        })
    }

    /// Sends the call and waits for the head of the answer.
    ///
    /// Whatever the service answers is a [`Response`], a 404 as much as a 200. An answer that the sidecar gave in
    /// the service's place is an error.
    ///
    /// Cancelling it, by dropping the future, closes the connection; the service may or may not have acted on
    /// the call.
    ///
    /// # Errors
    ///
    /// Every [`Error`] but those about a response's status and body.
    pub async fn send(self) -> Result<Response, Error> {
        let Draft {
            method,
            target,
            headers,
            body,
            timeout,
        } = self.draft?;
        let service = target.service().to_owned();
        let sidecar = self.client.wiring().connects_to();
        let (url, host) = target.via(sidecar)?;
        let mut request = self
            .client
            .http()
            .request(method, url)
            .headers(headers)
            .header(HOST, host)
            .timeout(timeout);
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = request
            .send()
            .await
            .map_err(|error| Error::sending(&service, sidecar, timeout, error))?;
        Response::from_answer(answer, service, timeout).await
    }

    fn change(mut self, change: impl FnOnce(&mut Draft) -> Result<(), Error>) -> Self {
        if let Ok(draft) = &mut self.draft
            && let Err(mistake) = change(draft)
        {
            self.draft = Err(mistake);
        }
        self
    }
}

impl Draft {
    fn mistake(&self, why: impl Into<String>) -> Error {
        Error::builder(Some(self.target.service()), why)
    }

    fn refuse_reserved(&self, name: &HeaderName) -> Result<(), Error> {
        if [HOST, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name) {
            return Err(self.mistake(format!("the header `{name}` follows from the URL and the body")));
        }
        Ok(())
    }
}

impl fmt::Debug for RequestBuilder {
    /// Without headers and body, which may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.draft {
            Ok(draft) => f
                .debug_struct("RequestBuilder")
                .field("method", &draft.method)
                .field("service", &draft.target.service())
                .finish_non_exhaustive(),
            Err(error) => f.debug_tuple("RequestBuilder").field(error).finish(),
        }
    }
}
