//! Policy for steps with too few requests for a verdict. Pure.

use std::fmt;

use bluegreen_state::{Advance, Percent, Side};

use crate::Version;

/// Default of [`AnalysisOptions::min_requests`], decided by this crate: one failed request of 20 is an error rate of 5 %,
/// which fails an analysis without a comparison.
pub const DEFAULT_MIN_REQUESTS: u64 = 20;

/// How a rollout is analysed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnalysisOptions {
    /// What follows a step with too few requests.
    pub inconclusive: InconclusivePolicy,
    /// Requests to the new version that a verdict needs, since the step's weights were set. Default:
    /// [`DEFAULT_MIN_REQUESTS`].
    pub min_requests: u64,
}

impl Default for AnalysisOptions {
    fn default() -> Self {
        Self {
            inconclusive: InconclusivePolicy::default(),
            min_requests: DEFAULT_MIN_REQUESTS,
        }
    }
}

/// What follows when the time of a step is over and its analysis is inconclusive, because there were too few requests.
///
/// The default waits: Argo Rollouts pauses a rollout after an inconclusive analysis run ("Analysis & Progressive Delivery"),
/// and Flagger halts the advancement of a canary without metrics (its event "Halt advancement no values found"; both
/// 2026-11-30).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum InconclusivePolicy {
    /// The step continues until there are enough requests, without a time limit.
    #[default]
    Wait,
    /// The next step follows.
    Proceed,
    /// The version is rolled back.
    RollBack,
}

/// A step whose analysis is inconclusive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InconclusiveStep {
    pub(crate) side: Side,
    pub(crate) version: Version,
    pub(crate) share: Percent,
    pub(crate) requests: u64,
}

impl InconclusiveStep {
    /// What follows the step.
    pub(crate) fn advance(&self, options: AnalysisOptions) -> Advance {
        let minimum = options.min_requests;
        match options.inconclusive {
            InconclusivePolicy::Proceed => Advance::Proceed,
            InconclusivePolicy::RollBack => Advance::RollBack(format!("the analysis of {self}, fewer than {minimum}")),
            InconclusivePolicy::Wait => Advance::Wait(format!(
                "the analysis of {self}, fewer than {minimum}; the next step follows when there are more. `deploy \
                 --version {} --inconclusive proceed` proceeds without them, `abort` rolls back",
                self.version
            )),
        }
    }
}

impl fmt::Display for InconclusiveStep {
    /// `green 2 at 10% is inconclusive: it had 3 requests`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            side,
            version,
            share,
            requests,
        } = self;
        let plural = if *requests == 1 { "" } else { "s" };
        write!(
            f,
            "{side} {version} at {share} is inconclusive: it had {requests} request{plural}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_decides_what_follows_a_step_with_too_few_requests() {
        let step = InconclusiveStep {
            side: Side::Green,
            version: 2,
            share: Percent::try_from(10).expect("a share"),
            requests: 3,
        };
        let advance = |inconclusive| {
            step.advance(AnalysisOptions {
                inconclusive,
                min_requests: 50,
            })
        };
        assert_eq!(advance(InconclusivePolicy::Proceed), Advance::Proceed);
        let finding = "the analysis of green 2 at 10% is inconclusive: it had 3 requests, fewer than 50";
        assert_eq!(
            advance(InconclusivePolicy::RollBack),
            Advance::RollBack(finding.to_owned())
        );
        let Advance::Wait(reason) = advance(InconclusivePolicy::default()) else {
            panic!("the default waits");
        };
        assert!(reason.starts_with(finding), "{reason}");
        assert!(
            reason.contains("`deploy --version 2 --inconclusive proceed`") && reason.contains("`abort`"),
            "{reason}"
        );
    }
}
