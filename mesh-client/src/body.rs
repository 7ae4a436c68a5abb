//! Bodies: what a call sends, held in memory or as it comes, and what an answer's arrives as.

use std::error::Error as _;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::error::Error;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a call sends.
pub(crate) enum Payload {
    Nothing,
    /// As often as needed.
    Held(Bytes),
    /// Once. `None` after that.
    Streamed(Option<reqwest::Body>),
}

impl Payload {
    pub(crate) fn streamed<B>(body: B) -> Self
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        Self::Streamed(Some(reqwest::Body::wrap(Streamed(Mutex::new(Box::pin(body))))))
    }

    /// True if it can be sent to one address only, and only once.
    pub(crate) fn is_streamed(&self) -> bool {
        matches!(self, Self::Streamed(_))
    }

    /// The body for the next attempt.
    pub(crate) fn take(&mut self) -> Option<reqwest::Body> {
        match self {
            Self::Nothing => None,
            Self::Held(bytes) => Some(bytes.clone().into()),
            Self::Streamed(body) => body.take(),
        }
    }
}

/// A body that says of its errors that they are its own. The lock is never waited for: it makes a body `Sync` that is
/// only `Send`, as bodies of axum are.
struct Streamed<B>(Mutex<Pin<Box<B>>>);

impl<B> Body for Streamed<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send,
{
    type Data = Bytes;
    type Error = OwnBodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, OwnBodyError>>> {
        let body = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        body.as_mut().poll_frame(cx).map_err(|error| OwnBodyError(error.into()))
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).size_hint()
    }
}

/// Why the body of a call broke off while it was sent.
#[derive(Debug)]
pub(crate) struct OwnBodyError(BoxError);

impl OwnBodyError {
    /// True if such an error is behind this one.
    pub(crate) fn is_behind(error: &reqwest::Error) -> bool {
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

impl fmt::Display for OwnBodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the call's own body broke off")
    }
}

impl std::error::Error for OwnBodyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.0.as_ref())
    }
}

/// The body of an answer, as it arrives, under the deadline of the call.
///
/// Its errors are those of [`Response::chunk`](crate::Response::chunk). One that is dropped before its end closes its
/// connection.
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

impl Body for ResponseBody {
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
