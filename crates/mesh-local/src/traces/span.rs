//! The stored part of a span.

use crate::request_path::Hop;

/// The id of a trace.
pub(super) type TraceId = u128;
/// The id of a span in its trace, never 0.
pub(super) type SpanId = u64;

/// A span: a period of a request in one hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) id: SpanId,
    /// The parent span, if any.
    pub(super) parent: Option<SpanId>,
    /// Its Envoy or application.
    pub(super) hop: Hop,
    /// Its description, in one line.
    pub(super) what: String,
    /// Start and end in nanoseconds since 1970. The end may be before the start.
    pub(super) start: u64,
    pub(super) end: u64,
}

/// The trace id and the parent span id of a `traceparent`. Source: W3C Trace Context, "traceparent Header Field
/// Values" (read 2026-11-23).
pub(super) fn traceparent(text: &str) -> Option<(TraceId, SpanId)> {
    let mut parts = text.split('-').skip(1);
    let trace = parts.next().filter(|id| id.len() == 32)?;
    let span = parts.next().filter(|id| id.len() == 16)?;
    let ids = (
        u128::from_str_radix(trace, 16).ok()?,
        u64::from_str_radix(span, 16).ok()?,
    );
    (ids.0 != 0 && ids.1 != 0).then_some(ids)
}
