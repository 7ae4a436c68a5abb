//! Rollout strategies: lists of traffic shares with pauses between them, and named presets.

mod text;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::hook::HookStage;
use crate::side::Percent;

pub use text::ParseStrategyError;

/// The default of [`Strategy::stage_timeout`]: the limit that ECS sets for a stage (Amazon ECS developer guide,
/// "Lifecycle stages for Amazon ECS blue/green service deployments", 2026-11-23).
pub const DEFAULT_STAGE_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// The pause after a step, before the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// No pause: the next step follows as soon as the router has the weights.
    None,
    /// A pause of this length after the router has the weights.
    For(Duration),
    /// A pause until [`Event::Continue`](crate::Event::Continue), without a time limit.
    Manual,
}

/// One step of a strategy: a share of the traffic and the pause after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The new version's share of the traffic.
    pub share: Percent,
    /// The pause before the next step.
    pub pause: Pause,
}

/// How traffic shifts from one version to the other: at least one step. The weights of the last one remain.
///
/// The text form, in documents and on command lines:
///
/// | text | meaning |
/// |---|---|
/// | `all-at-once` | 100 % in one step |
/// | `fixed:50%` | 50 %, until another deployment or [`Event::Promote`](crate::Event::Promote); the previous version keeps the remainder |
/// | `canary:10%,30s` | 10 %, 30 seconds later 100 % |
/// | `linear:20%,10s` | 20 %, 40 %, … 100 %, ten seconds apart |
/// | `steps:5%+hold,25%+10m,100%` | 5 % until [`Event::Continue`](crate::Event::Continue); 25 % for ten minutes; 100 % |
///
/// Each may be followed by these options. Times are whole numbers of `ms`, `s`, `m` or `h`.
///
/// | option | meaning | default |
/// |---|---|---|
/// | `,bake:5m` | [bake time](Self::with_bake_time) | none |
/// | `,within:10m` | [stage timeout](Self::with_stage_timeout) | a day |
/// | `,test:2m`, `,test:hold` | [test traffic](Self::with_test_traffic), and the pause before production traffic shifts | no test traffic |
/// | `,mirror:10%` | [mirroring](Self::with_mirror) while there is only test traffic; requires `test` | none |
/// | `,hooks:POST_SCALE_UP+PRODUCTION_TRAFFIC_SHIFT` | [stages with a hook](Self::with_hooks) | none |
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
#[serde(try_from = "text::Stored", into = "String")]
pub struct Strategy {
    shape: Shape,
    bake_time: Duration,
    stage_timeout: Duration,
    /// The pause after the shift of the test traffic, never [`Pause::None`].
    test: Option<Pause>,
    /// Not 0 only with test traffic.
    mirror: Percent,
    hooks: BTreeSet<HookStage>,
}

/// The strategy as it was specified, so that its text form stays the same.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    AllAtOnce,
    Fixed(Percent),
    Canary { first: Percent, wait: Duration },
    Linear { each: Percent, interval: Duration },
    Steps(Vec<Step>),
}

/// Why a list of steps is not a strategy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStrategy {
    /// The list is empty.
    #[error("a strategy needs at least one step")]
    NoStep,
    /// The new version would end up without traffic.
    #[error("the last step gives the new version 0%: use 1% to 100%")]
    NoFinalTraffic,
    /// A step gives the new version less traffic than the step before it.
    #[error("the steps fall from {from} to {to}: use steps that rise, and abort to take traffic back")]
    Falling {
        /// The share of the earlier step.
        from: Percent,
        /// The share of the later step.
        to: Percent,
    },
    /// The steps end below 100 %.
    #[error(
        "the last step gives the new version {last}, and steps end at 100%: add 100%, or use fixed:{last} to stay at {last}"
    )]
    Partial {
        /// The share of the last step.
        last: Percent,
    },
    /// A linear strategy with an increment of 0 %.
    #[error("a linear strategy with an increment of 0% never ends: use 1% to 100%")]
    NoProgress,
    /// Mirroring without test traffic.
    #[error("mirroring needs test traffic, which lasts as long: add test:2m, for example")]
    MirrorWithoutTest,
    /// A hook at a stage that exists only with test traffic.
    #[error("a hook at {stage} needs test traffic, which this rollout does not have")]
    NoTestTraffic {
        /// The stage.
        stage: HookStage,
    },
}

