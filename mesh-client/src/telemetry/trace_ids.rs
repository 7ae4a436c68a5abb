//! Trace ids: random, or set by a load balancer.
//!
//! A load balancer sends a trace id without a span id. There is no parent for the span of the request, and OpenTelemetry has no
//! other way to set the trace id of a root span than its id generator.

use std::cell::Cell;

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

thread_local! {
    static NEXT_TRACE_ID: Cell<Option<TraceId>> = const { Cell::new(None) };
}

/// Calls `start`; if it starts a root span, that gets the trace id `id`.
pub(super) fn with_trace_id<T>(id: Option<TraceId>, start: impl FnOnce() -> T) -> T {
    let Some(id) = id else {
        return start();
    };
    NEXT_TRACE_ID.set(Some(id));
    let started = start();
    NEXT_TRACE_ID.set(None);
    started
}

/// Random ids, except for a trace id set by [`with_trace_id`].
#[derive(Debug, Default)]
pub(super) struct TraceIds {
    random: RandomIdGenerator,
}

impl IdGenerator for TraceIds {
    fn new_trace_id(&self) -> TraceId {
        NEXT_TRACE_ID.take().unwrap_or_else(|| self.random.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        self.random.new_span_id()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_trace_id_is_used_once() {
        let ids = TraceIds::default();
        let set = TraceId::from(7_u128);
        let (first, second) = with_trace_id(Some(set), || (ids.new_trace_id(), ids.new_trace_id()));
        assert_eq!(first, set);
        assert_ne!(second, set);
        with_trace_id(Some(set), || {});
        assert_ne!(ids.new_trace_id(), set);
    }
}
