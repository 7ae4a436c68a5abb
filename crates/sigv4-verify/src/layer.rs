//! A tower layer that lets only verified requests through.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response};
use http_body::Body;
use tower::{Layer, Service};

use crate::body::read_body;
use crate::canonical::RequestHead;
use crate::error::VerifyError;
use crate::key::Keys;
use crate::replay::ReplayMemory;
use crate::verifier::{Verified, Verifier};

/// Above every request of a REST-JSON service that this was written for.
const MAX_BODY: usize = 1024 * 1024;

/// Verifies each request before the inner service.
///
/// A verified request reaches the inner service with its body in memory and [`Verified`] in its extensions. Another one
/// is answered with AWS's JSON error, and with [`VerifyError`] in the extensions of the response, for logs and limits
/// around this layer. A body is kept only once the head is in order: key, scope, time; otherwise it is read and thrown away.
///
/// Reading a body takes as long as the client takes; put a timeout around this layer.
#[derive(Clone)]
pub struct VerifyLayer {
    shared: Arc<Shared>,
}

struct Shared {
    verifier: Verifier,
    keys: Arc<dyn Keys>,
    clock: Box<dyn Fn() -> SystemTime + Send + Sync>,
    replay: ReplayMemory,
    max_body: usize,
}

impl fmt::Debug for VerifyLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyLayer")
            .field("verifier", &self.shared.verifier)
            .field("max_body", &self.shared.max_body)
            .finish_non_exhaustive()
    }
}

impl VerifyLayer {
    /// A layer with these rules and keys. `clock` gives the time, usually `SystemTime::now`; bodies may have 1 MiB, and
    /// the memory of signatures has its default size.
    #[must_use]
    pub fn new(
        verifier: Verifier,
        keys: Arc<dyn Keys>,
        clock: impl Fn() -> SystemTime + Send + Sync + 'static,
    ) -> Self {
        Self::with_limits(verifier, keys, clock, MAX_BODY, ReplayMemory::default())
    }

    /// As [`new`](Self::new), with the limit of a body in bytes, and the memory of signatures.
    #[must_use]
    pub fn with_limits(
        verifier: Verifier,
        keys: Arc<dyn Keys>,
        clock: impl Fn() -> SystemTime + Send + Sync + 'static,
        max_body: usize,
        replay: ReplayMemory,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                verifier,
                keys,
                clock: Box::new(clock),
                replay,
                max_body,
            }),
        }
    }
}

impl<S> Layer<S> for VerifyLayer {
    type Service = VerifyService<S>;

    fn layer(&self, inner: S) -> VerifyService<S> {
        VerifyService {
            inner,
            shared: Arc::clone(&self.shared),
        }
    }
}

/// The service of [`VerifyLayer`].
#[derive(Clone)]
pub struct VerifyService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S: fmt::Debug> fmt::Debug for VerifyService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S, B, R> Service<Request<B>> for VerifyService<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + From<Bytes> + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    R: From<Bytes>,
{
    type Response = Response<R>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled is ready; its clone need not be.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            match shared.verify(request).await {
                Ok(request) => inner.call(request).await,
                Err(error) => Ok(error_response(error)),
            }
        })
    }
}

impl Shared {
    async fn verify<B>(&self, request: Request<B>) -> Result<Request<B>, VerifyError>
    where
        B: Body + From<Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (mut parts, body) = request.into_parts();
        let head = RequestHead::from_parts(&parts);
        let pending = match self.verifier.check_head(&head, &*self.keys, (self.clock)()) {
            Ok(pending) => pending,
            Err(error) => {
                // The head decides, however the body ends.
                let _discarded = read_body(body, 0).await;
                return Err(error);
            }
        };
        let body = read_body(body, self.max_body).await?;
        let verified = pending.verify(&body)?;
        self.keys.admit(&verified, &parts.method)?;
        if changes_something(&parts.method) {
            // The time after the body: a slow one does not outlive its signature.
            self.replay.accept(&verified, (self.clock)())?;
        }
        parts.extensions.insert::<Verified>(verified);
        Ok(Request::from_parts(parts, B::from(body)))
    }
}

fn changes_something(method: &Method) -> bool {
    !method.is_safe()
}

fn error_response<R: From<Bytes>>(error: VerifyError) -> Response<R> {
    let body = serde_json::json!({ "message": error.to_string() }).to_string();
    let mut response = Response::new(R::from(Bytes::from(body)));
    *response.status_mut() = error.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("x-amzn-errortype", HeaderValue::from_static(error.code()));
    response.extensions_mut().insert(error);
    response
}
