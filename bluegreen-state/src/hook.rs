//! Hooks: the lifecycle stages at which they run, their results, and the hook that is running.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::phase::Phase;
use crate::timestamp::Timestamp;

/// How long after [`HookStatus::InProgress`] a hook is called again by default: the interval of ECS (Amazon ECS developer
/// guide, "Lambda hooks for Amazon ECS service deployments", 2026-11-30).
pub const DEFAULT_CALLBACK_DELAY: Duration = Duration::from_secs(30);

/// A lifecycle stage at which a hook can run, with the name that ECS gives it (Amazon ECS API reference,
/// `DeploymentLifecycleHook`, 2026-11-30). A rollout proceeds from the stage once its hook has succeeded, and is rolled
/// back if the hook fails.
///
/// A rollback runs no hook, unlike one of ECS: it must not depend on one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum HookStage {
    /// The side to update has no traffic any more. Only if it had traffic before.
    #[serde(rename = "RECONCILE_SERVICE")]
    ReconcileService,
    /// Before the side is updated. Not if the side runs the version already.
    #[serde(rename = "PRE_SCALE_UP")]
    PreScaleUp,
    /// The side is ready, and no traffic has shifted.
    #[serde(rename = "POST_SCALE_UP")]
    PostScaleUp,
    /// The side has the test traffic. Requires [test traffic](crate::Strategy::with_test_traffic).
    #[serde(rename = "TEST_TRAFFIC_SHIFT")]
    TestTrafficShift,
    /// After the shift of the test traffic, during its pause. Requires [test traffic](crate::Strategy::with_test_traffic).
    #[serde(rename = "POST_TEST_TRAFFIC_SHIFT")]
    PostTestTrafficShift,
    /// The router has the weights of a step. At every step.
    #[serde(rename = "PRODUCTION_TRAFFIC_SHIFT")]
    ProductionTrafficShift,
    /// After the shift of a step, during its pause. At every step.
    #[serde(rename = "POST_PRODUCTION_TRAFFIC_SHIFT")]
    PostProductionTrafficShift,
}

/// The text is not a stage at which a hook can run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a stage at which a hook can run: expected {stages}",
    stages = HookStage::ALL.map(HookStage::as_str).join(", ")
)]
pub struct ParseHookStageError(String);

impl HookStage {
    /// All stages, in the order of a rollout.
    const ALL: [Self; 7] = [
        Self::ReconcileService,
        Self::PreScaleUp,
        Self::PostScaleUp,
        Self::TestTrafficShift,
        Self::PostTestTrafficShift,
        Self::ProductionTrafficShift,
        Self::PostProductionTrafficShift,
    ];

    /// All stages, in the order of a rollout.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &Self::ALL
    }

    /// The ECS name of the stage, as in documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReconcileService => "RECONCILE_SERVICE",
            Self::PreScaleUp => "PRE_SCALE_UP",
            Self::PostScaleUp => "POST_SCALE_UP",
            Self::TestTrafficShift => "TEST_TRAFFIC_SHIFT",
            Self::PostTestTrafficShift => "POST_TEST_TRAFFIC_SHIFT",
            Self::ProductionTrafficShift => "PRODUCTION_TRAFFIC_SHIFT",
            Self::PostProductionTrafficShift => "POST_PRODUCTION_TRAFFIC_SHIFT",
        }
    }

    /// Whether the stage exists only with test traffic.
    #[must_use]
    pub fn needs_test_traffic(self) -> bool {
        matches!(self, Self::TestTrafficShift | Self::PostTestTrafficShift)
    }

    /// The stage whose hook runs in a phase.
    pub(crate) fn of_phase<V>(phase: &Phase<V>) -> Option<Self> {
        match phase {
            Phase::Reconcile { .. } => Some(Self::ReconcileService),
            Phase::PreScaleUp { .. } => Some(Self::PreScaleUp),
            Phase::PostScaleUp => Some(Self::PostScaleUp),
            Phase::TestShift { .. } => Some(Self::TestTrafficShift),
            Phase::PostTestShift { .. } => Some(Self::PostTestTrafficShift),
            Phase::Shift { .. } => Some(Self::ProductionTrafficShift),
            Phase::PostShift { .. } => Some(Self::PostProductionTrafficShift),
            Phase::ScaleUp { .. } | Phase::Bake { .. } | Phase::CleanUp | Phase::RollBack { .. } => None,
        }
    }
}

impl fmt::Display for HookStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for HookStage {
    type Err = ParseHookStageError;

    fn from_str(text: &str) -> Result<Self, ParseHookStageError> {
        let found = Self::ALL.into_iter().find(|stage| stage.as_str() == text);
        found.ok_or_else(|| ParseHookStageError(text.to_owned()))
    }
}

/// The result of a call of a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookStatus {
    /// The rollout proceeds.
    Succeeded,
    /// The hook needs more time, and is called again.
    InProgress {
        /// How long after this result.
        call_after: Duration,
    },
    /// The rollout is rolled back: the finding, for people.
    Failed(String),
}

/// The hook of a rollout that is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunningHook {
    pub(crate) stage: HookStage,
    pub(crate) began: Timestamp,
    pub(crate) until: Timestamp,
    /// When it is called again; absent while it is called.
    #[serde(rename = "callAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) call_at: Option<Timestamp>,
}

impl RunningHook {
    /// The stage.
    #[must_use]
    pub fn stage(&self) -> HookStage {
        self.stage
    }

    /// When it was called for the first time at this stage, and step of the strategy.
    #[must_use]
    pub fn began_at(&self) -> Timestamp {
        self.began
    }

    /// When it times out and the rollout is rolled back: the [stage timeout](crate::Strategy::stage_timeout) after it began.
    #[must_use]
    pub fn times_out_at(&self) -> Timestamp {
        self.until
    }

    /// When it is called again, after [`HookStatus::InProgress`]; `None` while it is being called.
    #[must_use]
    pub fn next_call_at(&self) -> Option<Timestamp> {
        self.call_at
    }

    /// When something follows without a result.
    pub(crate) fn next_tick_at(&self) -> Timestamp {
        self.call_at.map_or(self.until, |at| at.min(self.until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_parsed_by_their_ecs_names() {
        for stage in HookStage::all() {
            assert_eq!(stage.as_str().parse(), Ok(*stage));
            let json = serde_json::to_string(stage).unwrap();
            assert_eq!(json, format!("\"{stage}\""));
        }
        let error = "BAKE_TIME".parse::<HookStage>().unwrap_err().to_string();
        assert!(
            error.starts_with(
                "`BAKE_TIME` is not a stage at which a hook can run: expected RECONCILE_SERVICE, PRE_SCALE_UP"
            ),
            "{error}"
        );
    }
}
