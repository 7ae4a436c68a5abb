//! Rates of calls between services, from two reads of their counters.

use std::time::Duration;

use mesh_local::Counts;
use mesh_local::edges::Edge;
use serde::Serialize;

/// The calls on an edge in an interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rate {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) requests_per_second: f64,
    pub(crate) failures_per_second: f64,
    /// Milliseconds; the upper bound of the histogram's bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p50: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p99: Option<f64>,
}

/// The calls since `before`, failures first, then by rate.
pub(crate) fn rates(before: &[Edge], now: &[Edge], elapsed: Duration) -> Vec<Rate> {
    let per_second = |count: u64| match elapsed.is_zero() {
        true => 0.0,
        false => count as f64 / elapsed.as_secs_f64(),
    };
    let milliseconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64() * 1000.0);
    let mut rates: Vec<Rate> = now
        .iter()
        .map(|edge| {
            let earlier = before
                .iter()
                .find(|other| (&other.from, &other.to) == (&edge.from, &edge.to));
            let earlier = earlier.map(|edge| edge.statistics.clone()).unwrap_or_default();
            let counts: Counts = edge.statistics.since(&earlier);
            Rate {
                from: edge.from.clone(),
                to: edge.to.clone(),
                requests_per_second: per_second(counts.ended),
                failures_per_second: per_second(counts.failed),
                p50: milliseconds(counts.quantile(0.5)),
                p99: milliseconds(counts.quantile(0.99)),
            }
        })
        .collect();
    rates.sort_by(|one, other| {
        let by_failures = other.failures_per_second.total_cmp(&one.failures_per_second);
        by_failures.then(other.requests_per_second.total_cmp(&one.requests_per_second))
    });
    rates
}
