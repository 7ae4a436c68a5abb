//! Spans, metrics and trace headers of calls.

use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Injector, TextMapPropagator as _};
use opentelemetry::trace::{SpanRef, TraceContextExt as _};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::{Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::incoming::{CURRENT, Incoming};
use super::metrics::{self, Outcome};
use super::semconv;
use super::xray::{self, TracingHeader};
use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::response::Response;
use crate::trace_context::TraceContext;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// A call with its span.
pub(crate) struct Outgoing {
    call: Call,
    in_flight: InFlight,
}

/// The span and the metric of a call. If it is dropped before the response, the call was cancelled.
struct InFlight {
    span: Span,
    /// Contains the span of OpenTelemetry; it does not record if nothing is exported.
    context: Context,
    method: &'static str,
    /// The service's name and port, if metrics are exported.
    service: Option<(Arc<str>, u16)>,
    started: Instant,
    is_recorded: bool,
}

impl Outgoing {
    /// Starts the span of a call and writes the trace context to its headers.
    ///
    /// The span is a child of the current one. If the call has another trace context, by
    /// [`propagate`](crate::RequestBuilder::propagate) or by its headers, it is a child of that. Without spans, the call gets the
    /// trace context of the request that this task handles.
    pub(crate) fn begin(mut call: Call) -> Self {
        propagate_current(&mut call.headers);
        let span = tracing::info_span!("call", otel.kind = "client");
        let context = start(&span, &call.headers);
        let method = semconv::method(&call.method);
        if context.span().is_recording() {
            describe(&context.span(), method, &call);
        }
        inject(&context, &mut call.headers);
        let service = || (call.target.name().shared(), call.target.port());
        let in_flight = InFlight {
            span,
            context,
            method,
            service: metrics::is_enabled().then(service),
            started: Instant::now(),
            is_recorded: false,
        };
        Self { call, in_flight }
    }

    /// Sends the call within its span, and records its outcome.
    ///
    /// Cancelling it records that it was cancelled.
    pub(crate) async fn send(self, client: &Client) -> Result<Response, Error> {
        let mut in_flight = self.in_flight;
        let result = self.call.send(client).instrument(in_flight.span.clone()).await;
        match &result {
            Ok(response) => {
                let status = response.status();
                let error = (status.as_u16() >= 400).then(|| semconv::status_error(status));
                let status = Some(status);
                in_flight.record(&Outcome { status, error }, "");
            }
            Err(error) => {
                // See `metrics::client`.
                in_flight.service = None;
                let outcome = Outcome {
                    status: error.status(),
                    error: Some(error.label().into()),
                };
                in_flight.record(&outcome, &error.to_string());
            }
        }
        result
    }
}

impl InFlight {
    fn record(&mut self, outcome: &Outcome, description: &str) {
        self.is_recorded = true;
        outcome.record_on(&self.context.span(), description);
        let service = self.service.as_ref().map(|(name, port)| (name, *port));
        metrics::client(self.method, service, outcome, self.started.elapsed());
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if !self.is_recorded {
            self.service = None;
            self.record(&Outcome::cancelled(), "");
        }
    }
}

/// Sets the attributes known before the response. Without the query, which may contain secrets.
fn describe(span: &SpanRef<'_>, method: &'static str, call: &Call) {
    let set = |name, value: Value| span.set_attribute(KeyValue::new(name, value));
    span.update_name(semconv::method_in_name(method));
    set("http.request.method", method.into());
    if method == semconv::OTHER {
        set("http.request.method_original", call.method.to_string().into());
    }
    set("server.address", call.target.name().shared().into());
    set("server.port", i64::from(call.target.port()).into());
    let url = format!("http://{}{}", call.target.service(), call.target.path());
    set("url.full", url.into());
    if let Some(id) = TraceContext::from_headers(&call.headers).request_id() {
        span.set_attribute(semconv::request_id(id));
    }
}

/// Adds the trace context of the request that this task handles to a call without one.
fn propagate_current(headers: &mut HeaderMap) {
    // Outside a request there is no trace context.
    let _ = CURRENT.try_with(|current| {
        let own = TraceContext::from_headers(headers);
        if own.is_empty() {
            current.write_to(headers);
        } else if own.request_id().is_none() {
            current.write_request_id_to(headers);
        }
    });
}

/// Sets `traceparent` and a non-empty `tracestate`. With header names that are not allocated for each call.
struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = match key {
            "traceparent" => TRACEPARENT,
            "tracestate" => TRACESTATE,
            _ => return,
        };
        self.0.remove(&name);
        if !value.is_empty() {
            self.0.extend(HeaderValue::try_from(value).map(|value| (name, value)));
        }
    }
}

/// Starts `span` as a child of the current one, or else in the trace of `headers`.
fn start(span: &Span, headers: &HeaderMap) -> Context {
    if span.is_disabled() {
        return Context::new();
    }
    let current = Span::current().context();
    let current = current.span().span_context().clone();
    let incoming = Incoming::from_headers(headers, &TraceContext::from_headers(headers));
    let is_another = incoming.trace_id().is_some_and(|id| id != current.trace_id());
    if current.is_valid() && !is_another {
        span.context()
    } else {
        incoming.start(span)
    }
}

/// Writes the trace context of a span to `headers` in both formats. Without a recording span, `headers` are unchanged.
fn inject(context: &Context, headers: &mut HeaderMap) {
    let span = context.span().span_context().clone();
    if !span.is_valid() {
        return;
    }
    TraceContextPropagator::new().inject_context(context, &mut Headers(headers));
    if let Ok(value) = HeaderValue::try_from(TracingHeader::format(&span)) {
        headers.insert(xray::HEADER, value);
    }
}
