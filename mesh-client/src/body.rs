//! Request bodies, buffered or streaming, and response bodies.

use std::error::Error as _;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::error::Error;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request.
pub(crate) enum Body {
    Empty,
    /// Can be sent any number of times.
    Buffered(Bytes),
    /// Can be sent once. `None` after that.
    Streaming(Option<reqwest::Body>),
}

impl Body {
    pub(crate) fn streaming<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        Self::Streaming(Some(reqwest::Body::wrap(RequestBody(Mutex::new(Box::pin(body))))))
    }

    /// True if it can be sent only once, and so to one address only.
    pub(crate) fn is_streaming(&self) -> bool {
        matches!(self, Self::Streaming(_))
    }

    /// The body for the next attempt.
    pub(crate) fn next(&mut self) -> Option<reqwest::Body> {
        match self {
            Self::Empty => None,
            Self::Buffered(bytes) => Some(bytes.clone().into()),
            Self::Streaming(body) => body.take(),
        }
    }
}

/// A body that marks its own errors with [`RequestBodyError`]. The lock is never contended: it makes a body `Sync` that is
/// only `Send`, such as axum's.
struct RequestBody<B>(Mutex<Pin<Box<B>>>);

impl<B> http_body::Body for RequestBody<B>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send,
{
    type Data = Bytes;
    type Error = RequestBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        let body = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        body.as_mut()
            .poll_frame(cx)
            .map_err(|error| RequestBodyError(error.into()))
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).size_hint()
    }
}

/// An error of a request body while it was sent.
#[derive(Debug)]
pub(crate) struct RequestBodyError(BoxError);

impl RequestBodyError {
    /// True if `error` was caused by a request body.
    pub(crate) fn is_source_of(error: &reqwest::Error) -> bool {
        let mut cause = error.source();
        while let Some(error) = cause {
            if error.is::<Self>() {
                return true;
            }
            cause = error.source();
        }
        false
    }
}

impl fmt::Display for RequestBodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request body failed")
    }
}

impl std::error::Error for RequestBodyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.0.as_ref())
    }
}

/// A streaming response body, subject to the deadline of the call.
///
/// Its errors are those of [`Response::chunk`](crate::Response::chunk). Dropping it before its end closes the connection.
pub struct ResponseBody {
    body: reqwest::Body,
    service: Arc<str>,
    limit: Duration,
}

impl ResponseBody {
    pub(crate) fn new(body: reqwest::Body, service: Arc<str>, limit: Duration) -> Self {
        Self { body, service, limit }
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        frame.map_err(|error| Error::receiving(&self.service, self.limit, error))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}
