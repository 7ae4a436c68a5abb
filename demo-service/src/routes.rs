//! Which request is answered how.

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
    failing: FaultInjection,
    downstream: Downstream,
}

/// The whole service. Without a mesh it serves everything but `/downstream`, and says there why not.
pub(crate) fn app(settings: Settings, mesh: Option<Client>, readiness: &Readiness) -> Router {
    let app = App {
        name: settings.name,
        version: settings.version,
        delay: settings.delay,
        failing: FaultInjection::new(settings.failures),
        downstream: Downstream::new(mesh, settings.downstream_ports),
    };
    Router::new()
        // The same as any other path, but spans are named after routes, and this is where most calls go.
        .route("/", any(greet))
        // Both, because a wildcard does not match nothing: no name at all is to be refused, not greeted.
        .route(PREFIX, downstream())
        .route(&format!("{PREFIX}{{*service}}"), downstream())
        .fallback(greet)
        .layer(middleware::from_fn(access_log::write))
        .layer(ServerLayer::new())
        // Behind the layers: whoever asks this asks every few seconds, and it is nobody's call.
        .route_service("/ready", readiness.endpoint())
        .with_state(Arc::new(app))
}

fn downstream() -> MethodRouter<Arc<App>> {
    get(fetch).fallback(refuse_method)
}

/// It changes nothing and reads nothing, so any method will do: a mesh's retries differ by method, and this is how
/// to see that.
async fn greet(State(app): State<Arc<App>>) -> Response {
    if !app.delay.is_zero() {
        tokio::time::sleep(app.delay).await;
    }
    if app.failing.next() {
        let reason = "this version plays one that is not well";
        return failed(StatusCode::INTERNAL_SERVER_ERROR, &app.name, reason);
    }
    identity(&app.name, &app.version)
}

/// Takes the path as it is on the wire: what is percent-encoded has to be seen to be refused.
async fn fetch(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    let trace = TraceContext::from_headers(&headers);
    let deadline = Deadline::from_headers(&headers);
    match app.downstream.fetch(&uri, &trace, deadline).await {
        Ok(answer) => fetched(&app.name, &answer),
        Err(failure) => failed(failure.status(), &app.name, &failure.to_string()),
    }
}

async fn refuse_method(State(app): State<Arc<App>>, method: Method) -> Response {
    let reason = format!("{method} is not allowed here; use GET");
    let mut response = failed(StatusCode::METHOD_NOT_ALLOWED, &app.name, &reason);
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static("GET,HEAD"));
    response
}
