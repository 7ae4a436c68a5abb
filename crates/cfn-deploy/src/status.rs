//! Stack status: what can be done next, and how to recover a blocked stack. Pure.
//!
//! Source: CloudFormation user guide, "Stack status codes" and "Choose how to handle failures when provisioning
//! resources" (read 2026-11-23).

use std::fmt;

/// The status of a stack, such as `UPDATE_COMPLETE`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StackStatus(String);

/// What can be done with a stack, by its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StackCondition {
    /// It can be updated.
    Deployable,
    /// It was created by a change set that is not executed yet, and has no resources.
    ReviewInProgress,
    /// An operation is in progress.
    Busy,
    /// It requires a manual step first.
    Blocked,
    /// It was deleted.
    Deleted,
}

impl StackStatus {
    pub(super) fn new(status: impl Into<String>) -> Self {
        Self(status.into())
    }

    /// The status as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether an operation is in progress. `REVIEW_IN_PROGRESS` is none.
    #[must_use]
    pub fn is_in_progress(&self) -> bool {
        self.0.ends_with("_IN_PROGRESS") && self.0 != "REVIEW_IN_PROGRESS"
    }

    /// Whether the last operation succeeded.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(
            self.as_str(),
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" | "DELETE_COMPLETE"
        )
    }

    /// Whether the stack is being deleted or was deleted.
    #[must_use]
    pub fn is_deletion(&self) -> bool {
        self.0.starts_with("DELETE_")
    }

    /// Whether the last operation failed with rollback disabled. The stack can be updated, with rollback disabled again.
    pub(super) fn is_paused(&self) -> bool {
        matches!(self.as_str(), "CREATE_FAILED" | "UPDATE_FAILED")
    }

    /// Whether the creation failed, so that the stack never had outputs.
    pub(super) fn was_never_created(&self) -> bool {
        matches!(
            self.as_str(),
            "CREATE_FAILED" | "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "ROLLBACK_IN_PROGRESS"
        )
    }

    /// What can be done with a stack of this status.
    #[must_use]
    pub fn condition(&self) -> StackCondition {
        match self.as_str() {
            "REVIEW_IN_PROGRESS" => StackCondition::ReviewInProgress,
            "DELETE_COMPLETE" => StackCondition::Deleted,
            _ if self.is_in_progress() => StackCondition::Busy,
            "ROLLBACK_COMPLETE"
            | "ROLLBACK_FAILED"
            | "UPDATE_ROLLBACK_FAILED"
            | "DELETE_FAILED"
            | "IMPORT_ROLLBACK_FAILED" => StackCondition::Blocked,
            // Also CREATE_FAILED and UPDATE_FAILED, see `is_paused`.
            _ => StackCondition::Deployable,
        }
    }

    /// The meaning of this status and the next step, with exact commands. `None` if the last operation succeeded
    /// or was rolled back.
    #[must_use]
    pub fn remedy(&self, stack: &str, region: &str) -> Option<String> {
        let aws = |verb: &str| format!("`aws cloudformation {verb} --stack-name {stack} --region {region}`");
        let text = match self.as_str() {
            "ROLLBACK_COMPLETE" => format!(
                "its creation failed and was rolled back. CloudFormation can only delete such a stack: destroy it (or {}), then deploy again",
                aws("delete-stack")
            ),
            "ROLLBACK_FAILED" => format!(
                "its creation and the rollback failed. Destroy it (or {}), then deploy again; {} shows the cause",
                aws("delete-stack"),
                aws("describe-stack-events")
            ),
            "UPDATE_ROLLBACK_FAILED" => format!(
                "an update and its rollback failed. Fix the cause ({} shows it), then {} and deploy again; \
                 `--resources-to-skip ID…` skips resources that cannot be rolled back",
                aws("describe-stack-events"),
                aws("continue-update-rollback")
            ),
            "DELETE_FAILED" => format!(
                "its deletion failed. Fix the cause ({} shows it) and destroy it again (or {}); `--deletion-mode \
                 FORCE_DELETE_STACK` keeps resources that cannot be deleted",
                aws("describe-stack-events"),
                aws("delete-stack")
            ),
            "IMPORT_ROLLBACK_FAILED" => format!(
                "an import and its rollback failed. {} shows the cause; destroy it (or {}), then deploy again",
                aws("describe-stack-events"),
                aws("delete-stack")
            ),
            "CREATE_FAILED" | "UPDATE_FAILED" => {
                let roll_back = match self.as_str() {
                    "CREATE_FAILED" => "destroy it".to_owned(),
                    _ => format!("roll it back with {}", aws("rollback-stack")),
                };
                format!(
                    "its last operation failed and was not rolled back. Fix the cause ({} shows it) and deploy again, which \
                     continues it; or {roll_back}",
                    aws("describe-stack-events")
                )
            }
            "DELETE_COMPLETE" => "it was deleted. Deploy again to create a new one".to_owned(),
            _ if self.is_in_progress() => {
                let (what, until) = match self.as_str() {
                    "CREATE_IN_PROGRESS" => ("it is being created", "stack-create-complete"),
                    "DELETE_IN_PROGRESS" => ("it is being deleted", "stack-delete-complete"),
                    "IMPORT_IN_PROGRESS" => ("resources are being imported into it", "stack-import-complete"),
                    status if status.contains("ROLLBACK") => (
                        "an operation failed and is being rolled back",
                        "stack-rollback-complete",
                    ),
                    _ => ("another operation is updating it", "stack-update-complete"),
                };
                let wait = aws(&format!("wait {until}"));
                format!("{what}. Wait for its end (or {wait}), then try again")
            }
            _ => return None,
        };
        Some(text)
    }
}

