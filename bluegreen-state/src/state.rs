//! State of a deployment: the version of each side, the weights, and the rollout in progress.

use std::fmt;

use crate::outcome::Outcome;
use crate::phase::{Phase, Rollout};
use crate::side::{Percent, Side, Weights};

/// The complete state. Created by [`State::initial`] or read by [`State::from_json`], changed only by
/// [`step`](crate::step).
///
/// `V` is the version type of the deploy tool: a number, a tag, an image digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State<V> {
    pub(crate) target: Side,
    pub(crate) blue: V,
    pub(crate) green: V,
    pub(crate) weights: Weights,
    /// Number of the last request.
    pub(crate) request: u64,
    /// The side with an update that was started and not completed: what it runs is unknown.
    pub(crate) dirty_side: Option<Side>,
    pub(crate) rollout: Option<Rollout<V>>,
    pub(crate) last: Option<Outcome<V>>,
}

impl<V> State<V> {
    /// The state after the first deployment: both sides run the same version and get half of the traffic each. The
    /// next deployment goes to green.
    #[must_use]
    pub fn initial(version: V) -> Self
    where
        V: Clone,
    {
        Self::from_versions(Side::Blue, version.clone(), version)
    }

    /// A state with only the versions of both sides.
    pub(crate) fn from_versions(target: Side, next: V, current: V) -> Self {
        let (blue, green) = match target {
            Side::Blue => (next, current),
            Side::Green => (current, next),
        };
        Self {
            target,
            blue,
            green,
            weights: Weights::EVEN,
            request: 0,
            dirty_side: None,
            rollout: None,
            last: None,
        }
    }

    /// The version that `side` runs, or is being updated to.
    #[must_use]
    pub fn version(&self, side: Side) -> &V {
        match side {
            Side::Blue => &self.blue,
            Side::Green => &self.green,
        }
    }

    pub(crate) fn version_mut(&mut self, side: Side) -> &mut V {
        match side {
            Side::Blue => &mut self.blue,
            Side::Green => &mut self.green,
        }
    }

    /// The side of the last deployed version: `nextUpdate` in the document.
    #[must_use]
    pub fn target(&self) -> Side {
        self.target
    }

    /// The side that serves: the one with more traffic, or [`target`](Self::target) if both have the same. The next
    /// new version goes to the other side.
    #[must_use]
    pub fn serving(&self) -> Side {
        self.weights.majority().unwrap_or(self.target)
    }

    /// The side with an update that was started and not completed: it may run its version, the previous one, or both.
    /// It has no traffic, and the next deployment updates it, whatever the version.
    #[must_use]
    pub fn dirty_side(&self) -> Option<Side> {
        self.dirty_side
    }

    /// The weights requested last. A rollout waits until the router has them.
    #[must_use]
    pub fn weights(&self) -> Weights {
        self.weights
    }

    /// The side with the test traffic: the one that is rolled out, from the shift of the test traffic until the rollout has
    /// ended. `None` if test traffic has the route of production traffic.
    #[must_use]
    pub fn test_side(&self) -> Option<Side> {
        let rollout = self.rollout.as_ref()?;
        rollout.strategy.test_traffic()?;
        match rollout.phase {
            Phase::TestShift { .. }
            | Phase::PostTestShift { .. }
            | Phase::Shift { .. }
            | Phase::PostShift { .. }
            | Phase::Bake { .. } => Some(self.target),
            Phase::Reconcile { .. }
            | Phase::PreScaleUp { .. }
            | Phase::ScaleUp { .. }
            | Phase::PostScaleUp
            | Phase::CleanUp
            | Phase::RollBack { .. } => None,
        }
    }

    /// The side to which production requests are mirrored, and their share; `None` if none are.
    #[must_use]
    pub fn mirror(&self) -> Option<(Side, Percent)> {
        let rollout = self.rollout.as_ref()?;
        let is_test_stage = matches!(rollout.phase, Phase::TestShift { .. } | Phase::PostTestShift { .. });
        let share = rollout.strategy.mirror();
        (is_test_stage && share > Percent::NONE).then_some((self.target, share))
    }

    /// The share of the last deployed version, if it stays at less than all of the traffic beside another version: after
    /// a strategy such as `fixed:50%`. `None` during a rollout. [`Event::Promote`](crate::Event::Promote) gives the version
    /// all of the traffic.
    #[must_use]
    pub fn partial_share(&self) -> Option<Percent>
    where
        V: PartialEq,
    {
        let share = self.weights.share(self.target);
        let stays = self.rollout.is_none() && share > Percent::NONE && share < Percent::ALL;
        (stays && self.blue != self.green).then_some(share)
    }

    /// The number of the last request, 0 before the first.
    #[must_use]
    pub fn last_request(&self) -> u64 {
        self.request
    }

    /// The rollout in progress.
    #[must_use]
    pub fn rollout(&self) -> Option<&Rollout<V>> {
        self.rollout.as_ref()
    }

    /// The version that the outcome of the rollout in progress will name; without a rollout, that of the last deployed
    /// version. A rollback to the previous version names the version that it withdraws.
    #[must_use]
    pub fn rollout_version(&self) -> &V {
        match &self.rollout {
            Some(Rollout {
                is_revert: true, phase, ..
            }) => match phase {
                // The side that served before is the target again.
                Phase::RollBack { .. } => self.version(self.target),
                _ => self.version(self.target.other()),
            },
            Some(Rollout {
                phase: Phase::RollBack { version, .. },
                ..
            }) => version,
            _ => self.version(self.target),
        }
    }

    /// The outcome of the last rollout.
    #[must_use]
    pub fn last_outcome(&self) -> Option<&Outcome<V>> {
        self.last.as_ref()
    }
}

impl<V: fmt::Display> fmt::Display for State<V> {
    /// One line, for progress and status: `blue 1 at 90%, green 2 at 10%, POST_PRODUCTION_TRAFFIC_SHIFT`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (side, comma) in Side::BOTH.into_iter().zip(["", ", "]) {
            write!(
                f,
                "{comma}{side} {} at {}",
                self.version(side),
                self.weights.share(side)
            )?;
        }
        match (&self.rollout, &self.last) {
            (Some(rollout), _) => {
                let paused = if rollout.paused { " (paused)" } else { "" };
                write!(f, ", {}{paused}", rollout.phase.as_str())
            }
            (None, Some(last)) => {
                write!(f, ", {} {}", last.version, last.status.as_str())?;
                last.status.reason().map_or(Ok(()), |reason| write!(f, ": {reason}"))
            }
            (None, None) => Ok(()),
        }
    }
}
