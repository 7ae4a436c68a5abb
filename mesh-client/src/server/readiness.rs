//! Readiness of the service, as an HTTP endpoint.

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

/// How long the result of a sidecar check is reused. Several load balancers and health checks poll every few seconds, and the
/// agent of Service Connect limits its clients to ten requests a second.
const CHECK_TTL: Duration = Duration::from_secs(1);

/// Whether requests should be sent to this service: its sidecar is ready, and the service is not stopping. Clones share their
/// state.
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
/// Use it for a load balancer's health check. Do not use it for a container health check: ECS stops the task when that fails,
/// and so would restart the service for a failure of its sidecar.
#[derive(Debug, Clone)]
pub struct Readiness {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    sidecar: Sidecar,
    stopping: AtomicBool,
    /// The last check of the sidecar and its time. Locked during a check, so that concurrent requests share its result.
    last_check: Mutex<Option<(Instant, Result<(), String>)>>,
}

/// Why no requests should be sent to this service.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unready {
    /// The service is stopping.
    Stopping,
    /// The sidecar is not ready.
    #[non_exhaustive]
    Sidecar {
        /// The check of its readiness.
        check: String,
        /// The result of the last check.
        result: String,
    },
}

impl fmt::Display for Unready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopping => f.write_str("the service is stopping"),
            Self::Sidecar { check, result } => {
                write!(
                    f,
                    "the sidecar is not ready: waiting for {check}; last result: {result}"
                )
            }
        }
    }
}

impl std::error::Error for Unready {}

impl Readiness {
    /// The readiness of a service with this sidecar, usually [`Client::sidecar`](crate::Client::sidecar).
    #[must_use]
    pub fn new(sidecar: Sidecar) -> Self {
        Self {
            inner: Arc::new(Inner {
                sidecar,
                stopping: AtomicBool::new(false),
                last_check: Mutex::new(None),
            }),
        }
    }

    /// Checks whether requests should be sent to this service now. Reuses the last check of the sidecar for a second.
    ///
    /// Cancelling it cancels the check.
    ///
    /// # Errors
    ///
    /// Why no requests should be sent.
    pub async fn check(&self) -> Result<(), Unready> {
        if self.is_stopping() {
            return Err(Unready::Stopping);
        }
        let mut last_check = self.inner.last_check.lock().await;
        let fresh = last_check.take().filter(|(at, _)| at.elapsed() < CHECK_TTL);
        let (at, result) = match fresh {
            Some(fresh) => fresh,
            None => {
                let result = self.inner.sidecar.check().await;
                (Instant::now(), result)
            }
        };
        *last_check = Some((at, result.clone()));
        drop(last_check);
        // It may have been stopped meanwhile.
        if self.is_stopping() {
            return Err(Unready::Stopping);
        }
        result.map_err(|result| Unready::Sidecar {
            check: self.inner.sidecar.to_string(),
            result,
        })
    }

    /// Makes this service unready permanently. Called by [`Shutdown`](super::Shutdown).
    pub fn stop(&self) {
        self.inner.stopping.store(true, Ordering::Release);
    }

    /// True after [`stop`](Self::stop).
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.inner.stopping.load(Ordering::Acquire)
    }

    /// A `tower::Service`, for instance for axum's `route_service`. It responds to any request with 200 if requests should be sent
    /// to this service and with 503 otherwise, with the reason as JSON.
    #[must_use]
    pub fn endpoint(&self) -> ReadinessEndpoint {
        ReadinessEndpoint {
            readiness: self.clone(),
        }
    }

    async fn respond(self) -> Response<String> {
        let (status, document) = match self.check().await {
            Ok(()) => (StatusCode::OK, json!({"status": "ready"})),
            Err(Unready::Stopping) => (StatusCode::SERVICE_UNAVAILABLE, json!({"status": "stopping"})),
            Err(Unready::Sidecar { check, result }) => (
                StatusCode::SERVICE_UNAVAILABLE,
                json!({"status": "waiting", "for": check, "seen": result}),
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

/// The readiness endpoint. From [`Readiness::endpoint`].
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
        Box::pin(async move { Ok(readiness.respond().await) })
    }
}
