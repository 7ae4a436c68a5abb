//! One call: put together step by step, then sent.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body::Body;
use serde::Serialize;

use crate::body::Payload;
use crate::call::Call;
use crate::client::Client;
use crate::deadline::Deadline;
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
    draft: Result<Call, Error>,
}

impl RequestBuilder {
    pub(crate) fn new(client: Client, method: Method, url: &str) -> Self {
        let draft = Target::parse(url, client.callable()).and_then(|target| {
            if method == Method::CONNECT {
                return Err(Error::builder(
                    Some(target.service()),
                    "the mesh has no tunnels to CONNECT to",
                ));
            }
            Ok(Call {
                method,
                target,
                headers: HeaderMap::new(),
                body: Payload::Nothing,
                timeout: None,
                deadline: None,
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
            draft.body = Payload::Held(body.into());
            Ok(())
        })
    }

    /// Sets the body to one that is sent as it comes.
    ///
    /// It can be sent once: the call goes to one address and is not sent again, whatever becomes of it. An error of the
    /// body's own is [`Error::is_request_body`].
    pub fn stream<B>(self, body: B) -> Self
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    {
        self.change(|draft| {
            draft.body = Payload::streamed(body);
            Ok(())
        })
    }

    /// Sets the body to `value` as JSON, and `Content-Type` to `application/json` unless there is one already.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        self.change(|draft| {
            let body = serde_json::to_vec(value)
                .map_err(|error| draft.mistake("its body does not go into JSON").with_source(error))?;
            draft.body = Payload::Held(body.into());
            draft
                .headers
                .entry(CONTENT_TYPE)
                .or_insert(HeaderValue::from_static("application/json"));
            Ok(())
        })
    }

    /// How long this call may take, from sending to the last byte of the answer. Default:
    /// [`Client::timeout`](crate::Client::timeout).
    ///
    /// The next hop is told what is left of it: see [`Deadline`].
    pub fn timeout(self, timeout: Duration) -> Self {
        self.change(|draft| {
            draft.timeout = Some(timeout);
            Ok(())
        })
    }

    /// By when this call has to be over, if its timeout is not over before. It is for calls made on behalf of
    /// somebody else: see [`Deadline::from_headers`]. One that has passed is an error of [`send`](Self::send), and
    /// nothing is sent.
    ///
    /// The next hop is told what is left: in `x-meshwright-timeout-ms`, which goes through sidecars as it is, in
    /// `x-envoy-expected-rq-timeout-ms`, and in `grpc-timeout` if the `Content-Type` is gRPC's; a header of the call's own
    /// stays.
    pub fn deadline(self, deadline: Deadline) -> Self {
        self.change(|draft| {
            draft.deadline = Some(deadline);
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
    /// An address that takes no connection is passed over for the next one of the same name, up to three. In direct
    /// wiring the call is sent once more as [`ClientBuilder::retries`](crate::ClientBuilder::retries) says.
    ///
    /// Cancelling it, by dropping the future, closes the connection; the service may or may not have acted on
    /// the call.
    ///
    /// # Errors
    ///
    /// Every [`Error`] but those about a response's status and body.
    pub async fn send(self) -> Result<Response, Error> {
        let call = self.draft?;
        #[cfg(feature = "telemetry")]
        let call = crate::telemetry::Outgoing::begin(call);
        call.send(&self.client).await
    }

    /// Takes a Host header that says what the URL says, and no other.
    pub(crate) fn with_host(self, host: &HeaderValue) -> Self {
        self.change(|draft| {
            let target = &draft.target;
            let is_same = host.to_str().is_ok_and(|host| target.is_named(host));
            if is_same {
                return Ok(());
            }
            Err(draft.mistake("its header `host` names another service than its URL"))
        })
    }

    fn change(mut self, change: impl FnOnce(&mut Call) -> Result<(), Error>) -> Self {
        if let Ok(draft) = &mut self.draft
            && let Err(mistake) = change(draft)
        {
            self.draft = Err(mistake);
        }
        self
    }
}

impl Call {
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
