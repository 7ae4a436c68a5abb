//! Whether a version is well, compared with the one beside it at the same time. Pure.

use std::time::Duration;

use bluegreen_state::Side;
use mesh_local::{Counts, NodeStatistics};

/// As many calls say something.
const ENOUGH: u64 = 20;
/// A version may fail as much more often than the other one.
const MORE_FAILURES: f64 = 0.02;
/// A version may fail as often, if there is no other one to compare it with.
const FAILURES: f64 = 0.05;
/// A version may be as many times slower, and as much slower, than the other one. Both together: times are counted in
/// buckets that are up to five times as wide as they begin.
const TIMES_SLOWER: u32 = 5;
const SLOWER: Duration = Duration::from_millis(100);
/// Nine of ten answers are compared.
const SHARE: f64 = 0.9;

/// What was counted of calls to each side when traffic was last divided anew.
#[derive(Debug, Default)]
pub(super) struct Baseline(Option<(Side, [NodeStatistics; 2])>);

impl Baseline {
    /// Traffic is being divided anew: what was counted so far is not to be held against anybody.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }

    /// What is wrong with the version on `target`, from what was counted `now` of calls to it and to the other side.
    pub(super) fn complaint(&mut self, target: Side, now: [NodeStatistics; 2]) -> Option<String> {
        match &self.0 {
            Some((side, before)) if *side == target => {
                let [new, other] = [0, 1].map(|which| now[which].since(&before[which]));
                complaint(&new, &other)
            }
            _ => {
                self.0 = Some((target, now));
                None
            }
        }
    }
}

/// What is wrong with a version, from what was counted of calls to it and to the other one since traffic was last divided
/// anew. `None` if nothing is, or if that cannot be said yet.
fn complaint(new: &Counts, other: &Counts) -> Option<String> {
    let enough = |counted: &Counts| counted.ended >= ENOUGH;
    if !enough(new) {
        return None;
    }
    let rate = new.failure_rate()?;
    if !enough(other) {
        return (rate > FAILURES).then(|| format!("{:.1} % of the calls to it failed", rate * 100.0));
    }
    let usual = other.failure_rate()?;
    if rate > usual + MORE_FAILURES {
        return Some(format!(
            "{:.1} % of the calls to it failed, and {:.1} % of those to the other side",
            rate * 100.0,
            usual * 100.0
        ));
    }
    let (slow, usual) = (new.quantile(SHARE)?, other.quantile(SHARE)?);
    (slow > usual * TIMES_SLOWER && slow > usual + SLOWER).then(|| {
        // The narrowest bucket is half a millisecond wide.
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        format!(
            "nine of ten answers came within {} ms, and those of the other side within {} ms",
            milliseconds(slow),
            milliseconds(usual)
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// `ended` calls, of which some failed, all of them within so many milliseconds.
    fn counted(ended: u64, failed: u64, milliseconds: f64) -> Counts {
        Counts {
            ended,
            failed,
            within: vec![(1.0, 0), (milliseconds, ended), (10_000.0, ended)],
        }
    }

    /// What one Envoy counted: so many calls, of which some failed.
    fn by_an_envoy(ended: u64, failed: u64) -> NodeStatistics {
        let counts = json!({"gateway/1": {"ended": ended, "failed": failed, "within": [[5.0, ended]]}});
        serde_json::from_value(counts).expect("statistics")
    }

    #[test]
    fn only_calls_since_traffic_was_divided_anew_count() {
        let mut baseline = Baseline::default();
        let before = || [by_an_envoy(100, 90), by_an_envoy(500, 0)];
        assert_eq!(baseline.complaint(Side::Green, before()), None);
        let well = [by_an_envoy(200, 90), by_an_envoy(600, 0)];
        assert_eq!(baseline.complaint(Side::Green, well), None);
        let unwell = || [by_an_envoy(200, 110), by_an_envoy(600, 0)];
        let said = baseline.complaint(Side::Green, unwell()).expect("20 of 100 failed");
        assert!(said.starts_with("20.0 % of the calls to it failed"), "{said}");

        // What was counted of one side says nothing of the other, and nothing once it is forgotten.
        assert_eq!(baseline.complaint(Side::Blue, unwell()), None);
        baseline.forget();
        assert_eq!(baseline.complaint(Side::Blue, unwell()), None);
        assert_eq!(baseline.complaint(Side::Blue, unwell()), None);
    }

    #[test]
    fn few_calls_say_nothing() {
        assert_eq!(complaint(&counted(19, 19, 5.0), &counted(500, 0, 5.0)), None);
    }

    #[test]
    fn failures_count_against_those_of_the_other_side() {
        let other = counted(100, 5, 5.0);
        assert_eq!(complaint(&counted(100, 6, 5.0), &other), None);
        let said = complaint(&counted(100, 8, 5.0), &other).expect("it fails more often");
        assert_eq!(
            said,
            "8.0 % of the calls to it failed, and 5.0 % of those to the other side"
        );
        let alone = complaint(&counted(100, 8, 5.0), &counted(3, 0, 5.0)).expect("it fails often");
        assert_eq!(alone, "8.0 % of the calls to it failed");
    }

    #[test]
    fn slowness_counts_if_it_is_both_many_times_and_much() {
        let said = complaint(&counted(100, 0, 500.0), &counted(100, 0, 5.0)).expect("it is slow");
        let expected = "nine of ten answers came within 500 ms, and those of the other side within 5 ms";
        assert_eq!(said, expected);
        let said = complaint(&counted(100, 0, 2500.0), &counted(100, 0, 0.5)).expect("it is slow");
        assert!(said.ends_with("those of the other side within 0.5 ms"), "{said}");
        for (slow, usual) in [(50.0, 5.0), (1000.0, 500.0), (5.0, 500.0)] {
            assert_eq!(complaint(&counted(100, 0, slow), &counted(100, 0, usual)), None);
        }
    }
}
