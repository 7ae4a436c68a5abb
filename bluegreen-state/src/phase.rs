//! Rollouts in progress and their phases. Data that belongs to one phase is a field of that phase.

use serde::{Deserialize, Serialize};

use crate::document::empty_object;
use crate::hook::{HookStage, RunningHook};
use crate::outcome::Reason;
use crate::side::{Percent, Side, Weights};
use crate::strategy::Strategy;
use crate::timestamp::Timestamp;

/// A rollout in progress.
///
/// The keys of the JSON form keep their original names; see the `rename` attributes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollout<V> {
    pub(crate) strategy: Strategy,
    /// The name of the controller that carries out the rollout.
    #[serde(rename = "driver")]
    pub(crate) controller: String,
    /// Fencing token: incremented by each takeover, so that a second controller with the same name is detected.
    #[serde(rename = "turn")]
    pub(crate) epoch: u64,
    #[serde(rename = "held", default, skip_serializing_if = "is_false")]
    pub(crate) paused: bool,
    /// True if this rollout returns to the version before a successful rollout.
    #[serde(rename = "returning", default, skip_serializing_if = "is_false")]
    pub(crate) is_revert: bool,
    /// The last request before this rollout.
    #[serde(rename = "after")]
    pub(crate) previous_request: u64,
    #[serde(rename = "back")]
    pub(crate) rollback_target: RollbackTarget,
    pub(crate) phase: Phase<V>,
    /// The hook that the phase waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hook: Option<RunningHook>,
    /// Absent in documents of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) times: Option<Times>,
}

/// Times of a rollout, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Times {
    /// When the rollout began.
    pub(crate) began: Timestamp,
    /// When its phase, or the step of its phase, began.
    pub(crate) phase: Timestamp,
    /// When its controller was last known to run.
    pub(crate) seen: Timestamp,
}

impl Times {
    /// All of them `now`.
    pub(crate) fn at(now: Timestamp) -> Self {
        Self {
            began: now,
            phase: now,
            seen: now,
        }
    }
}

// `&bool` is what serde passes.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl<V> Rollout<V> {
    /// How fast traffic shifts.
    #[must_use]
    pub fn strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// The name of the controller that carries out the rollout.
    #[must_use]
    pub fn controller(&self) -> &str {
        &self.controller
    }

    /// True after [`Event::Pause`](crate::Event::Pause): the rollout stops at the next phase that can wait.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// The current phase.
    #[must_use]
    pub fn phase(&self) -> &Phase<V> {
        &self.phase
    }

    /// The hook that the current phase waits for.
    #[must_use]
    pub fn hook(&self) -> Option<&RunningHook> {
        self.hook.as_ref()
    }

    /// A number that identifies the rollout among those of its state. It increases.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.previous_request.saturating_add(1)
    }

    /// When the rollout began. `None` if an earlier version of this crate began it.
    #[must_use]
    pub fn began_at(&self) -> Option<Timestamp> {
        self.times.map(|times| times.began)
    }

    /// When the current phase began, or its step. `None` if an earlier version of this crate began the rollout.
    #[must_use]
    pub fn phase_began_at(&self) -> Option<Timestamp> {
        self.times.map(|times| times.phase)
    }

    /// When the controller was last known to run: its last step or [heartbeat](crate::Event::Heartbeat). `None` if an
    /// earlier version of this crate began the rollout.
    #[must_use]
    pub fn controller_seen_at(&self) -> Option<Timestamp> {
        self.times.map(|times| times.seen)
    }

    /// When the next step follows without a command; `None` if the rollout waits for a request or a command.
    #[must_use]
    pub fn next_step_at(&self) -> Option<Timestamp> {
        match self.phase {
            _ if self.paused || self.hook.is_some() => None,
            Phase::PostTestShift { until } | Phase::PostShift { until, .. } => until,
            Phase::Bake { until } => Some(until),
            _ => None,
        }
    }

    /// When the current phase, or its hook, times out and the rollout is rolled back; `None` without a time limit.
    #[must_use]
    pub fn times_out_at(&self) -> Option<Timestamp> {
        match self.phase {
            _ if let Some(hook) = &self.hook => Some(hook.until),
            Phase::Reconcile { until, .. }
            | Phase::ScaleUp { until }
            | Phase::TestShift { until }
            | Phase::Shift { until, .. } => Some(until),
            _ => None,
        }
    }

    /// Whether it returns to the previous version: it is being rolled back, or it was begun by
    /// [`Event::Rollback`](crate::Event::Rollback). The version that it leaves must not keep serving because of one
    /// silent proxy.
    #[must_use]
    pub fn is_returning(&self) -> bool {
        self.is_rolling_back() || self.is_revert
    }

    /// True while traffic shifts back.
    #[must_use]
    pub fn is_rolling_back(&self) -> bool {
        matches!(self.phase, Phase::RollBack { .. })
    }

    /// True if the rollout waits for [`Event::Continue`](crate::Event::Continue), however long that takes. A hook has to
    /// succeed before.
    #[must_use]
    pub fn is_waiting_for_continue(&self) -> bool {
        match self.phase {
            _ if self.hook.is_some() => false,
            Phase::PreScaleUp { .. }
            | Phase::PostScaleUp
            | Phase::PostTestShift { until: None }
            | Phase::PostShift { until: None, .. } => true,
            Phase::PostTestShift { .. } | Phase::PostShift { .. } | Phase::Bake { .. } => self.paused,
            _ => false,
        }
    }

    /// Whether the strategy has a hook at this stage.
    pub(crate) fn has_hook(&self, stage: HookStage) -> bool {
        self.strategy.hooks().contains(&stage)
    }

    /// The weights of a step, counted from 0, that shifts traffic to `target`.
    pub(crate) fn weights_at(&self, step: usize, target: Side) -> Weights {
        let steps = self.strategy.to_steps();
        let share = steps.get(step).map_or(Percent::ALL, |step| step.share);
        Weights::with_share(target, share)
    }
}

