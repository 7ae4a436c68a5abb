//! Spans and a metric of incoming requests: a `tower::Layer`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use http::header::{HOST, USER_AGENT};
use http::uri::Authority;
use http::{Request, Response, StatusCode, Version};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{KeyValue, Value};
use tower::{Layer, Service};
use tracing::{Instrument as _, Span};

use super::incoming::{CURRENT, Incoming};
use super::metrics::{self, Outcome};
use super::route::Route;
use super::semconv;
use crate::trace_context::TraceContext;

/// Records a span and the duration of each request, and makes the calls of its handler part of its trace.
///
/// With the feature `axum`, add it by axum's `Router::layer`: spans and metrics then contain the route that matched, if any.
/// The query is not recorded, because it may contain secrets.
#[derive(Debug, Clone, Copy, Default)]
pub struct ServerLayer(());

impl ServerLayer {
    /// Creates the layer. If nothing is exported, it propagates the headers of requests to calls.
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

/// A service wrapped by [`ServerLayer`].
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
        let response = self.inner.call(request).instrument(served.span.clone());
        Box::pin(CURRENT.scope(trace, async move {
            let response = response.await;
            served.end(response.as_ref().map(Response::status).ok());
            response
        }))
    }
}

/// A request in progress. If it is dropped before its [`end`](Served::end), it was cancelled.
struct Served {
    span: Span,
    /// Contains the span of OpenTelemetry; it does not record if nothing is exported.
    context: opentelemetry::Context,
    method: &'static str,
    route: Option<Route>,
    started: Instant,
    is_recorded: bool,
}

impl Served {
    fn begin<B>(request: &Request<B>, trace: &TraceContext) -> Self {
        let span = tracing::info_span!("request", otel.kind = "server");
        let served = Self {
            context: Incoming::from_headers(request.headers(), trace).start(&span),
            span,
            method: semconv::method(request.method()),
            route: Route::matched(request),
            started: Instant::now(),
            is_recorded: false,
        };
        if served.context.span().is_recording() {
            served.describe(request, trace);
        }
        served
    }

    /// Sets the attributes known before the response. Only on the span of OpenTelemetry: as fields of the `tracing` span they would
    /// be written with every line of the log.
    fn describe<B>(&self, request: &Request<B>, trace: &TraceContext) {
        let span = self.context.span();
        let set = |name, value: Value| span.set_attribute(KeyValue::new(name, value));
        let verb = semconv::method_in_name(self.method);
        match &self.route {
            Some(route) => {
                span.update_name(format!("{verb} {}", route.as_str()));
                set("http.route", route.as_str().to_owned().into());
            }
            None => span.update_name(verb),
        }
        set("http.request.method", self.method.into());
        if self.method == semconv::OTHER {
            set("http.request.method_original", request.method().to_string().into());
        }
        set("url.scheme", "http".into());
        set("url.path", request.uri().path().to_owned().into());
        set("network.protocol.version", version(request.version()).into());
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        if let Some(authority) = header(HOST).and_then(|host| host.parse::<Authority>().ok()) {
            set("server.address", authority.host().to_owned().into());
            if let Some(port) = authority.port_u16() {
                set("server.port", i64::from(port).into());
            }
        }
        if let Some(agent) = header(USER_AGENT) {
            set("user_agent.original", agent.to_owned().into());
        }
        if let Some(id) = trace.request_id() {
            span.set_attribute(semconv::request_id(id));
        }
    }

    /// `None` if the service failed without a response.
    fn end(mut self, status: Option<StatusCode>) {
        let error = match status {
            Some(status) => status.is_server_error().then(|| semconv::status_error(status)),
            None => Some(semconv::OTHER.into()),
        };
        self.record(&Outcome { status, error });
    }

    fn record(&mut self, outcome: &Outcome) {
        self.is_recorded = true;
        outcome.record_on(&self.context.span(), "");
        let route = self.route.as_ref().map(Route::as_str);
        metrics::server(self.method, route, outcome, self.started.elapsed());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if !self.is_recorded {
            self.record(&Outcome::cancelled());
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
