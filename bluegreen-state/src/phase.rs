//! A rollout under way, and how far it is: each phase with what is known in it and nowhere else.

use serde::{Deserialize, Serialize};

use crate::outcome::Reason;
use crate::side::{Percent, Side, Weights};
use crate::strategy::Strategy;
use crate::timestamp::Timestamp;

/// A rollout that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rollout<V> {
    pub(crate) strategy: Strategy,
    /// Who does what the rollout needs.
    pub(crate) driver: String,
    /// Counts the drivers, so that whoever is followed by a namesake notices.
    pub(crate) turn: u64,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) held: bool,
    /// True if this is the way back from a rollout that had ended well.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) returning: bool,
    /// The last request before this rollout.
    pub(crate) after: u64,
    pub(crate) back: Back,
    pub(crate) phase: Phase<V>,
}

// `&bool` is what serde passes.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl<V> Rollout<V> {
    /// How fast traffic moves.
    #[must_use]
    pub fn strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// Who does what the rollout needs, by the name they gave.
    #[must_use]
    pub fn driver(&self) -> &str {
        &self.driver
    }

    /// True if somebody said to [hold](crate::Event::Hold): it goes on to the next place where it can wait, and waits.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// The weights of a step, counted from 0, that moves traffic to `target`.
    pub(crate) fn weights_at(&self, step: usize, target: Side) -> Weights {
        let steps = self.strategy.to_steps();
        let share = steps.get(step).map_or(Percent::ALL, |step| step.share);
        Weights::giving(target, share)
    }

    /// How far it is.
    #[must_use]
    pub fn phase(&self) -> &Phase<V> {
        &self.phase
    }
}

/// What a rollback goes back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Back {
    #[serde(rename = "nextUpdate")]
    pub(crate) target: Side,
    pub(crate) weights: Weights,
}

impl Back {
    /// To one side, with everything.
    pub(crate) fn to(side: Side) -> Self {
        Self {
            target: side,
            weights: Weights::all(side),
        }
    }
}

/// Where a rollout is. The words are those of ECS: of its lifecycle stages, and one of its deployment's status
/// (Amazon ECS API reference, `ServiceDeployment`, 2026-11-23). What ECS calls `CLEAN_UP` has nothing to do here,
/// since the older version stays where it is, ready to be returned to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Phase<V> {
    /// The side to be updated still gets traffic, which is being taken away from it.
    #[serde(rename = "RECONCILE_SERVICE")]
    Reconcile {
        /// What the side carries until it is updated.
        replaced: V,
        /// When it has taken too long.
        until: Timestamp,
    },
    /// Held before anything is updated.
    #[serde(rename = "PRE_SCALE_UP")]
    PreScaleUp {
        /// What the side carries until it is updated.
        replaced: V,
    },
    /// The side gets its new version, or is asked whether the version it has is still well; no traffic has moved
    /// there yet.
    #[serde(rename = "SCALE_UP")]
    ScaleUp {
        /// When it has taken too long.
        until: Timestamp,
    },
    /// Held before any traffic moves.
    #[serde(rename = "POST_SCALE_UP")]
    PostScaleUp {},
    /// The router was asked to take a step.
    #[serde(rename = "PRODUCTION_TRAFFIC_SHIFT")]
    Shift {
        /// Which step of the strategy, from 0.
        step: usize,
        /// When it has taken too long.
        until: Timestamp,
    },
    /// The router has taken a step, which stays for a while.
    #[serde(rename = "POST_PRODUCTION_TRAFFIC_SHIFT")]
    PostShift {
        /// Which step of the strategy, from 0.
        step: usize,
        /// When the next one follows; `None` if somebody has to say so.
        until: Option<Timestamp>,
    },
    /// The router has taken the last step, and the version is still being watched.
    #[serde(rename = "BAKE_TIME")]
    Bake {
        /// When it has been watched for long enough.
        until: Timestamp,
    },
    /// The router was asked to go back.
    #[serde(rename = "ROLLBACK_IN_PROGRESS")]
    RollBack {
        /// The version that is given up.
        version: V,
        /// Why.
        reason: Reason,
    },
}

impl<V> Phase<V> {
    /// The word for it, as documents spell it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Reconcile { .. } => "RECONCILE_SERVICE",
            Self::PreScaleUp { .. } => "PRE_SCALE_UP",
            Self::ScaleUp { .. } => "SCALE_UP",
            Self::PostScaleUp {} => "POST_SCALE_UP",
            Self::Shift { .. } => "PRODUCTION_TRAFFIC_SHIFT",
            Self::PostShift { .. } => "POST_PRODUCTION_TRAFFIC_SHIFT",
            Self::Bake { .. } => "BAKE_TIME",
            Self::RollBack { .. } => "ROLLBACK_IN_PROGRESS",
        }
    }
}
