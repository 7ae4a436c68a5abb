//! Messages between the benchmark and its workers: one line of JSON each.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fixture::Addresses;
use crate::variant::Variant;

/// First argument of a worker process; the second is a [`WorkerConfig`].
pub(crate) const WORKER: &str = "__worker";

/// What a worker calls, and how.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WorkerConfig {
    pub(crate) variant: Variant,
    pub(crate) addresses: Addresses,
}

/// A request to a worker: how long to call.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Request {
    /// One call at a time.
    pub(crate) sequential: Duration,
    /// Then several calls at a time.
    pub(crate) concurrent: Duration,
}

/// A worker's response: the measurements of one turn.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Latencies of the sequential calls, in nanoseconds.
    pub(crate) latencies: Vec<u64>,
    /// Number of concurrent calls.
    pub(crate) concurrent_calls: usize,
    /// Duration of the concurrent calls.
    pub(crate) elapsed: Duration,
    pub(crate) usage: Usage,
}

/// Resources that a worker process used since the end of its previous turn. Includes work between turns, such as
/// exporting spans.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Usage {
    pub(crate) calls: usize,
    /// CPU time of all threads.
    pub(crate) cpu: Duration,
    pub(crate) allocations: usize,
    pub(crate) bytes: usize,
}

impl Usage {
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            calls: self.calls - earlier.calls,
            cpu: self.cpu - earlier.cpu,
            allocations: self.allocations - earlier.allocations,
            bytes: self.bytes - earlier.bytes,
        }
    }
}
