//! Counters of an ADS service: what it has pushed, and what came back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::snapshot::ResourceType;

/// Upper bounds of the histogram's buckets, in seconds. A last one has everything above.
const BOUNDS: [f64; 10] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0];

/// The counters since the service was made. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    /// By type, in their order, as the others.
    pushes: [AtomicU64; 4],
    resources: [AtomicU64; 4],
    acks: [AtomicU64; 4],
    nacks: [AtomicU64; 4],
    response_bytes: AtomicU64,
    rejected_streams: AtomicU64,
    until_settled: [AtomicU64; BOUNDS.len() + 1],
    until_settled_micros: AtomicU64,
}

/// The counters of one resource type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TypeCounts {
    /// Responses.
    pub pushes: u64,
    /// Resources in them, removals included.
    pub resources: u64,
    /// ACKs.
    pub acks: u64,
    /// NACKs.
    pub nacks: u64,
}

/// Times in buckets.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Histogram {
    /// The upper bound of each bucket in seconds, and the number of times up to it.
    pub cumulative: Vec<(f64, u64)>,
    /// The number of all times.
    pub count: u64,
    /// Their sum in seconds.
    pub sum: f64,
}

impl Metrics {
    /// The counters of one type.
    #[must_use]
    pub fn of_type(&self, kind: ResourceType) -> TypeCounts {
        let of = |counters: &[AtomicU64; 4]| counters[kind.index()].load(Ordering::Relaxed);
        TypeCounts {
            pushes: of(&self.counters.pushes),
            resources: of(&self.counters.resources),
            acks: of(&self.counters.acks),
            nacks: of(&self.counters.nacks),
        }
    }

    /// Bytes of all responses.
    #[must_use]
    pub fn response_bytes(&self) -> u64 {
        self.counters.response_bytes.load(Ordering::Relaxed)
    }

    /// Streams that were ended with an error status.
    #[must_use]
    pub fn rejected_streams(&self) -> u64 {
        self.counters.rejected_streams.load(Ordering::Relaxed)
    }

    /// Times from a change until its stream had an ACK or NACK of everything, for each Envoy that the change concerned.
    #[must_use]
    pub fn until_settled(&self) -> Histogram {
        let counts = self
            .counters
            .until_settled
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        let counts: Vec<u64> = counts.collect();
        let mut total = 0;
        let mut cumulative = Vec::with_capacity(BOUNDS.len());
        for (bound, count) in BOUNDS.iter().zip(&counts) {
            total += count;
            cumulative.push((*bound, total));
        }
        let micros = self.counters.until_settled_micros.load(Ordering::Relaxed);
        Histogram {
            cumulative,
            count: counts.iter().sum(),
            sum: Duration::from_micros(micros).as_secs_f64(),
        }
    }

    pub(crate) fn count_push(&self, kind: ResourceType, resources: usize, bytes: usize) {
        self.counters.pushes[kind.index()].fetch_add(1, Ordering::Relaxed);
        self.counters.resources[kind.index()].fetch_add(resources as u64, Ordering::Relaxed);
        self.counters.response_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_answer(&self, kind: ResourceType, is_nack: bool) {
        let counters = if is_nack {
            &self.counters.nacks
        } else {
            &self.counters.acks
        };
        counters[kind.index()].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_rejected_stream(&self) {
        self.counters.rejected_streams.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn record_settled(&self, after: Duration) {
        let seconds = after.as_secs_f64();
        let bucket = BOUNDS
            .iter()
            .position(|bound| seconds <= *bound)
            .unwrap_or(BOUNDS.len());
        self.counters.until_settled[bucket].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
        self.counters.until_settled_micros.fetch_add(micros, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative() {
        let metrics = Metrics::default();
        for milliseconds in [0, 1, 7, 70_000] {
            metrics.record_settled(Duration::from_millis(milliseconds));
        }
        let histogram = metrics.until_settled();
        assert_eq!(histogram.cumulative[..3], [(0.001, 2), (0.005, 2), (0.01, 3)]);
        assert_eq!(histogram.cumulative.last(), Some(&(60.0, 3)));
        assert_eq!((histogram.count, histogram.sum), (4, 70.008));
    }
}