impl Strategy {
    /// 100 % in one step.
    #[must_use]
    pub fn all_at_once() -> Self {
        Self::from_shape(Shape::AllAtOnce)
    }

    /// This share permanently: both versions keep serving.
    ///
    /// # Errors
    ///
    /// [`InvalidStrategy::NoFinalTraffic`] if the share is 0 %.
    pub fn fixed(share: Percent) -> Result<Self, InvalidStrategy> {
        if share == Percent::NONE {
            return Err(InvalidStrategy::NoFinalTraffic);
        }
        Ok(Self::from_shape(Shape::Fixed(share)))
    }

    /// `first` for the duration `wait`, then 100 %.
    #[must_use]
    pub fn canary(first: Percent, wait: Duration) -> Self {
        let wait = whole_millis(wait);
        Self::from_shape(Shape::Canary { first, wait })
    }

    /// Increments of `each`, `interval` apart; the last step adds the remainder to 100 %.
    ///
    /// # Errors
    ///
    /// [`InvalidStrategy::NoProgress`] if `each` is 0 %.
    pub fn linear(each: Percent, interval: Duration) -> Result<Self, InvalidStrategy> {
        if each == Percent::NONE {
            return Err(InvalidStrategy::NoProgress);
        }
        let interval = whole_millis(interval);
        Ok(Self::from_shape(Shape::Linear { each, interval }))
    }

    /// Custom steps, in this order. Shares do not fall, and the last one is 100 %.
    ///
    /// # Errors
    ///
    /// [`InvalidStrategy::NoStep`], [`InvalidStrategy::NoFinalTraffic`], [`InvalidStrategy::Falling`] and
    /// [`InvalidStrategy::Partial`].
    pub fn steps(steps: impl IntoIterator<Item = Step>) -> Result<Self, InvalidStrategy> {
        let strategy = Self::any_steps(steps)?;
        let steps = strategy.to_steps();
        let fall = steps
            .iter()
            .zip(&steps[1..])
            .find(|(step, next)| next.share < step.share);
        if let Some((from, to)) = fall {
            return Err(InvalidStrategy::Falling {
                from: from.share,
                to: to.share,
            });
        }
        match strategy.final_share() {
            Percent::ALL => Ok(strategy),
            last => Err(InvalidStrategy::Partial { last }),
        }
    }

    /// Custom steps, which may fall or end below 100 %: a document may hold a rollout that began with such steps.
    fn any_steps(steps: impl IntoIterator<Item = Step>) -> Result<Self, InvalidStrategy> {
        let mut steps: Vec<Step> = steps.into_iter().collect();
        for step in &mut steps {
            if let Pause::For(time) = &mut step.pause {
                *time = whole_millis(*time);
            }
        }
        match steps.last() {
            None => Err(InvalidStrategy::NoStep),
            Some(last) if last.share == Percent::NONE => Err(InvalidStrategy::NoFinalTraffic),
            Some(_) => Ok(Self::from_shape(Shape::Steps(steps))),
        }
    }

    /// Observes the new version for `time` after the last step, before the rollout is successful.
    #[must_use]
    pub fn with_bake_time(self, time: Duration) -> Self {
        Self {
            bake_time: whole_millis(time),
            ..self
        }
    }

    /// Rolls back if a side does not become ready, the router does not have the weights, or a hook does not succeed, within
    /// `limit`. Pauses, bake time and rollbacks have no limit.
    #[must_use]
    pub fn with_stage_timeout(self, limit: Duration) -> Self {
        Self {
            stage_timeout: whole_millis(limit),
            ..self
        }
    }

