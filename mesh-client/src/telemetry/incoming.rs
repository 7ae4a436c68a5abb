//! Where a request comes from: its trace, as the headers tell it, and what of them goes on.

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{SpanContext, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::ids;
use super::xray::{self, TracingHeader};
use crate::trace_context::TraceContext;

tokio::task_local! {
    /// The headers of the request that this task answers.
    pub(super) static CURRENT: TraceContext;
}

/// The trace of a request that came.
#[derive(Debug)]
pub(super) struct Incoming {
    /// With the span that it is to be below, if there is one.
    parent: Context,
    /// The trace that it begins, if it has an id and no parent.
    begins: Option<TraceId>,
}

impl Incoming {
    /// Reads `traceparent`, or else `X-Amzn-Trace-Id`. `trace` is what is known of the same headers.
    pub(super) fn from_headers(headers: &HeaderMap, trace: &TraceContext) -> Self {
        if trace.trace_id().is_some() {
            let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &W3c::of(trace));
            return Self { parent, begins: None };
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
                // Whoever leaves the decision to others asks about this trace, so it is kept.
                let flags = TraceFlags::default().with_sampled(sampled.unwrap_or(true));
                let span = SpanContext::new(root, parent, flags, true, TraceState::default());
                Self {
                    parent: Context::new().with_remote_span_context(span),
                    begins: None,
                }
            }
            header => Self {
                parent: Context::new(),
                begins: header.map(|header| header.root),
            },
        }
    }

    /// Puts `span` into the trace, and starts it: the context with the span that OpenTelemetry has. It is an empty one
    /// where nobody exports.
    pub(super) fn start(self, span: &Span) -> Context {
        match span.set_parent(self.parent) {
            Ok(()) => ids::beginning(self.begins, || span.context()),
            Err(_) => Context::new(),
        }
    }

    /// The trace that the request belongs to, if it is known.
    pub(super) fn trace_id(&self) -> Option<TraceId> {
        let span = self.parent.span().span_context().clone();
        span.is_valid().then(|| span.trace_id()).or(self.begins)
    }
}

/// A `traceparent` that keeps the rules, and its `tracestate`s as one.
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
    fn w3c_decides_before_x_ray() {
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
        assert_eq!(incoming.begins, None);
    }

    #[test]
    fn x_ray_names_a_parent_or_begins_a_trace() {
        let below = incoming(&[("x-amzn-trace-id", &format!("{ROOT};Parent=53995c3f42cd8ad8"))]);
        assert_eq!(span(&below).span_id().to_string(), "53995c3f42cd8ad8");
        assert!(span(&below).is_sampled());
        let refused = incoming(&[("x-amzn-trace-id", &format!("{ROOT};Parent=53995c3f42cd8ad8;Sampled=0"))]);
        assert!(!span(&refused).is_sampled());

        let begins = incoming(&[("x-amzn-trace-id", ROOT)]);
        assert!(!span(&begins).is_valid());
        assert_eq!(begins.begins, below.trace_id());
        assert_eq!(begins.trace_id(), below.trace_id());
    }

    #[test]
    fn what_is_malformed_is_no_trace() {
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
