//! A request compared with what is deployed. Nothing is changed, and nothing is left behind.

use super::change_set::{ChangeSetOutcome, ParameterChange};
use super::deployment_input::DeploymentInput;
use super::environment::Environment;
use super::error::Error;
use super::resource_change::ResourceChange;
use super::security::SecurityChange;
use super::status::{StackCondition, StackStatus};
use cfn::Diff;

/// How a request compares with what is deployed.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What the stack stands at; `None` if it does not exist.
    pub status: Option<StackStatus>,
    /// What differs between the deployed template and the request's.
    pub diff: Diff,
    /// The parameters that have other values.
    pub parameters: Vec<ParameterChange>,
    /// What changes in who may do what and who may reach what.
    pub security: Vec<SecurityChange>,
    /// What CloudFormation would do about it, or why it cannot be asked. For a stack that does not exist it is not
    /// asked: everything is created.
    pub changes: Result<Vec<ResourceChange>, String>,
}

impl Comparison {
    /// Whether a deployment would change nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let unchanged = self.changes.as_ref().is_ok_and(Vec::is_empty);
        self.status.is_some() && self.diff.is_empty() && self.parameters.is_empty() && unchanged
    }
}

impl Environment {
    /// Compares a request with what is deployed, and asks CloudFormation by a change set, which is removed again, what
    /// it would replace. If the future is dropped half-way, the change set may be left; it harms nobody.
    ///
    /// # Errors
    ///
    /// As [`Environment::create_change_set`], but for a stack that nothing can be deployed to: then the comparison says so.
    pub async fn compare(&self, input: &DeploymentInput) -> Result<Comparison, Error> {
        let judged = self.assess(input).await?;
        let status = judged.deployed.as_ref().map(|stack| stack.status.clone());
        let mut comparison = Comparison {
            diff: judged.diff.clone(),
            parameters: judged.parameters.clone(),
            security: judged.security.clone(),
            changes: Ok(Vec::new()),
            status,
        };
        let Some(stack) = &judged.deployed else {
            return Ok(comparison);
        };
        match stack.status.condition() {
            // Everything is created, as if it were not there.
            StackCondition::ReviewInProgress => comparison.status = None,
            StackCondition::Busy | StackCondition::Blocked => {
                comparison.changes = Err(self.blocked_error(stack).to_string())
            }
            _ => {
                if let ChangeSetOutcome::Ready(prepared) = self.build_change_set(input, judged).await? {
                    comparison.changes = Ok(prepared.changes().to_vec());
                    prepared.discard().await?;
                }
            }
        }
        Ok(comparison)
    }
}
