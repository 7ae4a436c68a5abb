//! Trace ids: random ones, or the one that a load balancer gave a request.
//!
//! A load balancer names the trace and no span of its own, so there is no parent that a span could be started below, and
//! OpenTelemetry has no other way to say which trace a span begins.

use std::cell::Cell;

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

thread_local! {
    static GIVEN: Cell<Option<TraceId>> = const { Cell::new(None) };
}

/// Lets a span that `start` starts, and that has no parent, begin the trace `id`.
pub(super) fn beginning<T>(id: Option<TraceId>, start: impl FnOnce() -> T) -> T {
    let Some(id) = id else {
        return start();
    };
    GIVEN.set(Some(id));
    let started = start();
    GIVEN.set(None);
    started
}

/// Random ids, but for a trace id that was given.
#[derive(Debug, Default)]
pub(super) struct Ids {
    random: RandomIdGenerator,
}

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        GIVEN.take().unwrap_or_else(|| self.random.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        self.random.new_span_id()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_id_is_used_once() {
        let ids = Ids::default();
        let given = TraceId::from(7_u128);
        let (first, second) = beginning(Some(given), || (ids.new_trace_id(), ids.new_trace_id()));
        assert_eq!(first, given);
        assert_ne!(second, given);
        beginning(Some(given), || {});
        assert_ne!(ids.new_trace_id(), given);
    }
}
