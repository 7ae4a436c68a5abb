//! What the status of a stack means, and the way out of those that nothing can be deployed in. Pure.
//!
//! Source: CloudFormation user guide, "Stack status codes" and "Choose how to handle failures when provisioning
//! resources" (read 2026-11-23).

use std::fmt;

/// The status of a stack, in CloudFormation's renderer: `UPDATE_COMPLETE`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StackStatus(String);

/// What can be done with a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StackCondition {
    /// It can be updated.
    Deployable,
    /// It has no resources yet: somebody looked at what a deployment would create.
    ReviewInProgress,
    /// An operation is under way.
    Busy,
    /// Somebody has to lead it out first.
    Blocked,
    /// It is gone.
    Deleted,
}

impl StackStatus {
    pub(super) fn new(status: impl Into<String>) -> Self {
        Self(status.into())
    }

    /// The status in CloudFormation's words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether an operation is under way. A stack under review waits for somebody, not for an operation.
    #[must_use]
    pub fn is_in_progress(&self) -> bool {
        self.0.ends_with("_IN_PROGRESS") && self.0 != "REVIEW_IN_PROGRESS"
    }

    /// Whether the last operation did what it should.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(
            self.as_str(),
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" | "DELETE_COMPLETE"
        )
    }

    /// Whether it is being deleted, or is gone.
    #[must_use]
    pub fn is_deletion(&self) -> bool {
        self.0.starts_with("DELETE_")
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
            // CREATE_FAILED and UPDATE_FAILED are left by operations that were told not to roll back, and then a stack
            // can be updated.
            _ => StackCondition::Deployable,
        }
    }

    /// What this status means for whoever wants to deploy, with the way out as the exact next step. `None` if the
    /// stack can be deployed to.
    #[must_use]
    pub fn remedy(&self, stack: &str, region: &str) -> Option<String> {
        let aws = |verb: &str| format!("`aws cloudformation {verb} --stack-name {stack} --region {region}`");
        let text = match self.as_str() {
            "ROLLBACK_COMPLETE" => format!(
                "its creation failed, and all that was made was taken back. CloudFormation can only delete such a \
                 stack: destroy it (or {}), then deploy again",
                aws("delete-stack")
            ),
            "ROLLBACK_FAILED" => format!(
                "its creation failed, and so did taking back what was made. Destroy it (or {}), then deploy again; {} \
                 shows what stands in the way",
                aws("delete-stack"),
                aws("describe-stack-events")
            ),
            "UPDATE_ROLLBACK_FAILED" => format!(
                "an update failed, and so did taking it back. Repair what stands in the way ({} shows it), then {} \
                 and deploy again; with `--resources-to-skip` and logical ids it leaves these as they are",
                aws("describe-stack-events"),
                aws("continue-update-rollback")
            ),
            "DELETE_FAILED" => format!(
                "it could not be deleted as a whole. Remove what stands in the way ({} shows it) and destroy it again \
                 (or {}); with `--deletion-mode FORCE_DELETE_STACK` what cannot be deleted is left behind",
                aws("describe-stack-events"),
                aws("delete-stack")
            ),
            "IMPORT_ROLLBACK_FAILED" => format!(
                "an import failed, and so did taking it back. {} shows why; destroy it (or {}), then deploy again",
                aws("describe-stack-events"),
                aws("delete-stack")
            ),
            "DELETE_COMPLETE" => "it was deleted. Deploy again to create it anew".to_owned(),
            _ if self.is_in_progress() => {
                let (what, until) = match self.as_str() {
                    "CREATE_IN_PROGRESS" => ("it is being created", "stack-create-complete"),
                    "DELETE_IN_PROGRESS" => ("it is being deleted", "stack-delete-complete"),
                    status if status.contains("ROLLBACK") => {
                        ("an operation failed and is being taken back", "stack-rollback-complete")
                    }
                    _ => ("another operation changes it", "stack-update-complete"),
                };
                let wait = aws(&format!("wait {until}"));
                format!("{what}. Follow that to its end (or {wait}), then try again")
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
    use super::*;

    #[test]
    fn what_cannot_be_deployed_to_has_a_way_out_that_names_the_next_command() {
        let rows = [
            ("CREATE_COMPLETE", StackCondition::Deployable, None),
            ("UPDATE_COMPLETE", StackCondition::Deployable, None),
            ("UPDATE_ROLLBACK_COMPLETE", StackCondition::Deployable, None),
            ("IMPORT_ROLLBACK_COMPLETE", StackCondition::Deployable, None),
            ("CREATE_FAILED", StackCondition::Deployable, None),
            ("UPDATE_FAILED", StackCondition::Deployable, None),
            ("REVIEW_IN_PROGRESS", StackCondition::ReviewInProgress, None),
            ("ROLLBACK_COMPLETE", StackCondition::Blocked, Some("delete-stack")),
            ("ROLLBACK_FAILED", StackCondition::Blocked, Some("delete-stack")),
            (
                "UPDATE_ROLLBACK_FAILED",
                StackCondition::Blocked,
                Some("continue-update-rollback"),
            ),
            ("DELETE_FAILED", StackCondition::Blocked, Some("delete-stack")),
            ("IMPORT_ROLLBACK_FAILED", StackCondition::Blocked, Some("delete-stack")),
            (
                "CREATE_IN_PROGRESS",
                StackCondition::Busy,
                Some("wait stack-create-complete"),
            ),
            (
                "DELETE_IN_PROGRESS",
                StackCondition::Busy,
                Some("wait stack-delete-complete"),
            ),
            (
                "ROLLBACK_IN_PROGRESS",
                StackCondition::Busy,
                Some("wait stack-rollback-complete"),
            ),
            (
                "UPDATE_ROLLBACK_IN_PROGRESS",
                StackCondition::Busy,
                Some("wait stack-rollback-complete"),
            ),
            (
                "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
                StackCondition::Busy,
                Some("wait stack-update-complete"),
            ),
            ("DELETE_COMPLETE", StackCondition::Deleted, Some("Deploy again")),
        ];
        for (status, standing, step) in rows {
            let status = StackStatus::new(status);
            assert_eq!(status.condition(), standing, "{status}");
            let remedy = status.remedy("demo", "eu-west-1");
            match (step, remedy) {
                (None, None) => {}
                (Some(step), Some(text)) => {
                    assert!(text.contains(step), "{status}: {text}");
                    let command = standing != StackCondition::Deleted;
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
}
