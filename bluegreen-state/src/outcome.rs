//! How rollouts end, and why they are taken back.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::timestamp::Timestamp;

/// Why a rollout was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// A check failed, or the version never became well: what the check said.
    CheckFailed(String),
    /// Somebody took longer than the [stage limit](crate::Strategy::stage_limit): in which phase.
    TookTooLong(String),
    /// Somebody said to abort.
    Aborted,
    /// Somebody said to roll back.
    RollbackRequested,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CheckFailed(what) => write!(f, "a check failed: {what}"),
            Self::TookTooLong(phase) => write!(f, "{phase} took too long"),
            Self::Aborted => f.write_str("it was aborted"),
            Self::RollbackRequested => f.write_str("a rollback was requested"),
        }
    }
}

/// How a rollout ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome<V> {
    /// The version that was deployed, or from which a return was tried.
    pub version: V,
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub ended: Ended,
}

/// The ways a rollout can end, by the words of ECS for the status of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Ended {
    /// The version was deployed.
    #[serde(rename = "SUCCESSFUL")]
    Successful {},
    /// The version was given up, and the one before it serves.
    #[serde(rename = "ROLLBACK_SUCCESSFUL")]
    RolledBack {
        /// Why.
        reason: Reason,
    },
    /// The version was to be given up, but the one before it is not well: so the version goes on serving.
    #[serde(rename = "ROLLBACK_FAILED")]
    RollbackFailed {
        /// What is wrong with the one before it.
        reason: Reason,
    },
}

impl Ended {
    /// The word for it, as documents spell it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Successful {} => "SUCCESSFUL",
            Self::RolledBack { .. } => "ROLLBACK_SUCCESSFUL",
            Self::RollbackFailed { .. } => "ROLLBACK_FAILED",
        }
    }

    /// Why, if it did not go well.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Successful {} => None,
            Self::RolledBack { reason } | Self::RollbackFailed { reason } => Some(reason),
        }
    }
}
