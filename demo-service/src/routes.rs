//! Routes and handlers.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::ALLOW;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware;
use axum::response::Response;
use axum::routing::{MethodRouter, any, get};
use mesh_client::server::Readiness;
use mesh_client::telemetry::ServerLayer;
use mesh_client::{Client, Deadline, TraceContext};

use crate::access_log;
use crate::downstream::{Downstream, PREFIX};
use crate::fault_injection::FaultInjection;
use crate::response_bodies::{failed, fetched, identity};
use crate::settings::Settings;

struct App {
    name: String,
    version: String,
    delay: Duration,
    faults: FaultInjection,
    downstream: Downstream,
}

/// The router. Without a mesh, `/downstream` responds with an error.
pub(crate) fn app(settings: Settings, mesh: Option<Client>, readiness: &Readiness) -> Router {
    let app = App {
        name: settings.name,
        version: settings.version,
        delay: settings.delay,
        faults: FaultInjection::new(settings.failures),
        downstream: Downstream::new(mesh, settings.downstream_ports),
    };
    Router::new()
        // Like any other path, but with a route for the names of spans.
        .route("/", any(identify))
        // Both, because a wildcard does not match an empty name, which is an error.
        .route(PREFIX, downstream())
        .route(&format!("{PREFIX}{{*service}}"), downstream())
        .fallback(identify)
        .layer(middleware::from_fn(access_log::write))
        .layer(ServerLayer::new())
        // After the layers: health checks are neither logged nor traced.
        .route_service("/ready", readiness.endpoint())
        .with_state(Arc::new(app))
}

fn downstream() -> MethodRouter<Arc<App>> {
    get(fetch).fallback(method_not_allowed)
}

/// The service's own response. For any method, because the mesh's retries depend on the method.
async fn identify(State(app): State<Arc<App>>) -> Response {
    if !app.delay.is_zero() {
        tokio::time::sleep(app.delay).await;
    }
    if app.faults.fails_next() {
        let reason = "injected fault";
        return failed(StatusCode::INTERNAL_SERVER_ERROR, &app.name, reason);
    }
    identity(&app.name, &app.version)
}

/// Uses the path as received, because percent-encoded names must be rejected.
async fn fetch(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    let trace = TraceContext::from_headers(&headers);
    let deadline = Deadline::from_headers(&headers);
    match app.downstream.fetch(&uri, &trace, deadline).await {
        Ok(body) => fetched(&app.name, &body),
        Err(error) => failed(error.status(), &app.name, &error.to_string()),
    }
}

async fn method_not_allowed(State(app): State<Arc<App>>, method: Method) -> Response {
    let reason = format!("{method} is not allowed here; use GET");
    let mut response = failed(StatusCode::METHOD_NOT_ALLOWED, &app.name, &reason);
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static("GET,HEAD"));
    response
}
