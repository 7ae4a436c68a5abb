//! Outcomes of rollouts, and reasons for rollbacks.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::document::empty_object;
use crate::timestamp::Timestamp;

/// Why a rollout was rolled back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Reason {
    /// A check failed, or the version never became ready: what the check found.
    CheckFailed(String),
    /// A phase exceeded the [stage timeout](crate::Strategy::stage_timeout): the name of the phase.
    #[serde(rename = "tookTooLong")]
    TimedOut(String),
    /// An [abort](crate::Event::Abort) was requested.
    Aborted,
    /// A [rollback](crate::Event::Rollback) was requested.
    RollbackRequested,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CheckFailed(finding) => write!(f, "a check failed: {finding}"),
            Self::TimedOut(phase) => write!(f, "{phase} timed out"),
            Self::Aborted => f.write_str("it was aborted"),
            Self::RollbackRequested => f.write_str("a rollback was requested"),
        }
    }
}

/// The result of a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome<V> {
    /// The version that was deployed, or from which a rollback was attempted.
    pub version: V,
    /// When the rollout ended.
    #[serde(rename = "at")]
    pub ended_at: Timestamp,
    /// How it ended.
    #[serde(rename = "ended")]
    pub status: FinalStatus,
}

/// The final status of a rollout, with the names that ECS gives to the status of a service deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum FinalStatus {
    /// The version was deployed.
    #[serde(rename = "SUCCESSFUL", with = "empty_object")]
    Successful,
    /// The version was withdrawn, and the previous one serves.
    #[serde(rename = "ROLLBACK_SUCCESSFUL")]
    RolledBack {
        /// Why it was rolled back.
        reason: Reason,
    },
    /// A rollback was requested, but the previous version is unhealthy: the current version keeps serving.
    #[serde(rename = "ROLLBACK_FAILED")]
    RollbackFailed {
        /// Why the previous version cannot serve.
        reason: Reason,
    },
}

impl FinalStatus {
    /// The ECS name of the status, as in documents.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Successful => "SUCCESSFUL",
            Self::RolledBack { .. } => "ROLLBACK_SUCCESSFUL",
            Self::RollbackFailed { .. } => "ROLLBACK_FAILED",
        }
    }

    /// The reason, unless the rollout was successful.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Successful => None,
            Self::RolledBack { reason } | Self::RollbackFailed { reason } => Some(reason),
        }
    }
}
