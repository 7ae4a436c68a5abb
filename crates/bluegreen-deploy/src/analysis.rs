//! Canary analysis: compares error rate and latency of the new version with those of the other side. Pure.

mod inconclusive;

use std::time::Duration;

use bluegreen_state::{Side, Timestamp};
use mesh_local::{Counts, NodeStatistics};

pub use inconclusive::{AnalysisOptions, DEFAULT_MIN_REQUESTS, InconclusivePolicy};
pub(crate) use inconclusive::{Cause, InconclusiveStep};

/// Maximum difference between the error rates of the new version and the other side.
const MAX_ERROR_RATE_INCREASE: f64 = 0.02;
/// Maximum error rate of the new version if the other side has too few requests for a comparison.
const MAX_ERROR_RATE: f64 = 0.05;
/// The new version fails if its latency exceeds both this multiple of the other side's latency and
/// [`MAX_LATENCY_INCREASE`]. The factor allows for histogram buckets with an upper bound of up to five times the lower.
const MAX_LATENCY_FACTOR: u32 = 5;
const MAX_LATENCY_INCREASE: Duration = Duration::from_millis(100);
/// The quantile of the compared latencies.
const LATENCY_QUANTILE: f64 = 0.9;

/// Canary analysis of a rollout: compares the statistics of both sides since the weights were last set.
#[derive(Debug)]
pub struct CanaryAnalysis {
    /// Fewer requests than this are inconclusive.
    min_requests: u64,
    /// Requests to the new version since the baseline, as last seen.
    requests: u64,
    /// The request that last set the weights.
    request: u64,
    /// Statistics of the target side and the other one at that time.
    baseline: Option<(Side, [NodeStatistics; 2])>,
    /// Since when statistics cannot be read, and why.
    unavailable: Option<(Timestamp, String)>,
}

/// The result of an analysis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The new version is as healthy as the other side.
    Successful,
    /// There are too few requests.
    Inconclusive,
    /// The new version is unhealthy: the finding.
    Failed(String),
}

impl CanaryAnalysis {
    /// An analysis that needs this number of requests to a side for a verdict on it.
    #[must_use]
    pub fn new(min_requests: u64) -> Self {
        Self {
            // No verdict needs no request.
            min_requests: min_requests.max(1),
            requests: 0,
            request: 0,
            baseline: None,
            unavailable: None,
        }
    }

    /// Records that statistics cannot be read, until the next [`verdict`](Self::verdict): what was known before says
    /// nothing about the version now.
    pub fn record_unavailable(&mut self, now: Timestamp, reason: String) {
        let since = self.unavailable.take().map_or(now, |(since, _)| since);
        self.unavailable = Some((since, reason));
    }

    /// Since when statistics cannot be read, and why, if so.
    #[must_use]
    pub fn unavailable(&self) -> Option<(Timestamp, &str)> {
        let (since, reason) = self.unavailable.as_ref()?;
        Some((*since, reason))
    }

    /// The requests to the new version since the weights were set, as of the last [`verdict`](Self::verdict).
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Whether there are enough requests for a verdict, and statistics can be read.
    #[must_use]
    pub fn is_conclusive(&self) -> bool {
        self.unavailable.is_none() && self.requests >= self.min_requests
    }

    /// Discards the baseline, because the request with this number sets other weights. A retry changes nothing.
    pub fn restart(&mut self, request: u64) {
        if request != self.request {
            self.request = request;
            self.baseline = None;
            self.requests = 0;
            self.unavailable = None;
        }
    }

    /// The verdict on the version on `target`, from the current `statistics` of that side and the other one. The first
    /// call after a restart sets the baseline.
    pub fn verdict(&mut self, target: Side, statistics: [NodeStatistics; 2]) -> Verdict {
        self.unavailable = None;
        match &mut self.baseline {
            Some((side, baseline)) if *side == target => {
                for (earlier, now) in baseline.iter_mut().zip(&statistics) {
                    earlier.add_missing(now);
                }
                let [new, other] = [0, 1].map(|index| statistics[index].since(&baseline[index]));
                self.requests = new.ended;
                compare(&new, &other, self.min_requests).unwrap_or(Verdict::Inconclusive)
            }
            _ => {
                self.baseline = Some((target, statistics));
                self.requests = 0;
                Verdict::Inconclusive
            }
        }
    }
}