impl fmt::Display for StackStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::types::StackStatus as SdkStatus;

    use super::*;

    /// Every status of CloudFormation's API, with its condition and a part of its remedy.
    const STATUSES: [(&str, StackCondition, Option<&str>); 23] = [
        ("CREATE_COMPLETE", StackCondition::Deployable, None),
        (
            "CREATE_FAILED",
            StackCondition::Deployable,
            Some("deploy again, which continues it; or destroy"),
        ),
        (
            "CREATE_IN_PROGRESS",
            StackCondition::Busy,
            Some("wait stack-create-complete"),
        ),
        ("DELETE_COMPLETE", StackCondition::Deleted, Some("Deploy again")),
        ("DELETE_FAILED", StackCondition::Blocked, Some("delete-stack")),
        (
            "DELETE_IN_PROGRESS",
            StackCondition::Busy,
            Some("wait stack-delete-complete"),
        ),
        ("IMPORT_COMPLETE", StackCondition::Deployable, None),
        (
            "IMPORT_IN_PROGRESS",
            StackCondition::Busy,
            Some("wait stack-import-complete"),
        ),
        ("IMPORT_ROLLBACK_COMPLETE", StackCondition::Deployable, None),
        ("IMPORT_ROLLBACK_FAILED", StackCondition::Blocked, Some("delete-stack")),
        (
            "IMPORT_ROLLBACK_IN_PROGRESS",
            StackCondition::Busy,
            Some("wait stack-rollback-complete"),
        ),
        ("REVIEW_IN_PROGRESS", StackCondition::ReviewInProgress, None),
        ("ROLLBACK_COMPLETE", StackCondition::Blocked, Some("delete-stack")),
        ("ROLLBACK_FAILED", StackCondition::Blocked, Some("delete-stack")),
        (
            "ROLLBACK_IN_PROGRESS",
            StackCondition::Busy,
            Some("wait stack-rollback-complete"),
        ),
        ("UPDATE_COMPLETE", StackCondition::Deployable, None),
        (
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            StackCondition::Busy,
            Some("wait stack-update-complete"),
        ),
        ("UPDATE_FAILED", StackCondition::Deployable, Some("rollback-stack")),
        (
            "UPDATE_IN_PROGRESS",
            StackCondition::Busy,
            Some("wait stack-update-complete"),
        ),
        ("UPDATE_ROLLBACK_COMPLETE", StackCondition::Deployable, None),
        (
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            StackCondition::Busy,
            Some("wait stack-rollback-complete"),
        ),
        (
            "UPDATE_ROLLBACK_FAILED",
            StackCondition::Blocked,
            Some("continue-update-rollback"),
        ),
        (
            "UPDATE_ROLLBACK_IN_PROGRESS",
            StackCondition::Busy,
            Some("wait stack-rollback-complete"),
        ),
    ];

    #[test]
    fn every_status_of_the_api_has_its_condition_and_remedy() {
        let mut known: Vec<_> = SdkStatus::values().to_vec();
        known.sort_unstable();
        let listed: Vec<_> = STATUSES.iter().map(|(status, ..)| *status).collect();
        assert_eq!(listed, known, "a status without a row");
        for (status, condition, step) in STATUSES {
            let status = StackStatus::new(status);
            assert_eq!(status.condition(), condition, "{status}");
            let remedy = status.remedy("demo", "eu-west-1");
            match (step, remedy) {
                (None, None) => {}
                (Some(step), Some(text)) => {
                    assert!(text.contains(step), "{status}: {text}");
                    let command = condition != StackCondition::Deleted;
                    assert_eq!(
                        text.contains("--stack-name demo --region eu-west-1`"),
                        command,
                        "{status}: {text}"
                    );
                }
                (step, remedy) => panic!("{status}: {step:?}, {remedy:?}"),
            }
        }
    }

    #[test]
    fn a_status_that_this_version_does_not_know_is_judged_by_its_ending() {
        assert_eq!(
            StackStatus::new("EXPRESS_IN_PROGRESS").condition(),
            StackCondition::Busy
        );
        assert_eq!(
            StackStatus::new("EXPRESS_COMPLETE").condition(),
            StackCondition::Deployable
        );
    }
}