    /// Shifts test traffic to the new version before any production traffic, and pauses after that. The version keeps the
    /// test traffic until the rollout has ended. Default: no test traffic.
    #[must_use]
    pub fn with_test_traffic(self, pause: Pause) -> Self {
        let pause = match pause {
            Pause::None => Pause::For(Duration::ZERO),
            Pause::For(time) => Pause::For(whole_millis(time)),
            Pause::Manual => Pause::Manual,
        };
        Self {
            test: Some(pause),
            ..self
        }
    }

    /// Mirrors this share of the production requests to the new version while it has only test traffic: from
    /// TEST_TRAFFIC_SHIFT until production traffic shifts. Their responses are ignored. Default: 0 %.
    ///
    /// # Errors
    ///
    /// [`InvalidStrategy::MirrorWithoutTest`] without [test traffic](Self::with_test_traffic).
    pub fn with_mirror(self, share: Percent) -> Result<Self, InvalidStrategy> {
        match share > Percent::NONE && self.test.is_none() {
            true => Err(InvalidStrategy::MirrorWithoutTest),
            false => Ok(Self { mirror: share, ..self }),
        }
    }

    /// The share of the production requests that is mirrored while there is only test traffic. Default: 0 %.
    #[must_use]
    pub fn mirror(&self) -> Percent {
        self.mirror
    }

    /// Runs a hook at each of these stages, instead of those set before. Default: none.
    ///
    /// # Errors
    ///
    /// [`InvalidStrategy::NoTestTraffic`] for a stage that needs [test traffic](Self::with_test_traffic), without it.
    pub fn with_hooks(self, stages: impl IntoIterator<Item = HookStage>) -> Result<Self, InvalidStrategy> {
        let hooks: BTreeSet<HookStage> = stages.into_iter().collect();
        let without = hooks.iter().find(|stage| stage.needs_test_traffic());
        match without.filter(|_| self.test.is_none()) {
            Some(stage) => Err(InvalidStrategy::NoTestTraffic { stage: *stage }),
            None => Ok(Self { hooks, ..self }),
        }
    }

    /// The pause after the shift of the test traffic; `None` without test traffic.
    #[must_use]
    pub fn test_traffic(&self) -> Option<Pause> {
        self.test
    }

    /// The stages with a hook, in the order of a rollout.
    #[must_use]
    pub fn hooks(&self) -> &BTreeSet<HookStage> {
        &self.hooks
    }

    /// How long the new version is observed after the last step. Default: zero.
    #[must_use]
    pub fn bake_time(&self) -> Duration {
        self.bake_time
    }

    /// How long a side may take to become ready, the router to apply weights, or a hook to succeed. Default: [`DEFAULT_STAGE_TIMEOUT`].
    #[must_use]
    pub fn stage_timeout(&self) -> Duration {
        self.stage_timeout
    }

    /// The steps, at least one.
    #[must_use]
    pub fn to_steps(&self) -> Vec<Step> {
        let step = |share, pause| Step { share, pause };
        match &self.shape {
            Shape::AllAtOnce => vec![step(Percent::ALL, Pause::None)],
            Shape::Fixed(share) => vec![step(*share, Pause::None)],
            Shape::Canary { first, wait } => {
                vec![step(*first, Pause::For(*wait)), step(Percent::ALL, Pause::None)]
            }
            Shape::Linear { each, interval } => (each.get()..100)
                .step_by(usize::from(each.get()))
                .filter_map(|share| Percent::try_from(share).ok())
                .map(|share| step(share, Pause::For(*interval)))
                .chain([step(Percent::ALL, Pause::None)])
                .collect(),
            Shape::Steps(steps) => steps.clone(),
        }
    }

    /// The new version's share of the traffic after the last step.
    #[must_use]
    pub fn final_share(&self) -> Percent {
        match &self.shape {
            Shape::Fixed(share) => *share,
            Shape::Steps(steps) => steps.last().map_or(Percent::ALL, |step| step.share),
            Shape::AllAtOnce | Shape::Canary { .. } | Shape::Linear { .. } => Percent::ALL,
        }
    }

