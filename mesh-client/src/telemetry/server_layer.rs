//! The requests that a service is asked, as spans and a metric: a tower layer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::extract::MatchedPath;
use http::header::{HOST, USER_AGENT};
use http::uri::Authority;
use http::{Request, Response, StatusCode, Version};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{KeyValue, Value};
use tower::{Layer, Service};
use tracing::{Instrument as _, Span};

use super::incoming::{CURRENT, Incoming};
use super::measure::{self, Outcome};
use super::words;
use crate::trace_context::TraceContext;

/// Makes a span and a measurement of each request, and lets the calls that it causes belong to it.
///
/// Add it by axum's `Router::layer`, so that it knows which route matched; a request that none matched has a span
/// without one. What stands behind the path, the query, is left out: it is where secrets are found.
#[derive(Debug, Clone, Copy, Default)]
pub struct ServerLayer(());

impl ServerLayer {
    /// The layer. It works whether anything is exported or not: without, it hands on the headers that came.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = ServerService<S>;

    fn layer(&self, inner: S) -> ServerService<S> {
        ServerService { inner }
    }
}

/// What [`ServerLayer`] makes of a service.
#[derive(Debug, Clone)]
pub struct ServerService<S> {
    inner: S,
}

impl<S, B, R> Service<Request<B>> for ServerService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let trace = TraceContext::from_headers(request.headers());
        let served = Served::begin(&request, &trace);
        let answer = self.inner.call(request).instrument(served.span.clone());
        Box::pin(CURRENT.scope(trace, async move {
            let answer = answer.await;
            served.end(answer.as_ref().map(Response::status).ok());
            answer
        }))
    }
}

/// A request under way. Dropped before its [`end`](Served::end), it was cancelled.
struct Served {
    span: Span,
    /// With the span as OpenTelemetry has it; one that records nothing where nobody exports.
    context: opentelemetry::Context,
    method: &'static str,
    route: Option<MatchedPath>,
    begun: Instant,
    has_ended: bool,
}

impl Served {
    fn begin<B>(request: &Request<B>, trace: &TraceContext) -> Self {
        let span = tracing::info_span!("request", otel.kind = "server");
        let served = Self {
            context: Incoming::from_headers(request.headers(), trace).start(&span),
            span,
            method: words::method(request.method()),
            route: request.extensions().get::<MatchedPath>().cloned(),
            begun: Instant::now(),
            has_ended: false,
        };
        if served.context.span().is_recording() {
            served.describe(request, trace);
        }
        served
    }

    /// What is known before the answer. Noted on the span of OpenTelemetry alone: as fields of `tracing` it would stand
    /// before every line of the log.
    fn describe<B>(&self, request: &Request<B>, trace: &TraceContext) {
        let span = self.context.span();
        let note = |name, value: Value| span.set_attribute(KeyValue::new(name, value));
        let verb = words::method_in_name(self.method);
        match &self.route {
            Some(route) => {
                span.update_name(format!("{verb} {}", route.as_str()));
                note("http.route", route.as_str().to_owned().into());
            }
            None => span.update_name(verb),
        }
        note("http.request.method", self.method.into());
        if self.method == words::OTHER {
            note("http.request.method_original", request.method().to_string().into());
        }
        note("url.scheme", "http".into());
        note("url.path", request.uri().path().to_owned().into());
        note("network.protocol.version", version(request.version()).into());
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        if let Some(authority) = header(HOST).and_then(|host| host.parse::<Authority>().ok()) {
            note("server.address", authority.host().to_owned().into());
            if let Some(port) = authority.port_u16() {
                note("server.port", i64::from(port).into());
            }
        }
        if let Some(agent) = header(USER_AGENT) {
            note("user_agent.original", agent.to_owned().into());
        }
        if let Some(id) = trace.request_id() {
            span.set_attribute(words::request_id(id));
        }
    }

    /// `None` if the service failed without an answer.
    fn end(mut self, status: Option<StatusCode>) {
        let error = match status {
            Some(status) => status.is_server_error().then(|| words::status_error(status)),
            None => Some(words::OTHER.into()),
        };
        self.note(&Outcome { status, error });
    }

    fn note(&mut self, outcome: &Outcome) {
        self.has_ended = true;
        outcome.describe(&self.context.span(), "");
        let route = self.route.as_ref().map(MatchedPath::as_str);
        measure::server(self.method, route, outcome, self.begun.elapsed());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if !self.has_ended {
            self.note(&Outcome::cancelled());
        }
    }
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}
