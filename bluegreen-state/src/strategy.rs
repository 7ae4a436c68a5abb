//! How fast the traffic moves: any list of shares with waits between them, and the usual ones by name.

mod text;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::side::Percent;

pub use text::ParseError;

/// How long [a part of a rollout that somebody else has to finish](Strategy::stage_limit) may take if nobody says:
/// as long as ECS lets a stage take (Amazon ECS developer guide, "Lifecycle stages for Amazon ECS blue/green
/// service deployments", 2026-11-23).
pub const DEFAULT_STAGE_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// What happens after a step, before the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Nothing: the next step follows as soon as the router has this one.
    None,
    /// The step stays for so long after the router has it.
    For(Duration),
    /// The step stays until somebody says to [continue](crate::Event::Continue), however long that takes.
    ByHand,
}

/// One step: the share that the new version gets, and how long it keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The new version's share of the traffic.
    pub share: Percent,
    /// What happens before the next step.
    pub hold: Hold,
}

/// How the traffic gets from one version to the other: at least one step, and the last of them is how it stays.
///
/// As text, in documents and on command lines:
///
/// | text | means |
/// |---|---|
/// | `all-at-once` | everything in one step |
/// | `fixed:50%` | this share, and it stays so; the older version keeps the rest |
/// | `canary:10%,30s` | 10 %, 30 seconds later everything |
/// | `linear:20%,10s` | 20 %, 40 %, … 100 %, ten seconds apart |
/// | `steps:5%+hold,25%+10m,100%` | 5 %, held until somebody continues; 25 % for ten minutes; everything |
///
/// Each may be followed by `,bake:5m` ([bake time](Self::with_bake_time), none by default) and `,within:10m`
/// ([stage limit](Self::with_stage_limit), a day by default). Times are whole numbers of `ms`, `s`, `m` or `h`.
///
/// ```
/// use std::time::Duration;
/// use bluegreen_state::{Percent, Strategy};
///
/// let strategy: Strategy = "canary:10%,30s,bake:5m".parse()?;
/// let same = Strategy::canary(Percent::try_from(10)?, Duration::from_secs(30)).with_bake_time(Duration::from_secs(300));
/// assert_eq!(strategy, same);
/// assert_eq!(strategy.to_string(), "canary:10%,30s,bake:5m");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Strategy {
    shape: Shape,
    bake_time: Duration,
    stage_limit: Duration,
}

/// What was asked for, kept so that it can be said again in the same words.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    AllAtOnce,
    Fixed(Percent),
    Canary { first: Percent, wait: Duration },
    Linear { each: Percent, interval: Duration },
    Steps(Vec<Step>),
}

/// Why some steps are no strategy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStrategy {
    /// There is no step.
    #[error("a strategy needs at least one step")]
    NoStep,
    /// The new version would end up with nothing.
    #[error("the last step gives the new version 0%: give it some traffic, or do not deploy it")]
    EndsWithNothing,
    /// A linear strategy that never gets anywhere.
    #[error("a linear strategy whose step is 0% never gets anywhere: use 1% to 100%")]
    NoProgress,
}

impl Strategy {
    /// Everything in one step.
    #[must_use]
    pub fn all_at_once() -> Self {
        Self::of(Shape::AllAtOnce)
    }

    /// This share and no more: both versions go on serving.
    ///
    /// # Errors
    ///
    /// [`InvalidStrategy::EndsWithNothing`] if the share is 0 %.
    pub fn fixed(share: Percent) -> Result<Self, InvalidStrategy> {
        if share == Percent::NONE {
            return Err(InvalidStrategy::EndsWithNothing);
        }
        Ok(Self::of(Shape::Fixed(share)))
    }

    /// `first`, and everything once it has had that for `wait`.
    #[must_use]
    pub fn canary(first: Percent, wait: Duration) -> Self {
        let wait = whole_millis(wait);
        Self::of(Shape::Canary { first, wait })
    }

    /// `each` more at a time, `interval` apart; the last step makes up what is left to everything.
    ///
    /// # Errors
    ///
    /// [`InvalidStrategy::NoProgress`] if `each` is 0 %.
    pub fn linear(each: Percent, interval: Duration) -> Result<Self, InvalidStrategy> {
        if each == Percent::NONE {
            return Err(InvalidStrategy::NoProgress);
        }
        let interval = whole_millis(interval);
        Ok(Self::of(Shape::Linear { each, interval }))
    }