    /// The index of the first step that does not take traffic from a version that has `share`.
    pub(crate) fn first_step_from(&self, share: Percent) -> usize {
        let steps = self.to_steps();
        let first = steps.iter().position(|step| step.share >= share);
        first.unwrap_or(steps.len() - 1)
    }

    /// The same options, with a single step to 100 %.
    pub(crate) fn promoted(&self) -> Self {
        Self {
            shape: Shape::AllAtOnce,
            ..self.clone()
        }
    }

    fn from_shape(shape: Shape) -> Self {
        Self {
            shape,
            bake_time: Duration::ZERO,
            stage_timeout: DEFAULT_STAGE_TIMEOUT,
            test: None,
            mirror: Percent::NONE,
            hooks: BTreeSet::new(),
        }
    }
}

/// Truncates to whole milliseconds, the precision of the text form.
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
    fn presets_expand_to_steps() {
        assert_eq!(shares("all-at-once"), [100]);
        assert_eq!(shares("fixed:50"), [50]);
        assert_eq!(shares("canary:10%,30s"), [10, 100]);
        assert_eq!(shares("linear:20%,10s"), [20, 40, 60, 80, 100]);
        assert_eq!(shares("linear:40%,10s"), [40, 80, 100]);
        assert_eq!(shares("linear:100%,10s"), [100]);
        assert_eq!(shares("linear:1%,10s").len(), 100);
        assert_eq!(shares("steps:5%,5%,30%,100%"), [5, 5, 30, 100]);
    }

    #[test]
    fn linear_strategy_has_no_pause_after_100_percent() {
        let steps = "linear:50%,10s".parse::<Strategy>().unwrap().to_steps();
        assert_eq!(steps[0].pause, Pause::For(Duration::from_secs(10)));
        assert_eq!(steps[1].pause, Pause::None);
    }

    #[test]
    fn strategies_without_final_traffic_or_progress_are_rejected() {
        assert_eq!(Strategy::steps([]), Err(InvalidStrategy::NoStep));
        assert_eq!(Strategy::fixed(Percent::NONE), Err(InvalidStrategy::NoFinalTraffic));
        let no_traffic = Step {
            share: Percent::NONE,
            pause: Pause::Manual,
        };
        assert_eq!(Strategy::steps([no_traffic]), Err(InvalidStrategy::NoFinalTraffic));
        assert_eq!(
            Strategy::linear(Percent::NONE, Duration::ZERO),
            Err(InvalidStrategy::NoProgress)
        );
    }

    #[test]
    fn steps_that_fall_or_end_below_all_traffic_are_rejected() {
        let invalid = |text: &str| text.parse::<Strategy>().unwrap_err().to_string();
        let falling = invalid("steps:50%,20%,100%");
        assert!(falling.contains("the steps fall from 50% to 20%"), "{falling}");
        let partial = invalid("steps:5%+1m,50%");
        assert!(partial.contains("use fixed:50% to stay at 50%"), "{partial}");
    }

    #[test]
    fn stored_strategies_of_earlier_versions_are_read() {
        for text in ["\"steps:50%,20%,100%\"", "\"steps:5%,50%\""] {
            let strategy: Strategy = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&strategy).unwrap(), text);
        }
    }

    #[test]
    fn first_step_keeps_the_traffic_that_a_version_has() {
        let first = |text: &str, share| {
            let strategy: Strategy = text.parse().unwrap();
            strategy.first_step_from(Percent::try_from(share).unwrap())
        };
        assert_eq!(first("steps:0%+hold,100%", 0), 0);
        assert_eq!(first("canary:10%,30s", 50), 1);
        assert_eq!(first("linear:25%,1s", 50), 1);
        assert_eq!(first("linear:25%,1s", 51), 2);
    }
}