/// The side and weights that a rollback restores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollbackTarget {
    #[serde(rename = "nextUpdate")]
    pub(crate) side: Side,
    pub(crate) weights: Weights,
}

impl RollbackTarget {
    /// All traffic to one side.
    pub(crate) fn all(side: Side) -> Self {
        Self {
            side,
            weights: Weights::all(side),
        }
    }
}

/// The phase of a rollout, named after the lifecycle stages and the deployment status of ECS (Amazon ECS API
/// reference, `ServiceDeployment`, 2026-11-23). `CLEAN_UP` ends only the test traffic: the previous version keeps running,
/// ready for a rollback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub enum Phase<V> {
    /// The side to update still has traffic, which is being moved away.
    #[serde(rename = "RECONCILE_SERVICE")]
    Reconcile {
        /// The version of the side until it is updated.
        replaced: V,
        /// When the phase times out.
        until: Timestamp,
    },
    /// Paused before the update, or a hook runs.
    #[serde(rename = "PRE_SCALE_UP")]
    PreScaleUp {
        /// The version of the side until it is updated.
        replaced: V,
    },
    /// The side gets its new version, or the readiness of its current version is checked. No traffic has shifted yet.
    #[serde(rename = "SCALE_UP")]
    ScaleUp {
        /// When the phase times out.
        until: Timestamp,
    },
    /// Paused before any traffic shifts, or a hook runs.
    #[serde(rename = "POST_SCALE_UP", with = "empty_object")]
    PostScaleUp,
    /// The side is getting the test traffic.
    #[serde(rename = "TEST_TRAFFIC_SHIFT")]
    TestShift {
        /// When the phase times out.
        until: Timestamp,
    },
    /// The side has the test traffic, and no production traffic has shifted yet.
    #[serde(rename = "POST_TEST_TRAFFIC_SHIFT")]
    PostTestShift {
        /// When production traffic shifts; `None` if it waits for [`Event::Continue`](crate::Event::Continue).
        until: Option<Timestamp>,
    },
    /// The weights of a step are being set.
    #[serde(rename = "PRODUCTION_TRAFFIC_SHIFT")]
    Shift {
        /// Index of the strategy's step, from 0.
        step: usize,
        /// When the phase times out.
        until: Timestamp,
    },
    /// The router has the weights of a step and keeps them for a while.
    #[serde(rename = "POST_PRODUCTION_TRAFFIC_SHIFT")]
    PostShift {
        /// Index of the strategy's step, from 0.
        step: usize,
        /// When the next step follows; `None` if it waits for [`Event::Continue`](crate::Event::Continue).
        until: Option<Timestamp>,
    },
    /// The last step is done, and the version is still being observed.
    #[serde(rename = "BAKE_TIME")]
    Bake {
        /// When the bake time ends.
        until: Timestamp,
    },
    /// The version is deployed, and the test traffic is being ended.
    #[serde(rename = "CLEAN_UP", with = "empty_object")]
    CleanUp,
    /// The weights of the rollback are being set.
    #[serde(rename = "ROLLBACK_IN_PROGRESS")]
    RollBack {
        /// The version that is withdrawn.
        version: V,
        /// Why it is withdrawn.
        reason: Reason,
    },
}

impl<V> Phase<V> {
    /// The phase with its step, without the times and versions of it.
    pub(crate) fn position(&self) -> (&'static str, usize) {
        let step = match self {
            Self::Shift { step, .. } | Self::PostShift { step, .. } => *step,
            _ => 0,
        };
        (self.as_str(), step)
    }

    /// The ECS name of the phase, as in documents.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Reconcile { .. } => "RECONCILE_SERVICE",
            Self::PreScaleUp { .. } => "PRE_SCALE_UP",
            Self::ScaleUp { .. } => "SCALE_UP",
            Self::PostScaleUp => "POST_SCALE_UP",
            Self::TestShift { .. } => "TEST_TRAFFIC_SHIFT",
            Self::PostTestShift { .. } => "POST_TEST_TRAFFIC_SHIFT",
            Self::Shift { .. } => "PRODUCTION_TRAFFIC_SHIFT",
            Self::PostShift { .. } => "POST_PRODUCTION_TRAFFIC_SHIFT",
            Self::Bake { .. } => "BAKE_TIME",
            Self::CleanUp => "CLEAN_UP",
            Self::RollBack { .. } => "ROLLBACK_IN_PROGRESS",
        }
    }
}
