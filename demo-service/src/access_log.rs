//! One line in the log for each request that was answered.

use std::time::Instant;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use mesh_client::TraceContext;

/// Answers with what comes next, and logs it: method, path, status, milliseconds, trace id.
///
/// The query is left out; it is where secrets are found in logs.
pub(crate) async fn write(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let trace = TraceContext::from_headers(request.headers());
    let response = next.run(request).await;
    tracing::info!(
        %method,
        path,
        status = response.status().as_u16(),
        ms = started.elapsed().as_millis(),
        trace = trace.trace_id().unwrap_or("-"),
        "answered"
    );
    response
}
