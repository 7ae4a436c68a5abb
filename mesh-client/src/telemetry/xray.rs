//! The `X-Amzn-Trace-Id` header of AWS X-Ray.
//!
//! `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`. The root is a trace id with dashes: four
//! bytes that had to be the time in the past, then twelve (AWS X-Ray developer guide, "Tracing header" in
//! xray-concepts and "trace ID format" in xray-api-sendingdata, read 2026-11-23). A load balancer sends a root only, and
//! adds fields of its own (`Self`); applications may add others, in any order (Elastic Load Balancing guide,
//! load-balancer-request-tracing, read 2026-11-23).
//!
//! The crate `opentelemetry-aws` is not used: its version 0.21 creates an invalid parent span from a load balancer's header
//! without a parent, so the trace ends there; and it copies unknown fields to `tracestate`.

use http::HeaderName;
use opentelemetry::trace::{SpanContext, SpanId, TraceId};

pub(super) const HEADER: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// A parsed header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TracingHeader {
    pub(super) root: TraceId,
    /// `None` if the sender has no span, such as a load balancer.
    pub(super) parent: Option<SpanId>,
    /// The sampling decision; `None` if the receiver decides: no field, or `?`.
    pub(super) sampled: Option<bool>,
}

impl TracingHeader {
    /// Parses a value; `None` without a valid root.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let mut root = None;
        let mut parent = None;
        let mut sampled = None;
        for field in value.split(';') {
            match field.trim().split_once('=') {
                Some(("Root", value)) => root = Some(trace_id(value)?),
                Some(("Parent", value)) => parent = span_id(value),
                Some(("Sampled", "1")) => sampled = Some(true),
                Some(("Sampled", "0")) => sampled = Some(false),
                // Unknown fields, and malformed decisions.
                _ => {}
            }
        }
        root.map(|root| Self { root, parent, sampled })
    }

    /// Formats the header of a call with the span `span`.
    pub(super) fn format(span: &SpanContext) -> String {
        let root = u128::from_be_bytes(span.trace_id().to_bytes());
        let (time, unique) = (root >> 96, root & (u128::MAX >> 32));
        let (parent, sampled) = (span.span_id(), u8::from(span.is_sampled()));
        format!("Root=1-{time:08x}-{unique:024x};Parent={parent};Sampled={sampled}")
    }
}

fn trace_id(root: &str) -> Option<TraceId> {
    let (time, unique) = root.strip_prefix("1-")?.split_once('-')?;
    if !is_hex(time, 8) || !is_hex(unique, 24) {
        return None;
    }
    let id = TraceId::from_hex(&format!("{time}{unique}")).ok()?;
    (id != TraceId::INVALID).then_some(id)
}

fn span_id(parent: &str) -> Option<SpanId> {
    let id = is_hex(parent, 16).then(|| SpanId::from_hex(parent).ok())??;
    (id != SpanId::INVALID).then_some(id)
}

/// OpenTelemetry's `from_hex` accepts signs and fewer digits.
fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{TraceFlags, TraceState};
    use proptest::prelude::*;

    use super::*;

    const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";

    fn root() -> TraceId {
        TraceId::from_hex("5759e988bd862e3fe1be46a994272793").unwrap()
    }

    #[test]
    fn the_header_is_root_parent_and_decision() {
        let parent = Some(SpanId::from_hex("53995c3f42cd8ad8").unwrap());
        for (value, parent, sampled) in [
            (format!("{ROOT};Parent=53995c3f42cd8ad8;Sampled=1"), parent, Some(true)),
            (
                format!("Sampled=0; Parent=53995C3F42CD8AD8 ;{ROOT}"),
                parent,
                Some(false),
            ),
            (format!("{ROOT};Parent=53995c3f42cd8ad8;Sampled=?"), parent, None),
            (format!("{ROOT};Parent=53995c3f42cd8ad8"), parent, None),
            (ROOT.to_owned(), None, None),
            (
                format!("Self=1-67891234-12456789abcdef012345678;{ROOT};CalledFrom=app;;Lineage=a:1|b:0"),
                None,
                None,
            ),
            (format!("{ROOT};Parent=0000000000000000"), None, None),
            (format!("{ROOT};Parent=xmpl4010dda"), None, None),
        ] {
            let expected = TracingHeader {
                root: root(),
                parent,
                sampled,
            };
            assert_eq!(TracingHeader::parse(&value), Some(expected), "{value}");
        }
    }

    #[test]
    fn a_header_without_a_valid_root_is_ignored() {
        for value in [
            "",
            "Parent=53995c3f42cd8ad8;Sampled=1",
            "Self=1-5759e988-bd862e3fe1be46a994272793",
            "Root=5759e988bd862e3fe1be46a994272793",
            "Root=2-5759e988-bd862e3fe1be46a994272793",
            "Root=1-5759e988-bd862e3fe1be46a99427279",
            "Root=1-5759e988-+d862e3fe1be46a994272793",
            "Root=1-00000000-000000000000000000000000",
            "Root=1-5759e988bd862e3fe1be46a994272793",
        ] {
            assert_eq!(TracingHeader::parse(value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn formatted_headers_are_parsed(trace in 1_u128.., span in 1_u64.., sampled: bool) {
            let flags = TraceFlags::default().with_sampled(sampled);
            let (root, parent) = (TraceId::from(trace), SpanId::from(span));
            let context = SpanContext::new(root, parent, flags, false, TraceState::default());
            let expected = TracingHeader { root, parent: Some(parent), sampled: Some(sampled) };
            prop_assert_eq!(TracingHeader::parse(&TracingHeader::format(&context)), Some(expected));
        }

        #[test]
        fn any_value_is_handled(value in any::<String>()) {
            let _ = TracingHeader::parse(&value);
        }
    }
}