    /// These steps, in this order. Shares may also fall from one step to the next.
    ///
    /// # Errors
    ///
    /// [`InvalidStrategy::NoStep`] and [`InvalidStrategy::EndsWithNothing`].
    pub fn steps(steps: impl IntoIterator<Item = Step>) -> Result<Self, InvalidStrategy> {
        let mut steps: Vec<Step> = steps.into_iter().collect();
        for step in &mut steps {
            if let Hold::For(time) = &mut step.hold {
                *time = whole_millis(*time);
            }
        }
        match steps.last() {
            None => Err(InvalidStrategy::NoStep),
            Some(last) if last.share == Percent::NONE => Err(InvalidStrategy::EndsWithNothing),
            Some(_) => Ok(Self::of(Shape::Steps(steps))),
        }
    }

    /// Watches the new version for `time` after the last step before the rollout counts as successful.
    #[must_use]
    pub fn with_bake_time(self, time: Duration) -> Self {
        Self {
            bake_time: whole_millis(time),
            ..self
        }
    }

    /// Rolls back if a part of the rollout that somebody else has to finish (a side getting ready, a router taking
    /// weights) takes longer than `limit`. Holds, bake time and the way back are not limited.
    #[must_use]
    pub fn with_stage_limit(self, limit: Duration) -> Self {
        Self {
            stage_limit: whole_millis(limit),
            ..self
        }
    }

    /// How long the new version is watched after the last step. Default: not at all.
    #[must_use]
    pub fn bake_time(&self) -> Duration {
        self.bake_time
    }

    /// How long somebody else may take. Default: [`DEFAULT_STAGE_LIMIT`].
    #[must_use]
    pub fn stage_limit(&self) -> Duration {
        self.stage_limit
    }

    /// The steps, at least one.
    #[must_use]
    pub fn to_steps(&self) -> Vec<Step> {
        let step = |share, hold| Step { share, hold };
        match &self.shape {
            Shape::AllAtOnce => vec![step(Percent::ALL, Hold::None)],
            Shape::Fixed(share) => vec![step(*share, Hold::None)],
            Shape::Canary { first, wait } => {
                vec![step(*first, Hold::For(*wait)), step(Percent::ALL, Hold::None)]
            }
            Shape::Linear { each, interval } => (each.get()..100)
                .step_by(usize::from(each.get()))
                .filter_map(|share| Percent::try_from(share).ok())
                .map(|share| step(share, Hold::For(*interval)))
                .chain([step(Percent::ALL, Hold::None)])
                .collect(),
            Shape::Steps(steps) => steps.clone(),
        }
    }

    fn of(shape: Shape) -> Self {
        Self {
            shape,
            bake_time: Duration::ZERO,
            stage_limit: DEFAULT_STAGE_LIMIT,
        }
    }
}

/// What can be written down: whole milliseconds, as many as fit.
fn whole_millis(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(strategy: &str) -> Vec<u8> {
        let strategy: Strategy = strategy.parse().unwrap();
        strategy.to_steps().iter().map(|step| step.share.get()).collect()
    }

    #[test]
    fn named_strategies_are_steps() {
        assert_eq!(shares("all-at-once"), [100]);
        assert_eq!(shares("fixed:50"), [50]);
        assert_eq!(shares("canary:10%,30s"), [10, 100]);
        assert_eq!(shares("linear:20%,10s"), [20, 40, 60, 80, 100]);
        assert_eq!(shares("linear:40%,10s"), [40, 80, 100]);
        assert_eq!(shares("linear:100%,10s"), [100]);
        assert_eq!(shares("linear:1%,10s").len(), 100);
        assert_eq!(shares("steps:5%,1%,30%"), [5, 1, 30]);
    }

    #[test]
    fn a_linear_strategy_does_not_wait_after_everything() {
        let steps = "linear:50%,10s".parse::<Strategy>().unwrap().to_steps();
        assert_eq!(steps[0].hold, Hold::For(Duration::from_secs(10)));
        assert_eq!(steps[1].hold, Hold::None);
    }

    #[test]
    fn what_leads_nowhere_is_no_strategy() {
        assert_eq!(Strategy::steps([]), Err(InvalidStrategy::NoStep));
        assert_eq!(Strategy::fixed(Percent::NONE), Err(InvalidStrategy::EndsWithNothing));
        let nothing = Step {
            share: Percent::NONE,
            hold: Hold::ByHand,
        };
        assert_eq!(Strategy::steps([nothing]), Err(InvalidStrategy::EndsWithNothing));
        assert_eq!(
            Strategy::linear(Percent::NONE, Duration::ZERO),
            Err(InvalidStrategy::NoProgress)
        );
    }
}
