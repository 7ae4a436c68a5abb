//! Calls to a virtual node, as counted by the Envoys that make them. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The calls to the tasks of a virtual node, by counter: an Envoy since its start, named as its task, or a replica of the
/// control plane, which counts for many Envoys.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeStatistics {
    counters: BTreeMap<String, Counts>,
    /// The start of counters that are not always visible, in milliseconds since 1970.
    #[serde(skip)]
    starts: BTreeMap<String, u64>,
    /// The time of the statistics, by the same clocks.
    #[serde(skip)]
    at: u64,
}

/// Counters of calls. Each retry counts as a call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Completed calls.
    pub ended: u64,
    /// Failed calls: status 500 or higher, no response, or a timeout.
    pub failed: u64,
    /// Cumulative latency histogram: (upper bound in milliseconds, responses), sorted.
    pub within: Vec<(f64, u64)>,
}

impl NodeStatistics {
    /// Statistics of counters that are not always visible, such as replicas whose status may be stale: name, start and
    /// calls since then. Times are in milliseconds since 1970, `at` is the time of the last status.
    pub fn with_starts(counters: impl IntoIterator<Item = (String, u64, Counts)>, at: u64) -> Self {
        let mut statistics = Self { at, ..Self::default() };
        for (name, start, counts) in counters {
            statistics.starts.insert(name.clone(), start);
            statistics.counters.insert(name, counts);
        }
        statistics
    }

    /// The calls since `earlier`. A counter that was restarted since then, or was not there yet, counts from zero; one
    /// that is gone does not count. One that was not visible in `earlier`, although it was started before, does not count
    /// either, because its calls may be older: see [`add_missing`](Self::add_missing).
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Counts {
        let mut sum = Counts::default();
        for (task, now) in &self.counters {
            match earlier.counters.get(task) {
                Some(before) if before.ended <= now.ended => sum.add(&now.without(before)),
                None if self.is_older(task, earlier) => {}
                Some(_) | None => sum.add(now),
            }
        }
        sum
    }

    /// Adds to a baseline the counters of `later` that were started before it and were not visible: from now on, their
    /// calls count.
    pub fn add_missing(&mut self, later: &Self) {
        for (name, counts) in &later.counters {
            if !self.counters.contains_key(name) && later.is_older(name, self) {
                self.counters.insert(name.clone(), counts.clone());
            }
        }
    }

    /// Whether the counter was started before `earlier`.
    fn is_older(&self, counter: &str, earlier: &Self) -> bool {
        self.starts.get(counter).is_some_and(|start| *start <= earlier.at)
    }
}

impl FromIterator<(String, Counts)> for NodeStatistics {
    fn from_iter<T: IntoIterator<Item = (String, Counts)>>(counters: T) -> Self {
        Self {
            counters: counters.into_iter().collect(),
            ..Self::default()
        }
    }
}

impl Counts {
    /// The share of failed calls, from 0 to 1; `None` without calls.
    #[must_use]
    pub fn failure_rate(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "call counts stay below 2^52")]
        (self.ended > 0).then(|| self.failed as f64 / self.ended as f64)
    }

    /// The latency quantile for `share`, from 0 to 1: the upper bound of its histogram bucket, which is at most five
    /// times too high. `None` without responses, and for a bound that is no time.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let all = self.within.last().map(|(_, count)| *count).filter(|count| *count > 0)?;
        #[expect(clippy::cast_precision_loss, reason = "call counts stay below 2^52")]
        let reaches = |count: u64| count as f64 >= share * all as f64;
        let (limit, _) = self.within.iter().find(|(_, count)| reaches(*count))?;
        Duration::try_from_secs_f64(limit / 1000.0).ok()
    }

    fn without(&self, earlier: &Self) -> Self {
        // The buckets are constant, except that there are none before the first call.
        let before = earlier
            .within
            .iter()
            .map(|(_, count)| *count)
            .chain(std::iter::repeat(0));
        let counts = self.within.iter().zip(before);
        Self {
            ended: self.ended - earlier.ended,
            failed: self.failed.saturating_sub(earlier.failed),
            within: counts
                .map(|((limit, now), before)| (*limit, now.saturating_sub(before)))
                .collect(),
        }
    }

    /// Adds the calls of another counter with the same buckets.
    pub fn add(&mut self, other: &Self) {
        self.ended = self.ended.saturating_add(other.ended);
        self.failed = self.failed.saturating_add(other.failed);
        if self.within.is_empty() {
            self.within.clone_from(&other.within);
        } else {
            // All Envoys have the same buckets.
            for ((_, count), (_, more)) in self.within.iter_mut().zip(&other.within) {
                *count = count.saturating_add(*more);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls with a latency of at most 5 ms (`fast`) or 25 ms.
    fn counts(ended: u64, failed: u64, fast: u64) -> Counts {
        Counts {
            ended,
            failed,
            within: vec![(5.0, fast), (25.0, ended), (500.0, ended)],
        }
    }

    fn statistics(counters: &[(&str, Counts)]) -> NodeStatistics {
        let counters = counters.iter();
        counters
            .map(|(task, counts)| ((*task).to_owned(), counts.clone()))
            .collect()
    }

    #[test]
    fn earlier_calls_are_subtracted() {
        let before = statistics(&[("gateway/1", counts(10, 2, 8))]);
        let now = statistics(&[("gateway/1", counts(30, 2, 8))]);
        let since = now.since(&before);
        assert_eq!((since.ended, since.failed), (20, 0));
        assert_eq!(since.quantile(0.1), Some(Duration::from_millis(25)));
        let nothing = now.since(&now);
        assert_eq!((nothing.failure_rate(), nothing.quantile(0.5)), (None, None));
    }

    #[test]
    fn the_first_calls_are_counted() {
        let before = statistics(&[("gateway/1", Counts::default())]);
        let since = statistics(&[("gateway/1", counts(10, 0, 8))]).since(&before);
        assert_eq!(since.quantile(0.5), Some(Duration::from_millis(5)));
    }

    #[test]
    fn a_restarted_counter_counts_from_zero_and_one_that_is_gone_does_not_count() {
        let before = statistics(&[("gateway/1", counts(1000, 500, 8)), ("blue/1", counts(10, 0, 8))]);
        let now = statistics(&[("gateway/1", counts(3, 0, 3)), ("blue/2", counts(4, 1, 4))]);
        let since = now.since(&before);
        assert_eq!((since.ended, since.failed), (3 + 4, 1));
    }
}
