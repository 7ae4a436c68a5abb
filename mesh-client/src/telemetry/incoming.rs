//! Trace context of incoming requests.

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{SpanContext, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::trace_ids;
use super::xray::{self, TracingHeader};
use crate::trace_context::TraceContext;

tokio::task_local! {
    /// The trace context of the request that this task handles.
    pub(super) static CURRENT: TraceContext;
}

/// The trace of an incoming request.
#[derive(Debug)]
pub(super) struct Incoming {
    /// Contains the parent span, if there is one.
    parent: Context,
    /// The trace id of a request without a parent span.
    root_trace_id: Option<TraceId>,
}

impl Incoming {
    /// Parses `traceparent`, or else `X-Amzn-Trace-Id`. `trace` is the trace context of the same headers.
    pub(super) fn from_headers(headers: &HeaderMap, trace: &TraceContext) -> Self {
        if trace.trace_id().is_some() {
            let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &W3c::of(trace));
            return Self {
                parent,
                root_trace_id: None,
            };
        }
        let header = headers
            .get(xray::HEADER)
            .and_then(|value| TracingHeader::parse(value.to_str().ok()?));
        match header {
            Some(TracingHeader {
                root,
                parent: Some(parent),
                sampled,
            }) => {
                // Without a sampling decision, or with a request for one (`?`), the trace is sampled.
                let flags = TraceFlags::default().with_sampled(sampled.unwrap_or(true));
                let span = SpanContext::new(root, parent, flags, true, TraceState::default());
                Self {
                    parent: Context::new().with_remote_span_context(span),
                    root_trace_id: None,
                }
            }
            header => Self {
                parent: Context::new(),
                root_trace_id: header.map(|header| header.root),
            },
        }
    }

    /// Starts `span` in the trace, and returns the context with the span of OpenTelemetry: empty if nothing is exported.
    pub(super) fn start(self, span: &Span) -> Context {
        match span.set_parent(self.parent) {
            Ok(()) => trace_ids::with_trace_id(self.root_trace_id, || span.context()),
            Err(_) => Context::new(),
        }
    }

    /// The trace id of the request, if it has one.
    pub(super) fn trace_id(&self) -> Option<TraceId> {
        let span = self.parent.span().span_context().clone();
        span.is_valid().then(|| span.trace_id()).or(self.root_trace_id)
    }
}

/// A valid `traceparent`, and its `tracestate` headers combined.
struct W3c {
    parent: String,
    state: String,
}

impl W3c {
    fn of(trace: &TraceContext) -> Self {
        let mut headers = HeaderMap::new();
        trace.write_to(&mut headers);
        let text = |name: &str| {
            let values: Vec<&str> = headers
                .get_all(name)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .collect();
            values.join(",")
        };
        Self {
            parent: text("traceparent"),
            state: text("tracestate"),
        }
    }
}

impl Extractor for W3c {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => Some(&self.parent),
            "tracestate" => Some(&self.state),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";

    fn incoming(pairs: &[(&'static str, &str)]) -> Incoming {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        Incoming::from_headers(&headers, &TraceContext::from_headers(&headers))
    }

    fn span(incoming: &Incoming) -> SpanContext {
        incoming.parent.span().span_context().clone()
    }

    #[test]
    fn w3c_has_precedence_over_x_ray() {
        let incoming = incoming(&[
            ("traceparent", PARENT),
            ("tracestate", "a=1"),
            ("tracestate", "b=2"),
            ("x-amzn-trace-id", ROOT),
        ]);
        let span = span(&incoming);
        assert_eq!(span.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(span.span_id().to_string(), "b7ad6b7169203331");
        assert!(!span.is_sampled() && span.is_remote());
        assert_eq!(span.trace_state().header(), "a=1,b=2");
        assert_eq!(incoming.root_trace_id, None);
    }

    #[test]
    fn x_ray_has_a_parent_or_only_a_trace_id() {
        let with_parent = incoming(&[("x-amzn-trace-id", &format!("{ROOT};Parent=53995c3f42cd8ad8"))]);
        assert_eq!(span(&with_parent).span_id().to_string(), "53995c3f42cd8ad8");
        assert!(span(&with_parent).is_sampled());
        let unsampled = incoming(&[("x-amzn-trace-id", &format!("{ROOT};Parent=53995c3f42cd8ad8;Sampled=0"))]);
        assert!(!span(&unsampled).is_sampled());

        let root = incoming(&[("x-amzn-trace-id", ROOT)]);
        assert!(!span(&root).is_valid());
        assert_eq!(root.root_trace_id, with_parent.trace_id());
        assert_eq!(root.trace_id(), with_parent.trace_id());
    }

    #[test]
    fn malformed_headers_are_ignored() {
        for pairs in [
            &[][..],
            &[("traceparent", PARENT), ("traceparent", PARENT)],
            &[("traceparent", "00-1-2-00")],
            &[("x-amzn-trace-id", "Root=1-2-3")],
        ] {
            assert_eq!(incoming(pairs).trace_id(), None, "{pairs:?}");
        }
    }
}
