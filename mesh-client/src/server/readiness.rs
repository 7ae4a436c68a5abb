//! Whether requests should be sent to this service, as it answers over HTTP.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode};
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tower::Service;

use crate::ready::Sidecar;

/// For how long what was seen of the sidecar is good. Load balancers and health checks ask every few seconds, each for
/// itself, and the agent of Service Connect answers no more than ten requests a second.
const FRESH: Duration = Duration::from_secs(1);

/// Whether requests should be sent to this service: its sidecar takes calls, and it is not about to stop. Clones share
/// what they know.
///
/// ```
/// use axum::{Router, routing::get};
/// use mesh_client::Sidecar;
/// use mesh_client::server::Readiness;
///
/// # fn example(sidecar: Sidecar) -> Router {
/// let readiness = Readiness::new(sidecar);
/// Router::new()
///     .route("/", get(async || "hello"))
///     .route_service("/ready", readiness.endpoint())
/// # }
/// ```
///
/// Use it for a load balancer's health check. ECS stops a task whose *container* health check fails, so there it would
/// have a service restarted for its sidecar's troubles; ask something that this service alone is responsible for.
#[derive(Debug, Clone)]
pub struct Readiness {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    sidecar: Sidecar,
    stopping: AtomicBool,
    /// When the sidecar was looked at, and what was seen. Held while looking: whoever asks meanwhile gets the same.
    seen: Mutex<Option<(Instant, Result<(), String>)>>,
}

/// Why no requests should be sent here.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unready {
    /// The service is about to stop.
    Stopping,
    /// The sidecar takes no calls.
    #[non_exhaustive]
    Sidecar {
        /// What its readiness is judged by.
        waiting_for: String,
        /// What was seen instead.
        seen: String,
    },
}

impl fmt::Display for Unready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopping => f.write_str("this service is about to stop"),
            Self::Sidecar { waiting_for, seen } => {
                write!(
                    f,
                    "the sidecar takes no calls: waiting for {waiting_for}, and saw last: {seen}"
                )
            }
        }
    }
}

impl std::error::Error for Unready {}

impl Readiness {
    /// The readiness of a service with this sidecar: that of [`Client::sidecar`](crate::Client::sidecar).
    #[must_use]
    pub fn new(sidecar: Sidecar) -> Self {
        Self {
            inner: Arc::new(Inner {
                sidecar,
                stopping: AtomicBool::new(false),
                seen: Mutex::new(None),
            }),
        }
    }

    /// Whether requests should be sent here now. Looks at the sidecar if the last look is more than a second ago.
    ///
    /// Cancelling it looks no further, and the next one looks again.
    ///
    /// # Errors
    ///
    /// No requests should be sent here, and why.
    pub async fn check(&self) -> Result<(), Unready> {
        if self.is_stopping() {
            return Err(Unready::Stopping);
        }
        let mut seen = self.inner.seen.lock().await;
        let fresh = seen.take().filter(|(at, _)| at.elapsed() < FRESH);
        let (at, result) = match fresh {
            Some(fresh) => fresh,
            None => {
                let result = self.inner.sidecar.look().await;
                (Instant::now(), result)
            }
        };
        *seen = Some((at, result.clone()));
        drop(seen);
        // It may have been told to stop while it looked.
        if self.is_stopping() {
            return Err(Unready::Stopping);
        }
        result.map_err(|seen| Unready::Sidecar {
            waiting_for: self.inner.sidecar.to_string(),
            seen,
        })
    }

    /// Says from now on that this service is about to stop. [`Shutdown`](super::Shutdown) does it.
    pub fn stop(&self) {
        self.inner.stopping.store(true, Ordering::Release);
    }

    /// True after [`stop`](Self::stop).
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.inner.stopping.load(Ordering::Acquire)
    }

    /// Answers any request with 200 if requests should be sent here, and with 503 if not, and says why in JSON. A
    /// `tower::Service`, as axum's `route_service` takes it.
    #[must_use]
    pub fn endpoint(&self) -> ReadinessEndpoint {
        ReadinessEndpoint {
            readiness: self.clone(),
        }
    }

    async fn answer(self) -> Response<String> {
        let (status, document) = match self.check().await {
            Ok(()) => (StatusCode::OK, json!({"status": "ready"})),
            Err(Unready::Stopping) => (StatusCode::SERVICE_UNAVAILABLE, json!({"status": "stopping"})),
            Err(Unready::Sidecar { waiting_for, seen }) => (
                StatusCode::SERVICE_UNAVAILABLE,
                json!({"status": "waiting", "for": waiting_for, "seen": seen}),
            ),
        };
        let mut response = Response::new(document.to_string());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// Answers whether requests should be sent here. From [`Readiness::endpoint`].
#[derive(Debug, Clone)]
pub struct ReadinessEndpoint {
    readiness: Readiness,
}

impl<B> Service<Request<B>> for ReadinessEndpoint {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<String>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let readiness = self.readiness.clone();
        Box::pin(async move { Ok(readiness.answer().await) })
    }
}
