//! The calls that a service makes, as spans and a metric, and the headers by which they belong to a trace.

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
use super::measure::{self, Outcome};
use super::words;
use super::xray::{self, TracingHeader};
use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::response::Response;
use crate::trace_context::TraceContext;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// A call in a span of its own.
pub(crate) struct Outgoing {
    call: Call,
    under_way: UnderWay,
}

/// What a call's span and measurement need. Dropped before the answer, the call was cancelled.
struct UnderWay {
    span: Span,
    /// With the span as OpenTelemetry has it; one that records nothing where nobody exports.
    context: Context,
    method: &'static str,
    /// The service's name and port, if they are measured.
    service: Option<(Arc<str>, u16)>,
    begun: Instant,
    has_ended: bool,
}

impl Outgoing {
    /// Makes a span of a call that is about to be sent, and puts the trace on its headers.
    ///
    /// The span is below the current one. If the call was tied to another trace, by
    /// [`propagate`](crate::RequestBuilder::propagate) or by its headers, then below that; and if nothing else is known,
    /// the call goes on with the headers of the request that this task answers.
    pub(crate) fn begin(mut call: Call) -> Self {
        pass_on(&mut call.headers);
        let span = tracing::info_span!("call", otel.kind = "client");
        let context = start(&span, &call.headers);
        let method = words::method(&call.method);
        if context.span().is_recording() {
            describe(&context.span(), method, &call);
        }
        inject(&context, &mut call.headers);
        let service = || (call.target.name().shared(), call.target.port());
        let under_way = UnderWay {
            span,
            context,
            method,
            service: measure::is_on().then(service),
            begun: Instant::now(),
            has_ended: false,
        };
        Self { call, under_way }
    }

    /// Sends the call within its span, and notes what became of it.
    ///
    /// Cancelling it notes that it was cancelled.
    pub(crate) async fn send(self, client: &Client) -> Result<Response, Error> {
        let mut under_way = self.under_way;
        let result = self.call.send(client).instrument(under_way.span.clone()).await;
        match &result {
            Ok(response) => {
                let status = response.status();
                let error = (status.as_u16() >= 400).then(|| words::status_error(status));
                let status = Some(status);
                under_way.note(&Outcome { status, error }, "");
            }
            Err(error) => {
                // The names of services are few; those that somebody may try are not.
                under_way.service = None;
                let outcome = Outcome {
                    status: error.status(),
                    error: Some(error.label().into()),
                };
                under_way.note(&outcome, &error.to_string());
            }
        }
        result
    }
}

impl UnderWay {
    fn note(&mut self, outcome: &Outcome, sentence: &str) {
        self.has_ended = true;
        outcome.describe(&self.context.span(), sentence);
        let service = self.service.as_ref().map(|(name, port)| (name, *port));
        measure::client(self.method, service, outcome, self.begun.elapsed());
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if !self.has_ended {
            self.service = None;
            self.note(&Outcome::cancelled(), "");
        }
    }
}

/// What is known before the answer. The query is left out: it is where secrets are found.
fn describe(span: &SpanRef<'_>, method: &'static str, call: &Call) {
    let note = |name, value: Value| span.set_attribute(KeyValue::new(name, value));
    span.update_name(words::method_in_name(method));
    note("http.request.method", method.into());
    if method == words::OTHER {
        note("http.request.method_original", call.method.to_string().into());
    }
    note("server.address", call.target.name().shared().into());
    note("server.port", i64::from(call.target.port()).into());
    let url = format!("http://{}{}", call.target.service(), call.target.path());
    note("url.full", url.into());
    if let Some(id) = TraceContext::from_headers(&call.headers).request_id() {
        span.set_attribute(words::request_id(id));
    }
}

/// Puts what the request came with, which this task answers, on a call that says nothing of a trace itself.
fn pass_on(headers: &mut HeaderMap) {
    // Outside of a request there is nothing to pass on.
    let _ = CURRENT.try_with(|current| {
        let own = TraceContext::from_headers(headers);
        if own.is_empty() {
            current.write_to(headers);
        } else if own.request_id().is_none() {
            current.write_request_id_to(headers);
        }
    });
}

/// Takes W3C's two headers, the second only if there is something in it. With names that need not be made for each call.
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

/// Starts `span` below the current one, or else in the trace that `headers` tell of.
fn start(span: &Span, headers: &HeaderMap) -> Context {
    if span.is_disabled() {
        return Context::new();
    }
    let current = Span::current().context();
    let current = current.span().span_context().clone();
    let told = Incoming::from_headers(headers, &TraceContext::from_headers(headers));
    let is_another = told.trace_id().is_some_and(|id| id != current.trace_id());
    if current.is_valid() && !is_another {
        span.context()
    } else {
        told.start(span)
    }
}

/// Writes the trace of a span in both forms, in place of what is there. Where nobody exports, that stays.
fn inject(context: &Context, headers: &mut HeaderMap) {
    let span = context.span().span_context().clone();
    if !span.is_valid() {
        return;
    }
    TraceContextPropagator::new().inject_context(context, &mut Headers(headers));
    if let Ok(value) = HeaderValue::try_from(TracingHeader::of(&span)) {
        headers.insert(xray::HEADER, value);
    }
}