/// Compares the requests to the new version with those to the other side. `None` if there are too few.
fn compare(new: &Counts, other: &Counts, min_requests: u64) -> Option<Verdict> {
    let is_sufficient = |counts: &Counts| counts.ended >= min_requests;
    if !is_sufficient(new) {
        return None;
    }
    let percent = |rate: f64| format!("{:.1}%", rate * 100.0);
    let rate = new.failure_rate()?;
    if !is_sufficient(other) {
        return Some(match rate > MAX_ERROR_RATE {
            true => Verdict::Failed(format!("{} of its requests failed", percent(rate))),
            false => Verdict::Successful,
        });
    }
    let other_rate = other.failure_rate()?;
    if rate > other_rate + MAX_ERROR_RATE_INCREASE {
        return Some(Verdict::Failed(format!(
            "{} of its requests failed, {} on the other side",
            percent(rate),
            percent(other_rate)
        )));
    }
    let (latency, other_latency) = (new.quantile(LATENCY_QUANTILE)?, other.quantile(LATENCY_QUANTILE)?);
    if latency > other_latency * MAX_LATENCY_FACTOR && latency > other_latency + MAX_LATENCY_INCREASE {
        // The narrowest bucket is half a millisecond wide.
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        return Some(Verdict::Failed(format!(
            "its p90 latency is {} ms, {} ms on the other side",
            milliseconds(latency),
            milliseconds(other_latency)
        )));
    }
    Some(Verdict::Successful)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Compares with the default minimum.
    fn compared(new: &Counts, other: &Counts) -> Option<Verdict> {
        compare(new, other, DEFAULT_MIN_REQUESTS)
    }

    /// `ended` requests, `failed` of them failed, all with a latency of `milliseconds`.
    fn counts(ended: u64, failed: u64, milliseconds: f64) -> Counts {
        Counts {
            ended,
            failed,
            within: vec![(1.0, 0), (milliseconds, ended), (10_000.0, ended)],
        }
    }

    /// The statistics of one Envoy.
    fn statistics(ended: u64, failed: u64) -> NodeStatistics {
        let counts = json!({"gateway/1": {"ended": ended, "failed": failed, "within": [[5.0, ended]]}});
        serde_json::from_value(counts).expect("statistics")
    }

    fn failed(verdict: Option<Verdict>) -> String {
        match verdict {
            Some(Verdict::Failed(finding)) => finding,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_requests_since_the_last_weights_are_compared() {
        let mut analysis = CanaryAnalysis::new(20);
        let baseline = || [statistics(100, 90), statistics(500, 0)];
        assert_eq!(analysis.verdict(Side::Green, baseline()), Verdict::Inconclusive);
        let healthy = [statistics(200, 90), statistics(600, 0)];
        assert_eq!(analysis.verdict(Side::Green, healthy), Verdict::Successful);
        assert!(analysis.is_conclusive() && analysis.requests() == 100);
        let unhealthy = || [statistics(200, 110), statistics(600, 0)];
        let expected = Verdict::Failed("20.0% of its requests failed, 0.0% on the other side".to_owned());
        assert_eq!(analysis.verdict(Side::Green, unhealthy()), expected);
        analysis.restart(0);
        assert_eq!(analysis.verdict(Side::Green, unhealthy()), expected, "a retry");

        // The baseline of one side does not apply to the other, nor after a restart.
        assert_eq!(analysis.verdict(Side::Blue, unhealthy()), Verdict::Inconclusive);
        assert!(!analysis.is_conclusive() && analysis.requests() == 0);
        analysis.restart(1);
        assert_eq!(analysis.verdict(Side::Blue, unhealthy()), Verdict::Inconclusive);
        assert_eq!(analysis.verdict(Side::Blue, unhealthy()), Verdict::Inconclusive);
    }

    #[test]
    fn a_counter_that_was_not_visible_at_the_baseline_counts_from_then_on() {
        let counts = |ended, failed| Counts {
            ended,
            failed,
            within: vec![(5.0, ended)],
        };
        let mut analysis = CanaryAnalysis::new(20);
        let read = |counters: &[(&str, u64, Counts)]| {
            let statistics = NodeStatistics::with_starts(
                counters
                    .iter()
                    .map(|(name, start, counts)| ((*name).to_owned(), *start, counts.clone())),
                1000,
            );
            [statistics.clone(), statistics]
        };
        let first = ("a", 1, counts(10, 0));
        analysis.verdict(Side::Green, read(std::slice::from_ref(&first)));
        // It was started before the baseline, and has 500 failures of before.
        let verdict = analysis.verdict(Side::Green, read(&[first.clone(), ("b", 2, counts(500, 500))]));
        assert_eq!((verdict, analysis.requests()), (Verdict::Inconclusive, 0));
        let verdict = analysis.verdict(Side::Green, read(&[first, ("b", 2, counts(530, 500))]));
        assert_eq!((verdict, analysis.requests()), (Verdict::Successful, 30));
    }

    #[test]
    fn statistics_that_cannot_be_read_are_inconclusive() {
        let mut analysis = CanaryAnalysis::new(20);
        analysis.verdict(Side::Green, [statistics(0, 0), statistics(0, 0)]);
        let healthy = || [statistics(100, 0), statistics(100, 0)];
        assert_eq!(analysis.verdict(Side::Green, healthy()), Verdict::Successful);
        assert!(analysis.is_conclusive());
        let at = Timestamp::from_millis;
        for (time, reason) in [(1000, "no report"), (2000, "still none")] {
            analysis.record_unavailable(at(time), reason.to_owned());
            assert!(!analysis.is_conclusive());
            assert_eq!(analysis.unavailable(), Some((at(1000), reason)));
        }
        assert_eq!(analysis.verdict(Side::Green, healthy()), Verdict::Successful);
        assert!(analysis.is_conclusive() && analysis.unavailable().is_none());
        analysis.record_unavailable(at(3000), "no report".to_owned());
        analysis.restart(1);
        assert_eq!(analysis.unavailable(), None, "other weights");
    }

    #[test]
    fn few_requests_are_inconclusive() {
        assert_eq!(compared(&counts(19, 19, 5.0), &counts(500, 0, 5.0)), None);
    }

    #[test]
    fn error_rate_is_compared_with_the_other_side() {
        let other = counts(100, 5, 5.0);
        assert_eq!(compared(&counts(100, 6, 5.0), &other), Some(Verdict::Successful));
        let finding = failed(compared(&counts(100, 8, 5.0), &other));
        assert_eq!(finding, "8.0% of its requests failed, 5.0% on the other side");
        let finding = failed(compared(&counts(100, 8, 5.0), &counts(3, 0, 5.0)));
        assert_eq!(finding, "8.0% of its requests failed");
    }

    #[test]
    fn latency_fails_if_both_factor_and_increase_are_exceeded() {
        let finding = failed(compared(&counts(100, 0, 500.0), &counts(100, 0, 5.0)));
        assert_eq!(finding, "its p90 latency is 500 ms, 5 ms on the other side");
        let finding = failed(compared(&counts(100, 0, 2500.0), &counts(100, 0, 0.5)));
        assert!(finding.ends_with(", 0.5 ms on the other side"), "{finding}");
        for (latency, other) in [(50.0, 5.0), (1000.0, 500.0), (5.0, 500.0)] {
            let verdict = compared(&counts(100, 0, latency), &counts(100, 0, other));
            assert_eq!(verdict, Some(Verdict::Successful));
        }
    }
}
