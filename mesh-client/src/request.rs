//! Request builder.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Serialize;

use crate::body::Body;
use crate::call::Call;
use crate::client::Client;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::response::Response;
use crate::target::Target;
use crate::trace_context::TraceContext;

/// Builds a call. From the methods of [`Client`]; nothing is sent before [`send`](RequestBuilder::send).
///
/// `send` returns the first error of the methods before it, such as a malformed header.
#[must_use = "a call does nothing until it is sent"]
pub struct RequestBuilder {
    client: Client,
    draft: Result<Call, Error>,
}

impl RequestBuilder {
    pub(crate) fn new(client: Client, method: Method, url: &str) -> Self {
        let draft = Target::parse(url, client.allowed_names()).and_then(|target| {
            if method == Method::CONNECT {
                return Err(Error::builder(
                    Some(target.service()),
                    "the method CONNECT is not supported",
                ));
            }
            Ok(Call {
                method,
                target,
                headers: HeaderMap::new(),
                body: Body::Empty,
                timeout: None,
                deadline: None,
            })
        });
        Self { client, draft }
    }

    /// Appends a header.
    ///
    /// `Host` follows from the URL, `Content-Length` and `Transfer-Encoding` from the body: setting one of them is an error.
    pub fn header<N, V>(self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName, Error: Into<http::Error>>,
        V: TryInto<HeaderValue, Error: Into<http::Error>>,
    {
        self.change(|draft| {
            let name = name
                .try_into()
                .map_err(|error| draft.invalid("a header name is malformed").with_source(error.into()))?;
            let value = value.try_into().map_err(|error| {
                draft
                    .invalid(format!("the value of the header `{name}` is malformed"))
                    .with_source(error.into())
            })?;
            draft.reject_reserved(&name)?;
            draft.headers.append(name, value);
            Ok(())
        })
    }

    /// Sets headers, replacing those of the same names. The same ones as for [`header`](RequestBuilder::header) are an error.
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.change(|draft| {
            for name in headers.keys() {
                draft.reject_reserved(name)?;
                draft.headers.remove(name);
            }
            let mut current = None;
            for (name, value) in headers {
                // An item without a name is another value of the previous name.
                current = name.or(current);
                if let Some(name) = &current {
                    draft.headers.append(name, value);
                }
            }
            Ok(())
        })
    }

    /// Sets a buffered body. Default: none.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        self.change(|draft| {
            draft.body = Body::Buffered(body.into());
            Ok(())
        })
    }

    /// Sets a streaming body.
    ///
    /// It can be sent once: the call goes to one address and is not retried. An error of the body is
    /// [`Error::is_request_body`].
    pub fn stream<B>(self, body: B) -> Self
    where
        B: http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    {
        self.change(|draft| {
            draft.body = Body::streaming(body);
            Ok(())
        })
    }

    /// Sets the body to `value` as JSON, and `Content-Type` to `application/json` unless it is set.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        self.change(|draft| {
            let body = serde_json::to_vec(value).map_err(|error| {
                draft
                    .invalid("its body cannot be serialised as JSON")
                    .with_source(error)
            })?;
            draft.body = Body::Buffered(body.into());
            draft
                .headers
                .entry(CONTENT_TYPE)
                .or_insert(HeaderValue::from_static("application/json"));
            Ok(())
        })
    }

    /// Sets the timeout of this call, from sending to the last byte of the response. Default:
    /// [`Client::timeout`](crate::Client::timeout).
    ///
    /// The remaining time is sent to the next hop: see [`Deadline`].
    pub fn timeout(self, timeout: Duration) -> Self {
        self.change(|draft| {
            draft.timeout = Some(timeout);
            Ok(())
        })
    }

    /// Sets the deadline of this call; the timeout applies too, the earlier one counts. For calls made on behalf of a caller:
    /// see [`Deadline::from_headers`]. If it has passed, [`send`](Self::send) returns an error and sends nothing.
    ///
    /// The remaining time is sent to the next hop: in `x-meshwright-timeout-ms`, which sidecars forward unchanged, in
    /// `x-envoy-expected-rq-timeout-ms`, and in `grpc-timeout` if the `Content-Type` is gRPC. Headers set by the call take
    /// precedence.
    pub fn deadline(self, deadline: Deadline) -> Self {
        self.change(|draft| {
            draft.deadline = Some(deadline);
            Ok(())
        })
    }

    /// Adds the trace context of the request that caused this call: see [`TraceContext`].
    pub fn propagate(self, trace: &TraceContext) -> Self {
        self.change(|draft| {
            trace.write_to(&mut draft.headers);
            Ok(())
        })
    }

    /// Sends the call and waits for the head of the response.
    ///
    /// Every response of the service is a [`Response`], a 404 as much as a 200. A local reply of the sidecar is an error.
    ///
    /// If an address does not accept a connection, the next one of the same name is used, up to three. Without a sidecar the
    /// call is retried, see [`ClientBuilder::retries`](crate::ClientBuilder::retries).
    ///
    /// Cancelling it, by dropping the future, closes the connection; the service may or may not have acted on the call.
    ///
    /// # Errors
    ///
    /// Any [`Error`] except those about the status and the body of a response.
    pub async fn send(self) -> Result<Response, Error> {
        let call = self.draft?;
        #[cfg(feature = "telemetry")]
        let call = crate::telemetry::Outgoing::begin(call);
        call.send(&self.client).await
    }

    /// Accepts a Host header that is equivalent to the URL, and rejects others.
    pub(crate) fn with_host(self, host: &HeaderValue) -> Self {
        self.change(|draft| {
            let target = &draft.target;
            let is_equivalent = host.to_str().is_ok_and(|host| target.matches_host(host));
            if is_equivalent {
                return Ok(());
            }
            Err(draft.invalid("its header `host` is not the host of its URL"))
        })
    }

    fn change(mut self, change: impl FnOnce(&mut Call) -> Result<(), Error>) -> Self {
        if let Ok(draft) = &mut self.draft
            && let Err(error) = change(draft)
        {
            self.draft = Err(error);
        }
        self
    }
}

impl Call {
    fn invalid(&self, reason: impl Into<String>) -> Error {
        Error::builder(Some(self.target.service()), reason)
    }

    fn reject_reserved(&self, name: &HeaderName) -> Result<(), Error> {
        if [HOST, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name) {
            return Err(self.invalid(format!("the header `{name}` follows from the URL and the body")));
        }
        Ok(())
    }
}

impl fmt::Debug for RequestBuilder {
    /// Omits headers and body, which may be secret.
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
