//! Compares an input with the deployed stack, without changing it.

use super::change_set::{ChangeSetOutcome, ParameterChange};
use super::deployment_input::DeploymentInput;
use super::environment::Environment;
use super::error::Error;
use super::resource_change::ResourceChange;
use super::security::SecurityChange;
use super::status::{StackCondition, StackStatus};
use cfn::Diff;

/// The differences between an input and the deployed stack.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// The status of the stack; `None` if it does not exist.
    pub status: Option<StackStatus>,
    /// The differences between the deployed template and the input's.
    pub diff: Diff,
    /// The changed parameters.
    pub parameters: Vec<ParameterChange>,
    /// Permission and network changes.
    pub security: Vec<SecurityChange>,
    /// The other owner from whom a deployment would take the stack over, as [`ChangeSet::adopted_from`] has it.
    ///
    /// [`ChangeSet::adopted_from`]: crate::ChangeSet::adopted_from
    pub adopted_from: Option<String>,
    /// The resource changes that CloudFormation would make, or why they are unknown. Empty for a stack that does not exist,
    /// because everything would be created.
    pub changes: Result<Vec<ResourceChange>, String>,
}

impl Comparison {
    /// Whether there are no differences.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let unchanged = self.changes.as_ref().is_ok_and(Vec::is_empty);
        self.status.is_some() && self.diff.is_empty() && self.parameters.is_empty() && unchanged
    }
}

impl Environment {
    /// Compares an input with the deployed stack. Resource changes come from a change set, which is deleted again. If the
    /// future is dropped, the change set may remain; it has no effect.
    ///
    /// # Errors
    ///
    /// As [`Environment::create_change_set`], except for a busy or blocked stack: [`Comparison::changes`] has the reason then.
    pub async fn compare(&self, input: &DeploymentInput) -> Result<Comparison, Error> {
        let assessment = self.assess(input).await?;
        let status = assessment.deployed.as_ref().map(|stack| stack.status.clone());
        let mut comparison = Comparison {
            diff: assessment.diff.clone(),
            parameters: assessment.parameters.clone(),
            security: assessment.security.clone(),
            adopted_from: assessment.adopted_from.clone(),
            changes: Ok(Vec::new()),
            status,
        };
        let Some(stack) = &assessment.deployed else {
            return Ok(comparison);
        };
        if let Some(missing) = input.missing_imports() {
            comparison.changes = Err(missing);
            return Ok(comparison);
        }
        match stack.status.condition() {
            // Everything would be created.
            StackCondition::ReviewInProgress => comparison.status = None,
            StackCondition::Busy | StackCondition::Blocked => {
                comparison.changes = Err(self.blocked_error(stack).await.to_string());
            }
            _ => {
                if let ChangeSetOutcome::Ready(prepared) = self.build_change_set(input, assessment).await? {
                    comparison.changes = Ok(prepared.changes().to_vec());
                    prepared.discard().await?;
                }
            }
        }
        Ok(comparison)
    }
}
