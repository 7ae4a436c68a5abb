//! Access log: one line for each request.

use std::time::Instant;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use mesh_client::TraceContext;

/// Middleware that logs method, path, status, milliseconds and trace id of each request.
///
/// Without the query, which may contain secrets.
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
        "handled request"
    );
    response
}
