//! Policy for steps with too few requests for a verdict, or without statistics. Pure.

use std::fmt;
use std::time::Duration;

use bluegreen_state::{Advance, Percent, Side};

use crate::Version;

/// Default of [`AnalysisOptions::min_requests`], decided by this crate: one failed request of 20 is an error rate of 5 %,
/// which fails an analysis without a comparison.
pub const DEFAULT_MIN_REQUESTS: u64 = 20;

/// For how long statistics may be missing before [`InconclusivePolicy`] decides: an Envoy restarts, or a replica of the
/// control plane is replaced. On AWS a report counts for 90 s besides.
const STATISTICS_GRACE: Duration = Duration::from_secs(60);

/// How a rollout is analysed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnalysisOptions {
    /// What follows a step with too few requests, or without statistics.
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

/// What follows when the time of a step is over and its analysis is inconclusive, because there were too few requests or
/// statistics cannot be read.
///
/// The default waits: Argo Rollouts pauses a rollout after an inconclusive analysis run ("Analysis & Progressive Delivery"),
/// and Flagger halts the advancement of a canary without metrics (its event "Halt advancement no values found"; both
/// 2026-11-30).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum InconclusivePolicy {
    /// The step continues until statistics show enough requests, without a time limit.
    #[default]
    Wait,
    /// The next step follows.
    Proceed,
    /// The version is rolled back.
    RollBack,
}

/// A step whose analysis is inconclusive.
#[derive(Debug, Clone)]
pub(crate) struct InconclusiveStep {
    pub(crate) side: Side,
    pub(crate) version: Version,
    pub(crate) share: Percent,
    /// The share of the requests that are mirrored to it.
    pub(crate) mirror: Option<Percent>,
    pub(crate) cause: Cause,
    /// Options of the commands in messages.
    pub(crate) command_options: &'static str,
}

/// Why an analysis is inconclusive.
#[derive(Debug, Clone)]
pub(crate) enum Cause {
    /// There were this many requests, too few.
    Requests(u64),
    /// Statistics cannot be read.
    NoStatistics { reason: String, since: Duration },
}

impl InconclusiveStep {
    /// What follows the step.
    pub(crate) fn advance(&self, options: AnalysisOptions) -> Advance {
        let finding = self.finding(options);
        let (policy, options) = (options.inconclusive, self.command_options);
        let until = match &self.cause {
            Cause::Requests(_) => "the next step follows when there are more",
            Cause::NoStatistics { .. } => "the next step follows when they are, and show enough requests",
        };
        match (policy, &self.cause) {
            (InconclusivePolicy::Wait, _) => Advance::Wait(format!(
                "{finding}; {until}. `deploy{options} --version {} --inconclusive proceed` proceeds without them, \
                 `abort{options}` rolls back",
                self.version
            )),
            (_, Cause::NoStatistics { since, .. }) if *since < STATISTICS_GRACE => {
                let grace = STATISTICS_GRACE.as_secs();
                Advance::Wait(format!(
                    "{finding}; --inconclusive decides if they are not within {grace} s"
                ))
            }
            (InconclusivePolicy::Proceed, _) => Advance::Proceed,
            (InconclusivePolicy::RollBack, _) => Advance::RollBack(finding),
        }
    }

    /// `the analysis of green 2 at 10% is inconclusive: it had 3 requests, fewer than 20`.
    pub(crate) fn finding(&self, options: AnalysisOptions) -> String {
        match self.cause {
            Cause::Requests(_) => format!("the analysis of {self}, fewer than {}", options.min_requests),
            Cause::NoStatistics { .. } => format!("the analysis of {self}"),
        }
    }
}

impl fmt::Display for InconclusiveStep {
    /// `green 2 at 10% is inconclusive: it had 3 requests`, `green 2 with 10% of the requests mirrored is …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            side,
            version,
            share,
            mirror,
            cause,
            command_options: _,
        } = self;
        match mirror {
            Some(mirror) => write!(
                f,
                "{side} {version} with {mirror} of the requests mirrored is inconclusive: "
            )?,
            None => write!(f, "{side} {version} at {share} is inconclusive: ")?,
        }
        match cause {
            Cause::Requests(1) => write!(f, "it had 1 request"),
            Cause::Requests(requests) => write!(f, "it had {requests} requests"),
            Cause::NoStatistics { reason, .. } => write!(f, "its statistics are not available: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(cause: Cause) -> InconclusiveStep {
        InconclusiveStep {
            side: Side::Green,
            version: 2,
            share: Percent::try_from(10).expect("a share"),
            mirror: None,
            cause,
            command_options: " --aws",
        }
    }

    #[test]
    fn policy_decides_after_a_minute_without_statistics() {
        let advance = |seconds, inconclusive| {
            let missing = step(Cause::NoStatistics {
                reason: "no replica has reported".to_owned(),
                since: Duration::from_secs(seconds),
            });
            missing.advance(AnalysisOptions {
                inconclusive,
                ..AnalysisOptions::default()
            })
        };
        let finding = "the analysis of green 2 at 10% is inconclusive: its statistics are not available: no replica has \
                       reported";
        for policy in [InconclusivePolicy::Proceed, InconclusivePolicy::RollBack] {
            let expected = format!("{finding}; --inconclusive decides if they are not within 60 s");
            assert_eq!(advance(59, policy), Advance::Wait(expected));
        }
        assert_eq!(advance(60, InconclusivePolicy::Proceed), Advance::Proceed);
        assert_eq!(
            advance(60, InconclusivePolicy::RollBack),
            Advance::RollBack(finding.to_owned())
        );
        for seconds in [0, 600] {
            let Advance::Wait(reason) = advance(seconds, InconclusivePolicy::Wait) else {
                panic!("the default waits");
            };
            assert!(
                reason.starts_with(finding) && reason.contains("`abort --aws`"),
                "{reason}"
            );
        }
    }

    #[test]
    fn policy_decides_what_follows_a_step_with_too_few_requests() {
        let step = step(Cause::Requests(3));
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
            reason.contains("`deploy --aws --version 2 --inconclusive proceed`") && reason.contains("`abort --aws`"),
            "{reason}"
        );
    }
}
