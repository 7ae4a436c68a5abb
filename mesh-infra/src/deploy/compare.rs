//! A request compared with what is deployed. Nothing is changed, and nothing is left behind.

use super::account::Account;
use super::change::ResourceChange;
use super::error::Error;
use super::prepare::{ParameterChange, Preparation};
use super::request::Request;
use super::security::SecurityChange;
use super::status::{StackStatus, Standing};
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

impl Account {
    /// Compares a request with what is deployed, and asks CloudFormation by a change set, which is removed again, what
    /// it would replace. If the future is dropped half-way, the change set may be left; it harms nobody.
    ///
    /// # Errors
    ///
    /// As [`Account::prepare`], but for a stack that nothing can be deployed to: then the comparison says so.
    pub async fn compare(&self, request: &Request) -> Result<Comparison, Error> {
        let judged = self.judged(request).await?;
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
        match stack.status.standing() {
            // Everything is created, as if it were not there.
            Standing::Reviewed => comparison.status = None,
            Standing::Busy | Standing::Stuck => comparison.changes = Err(self.cannot_go_on(stack).to_string()),
            _ => {
                if let Preparation::Changes(prepared) = self.change_set(request, judged).await? {
                    comparison.changes = Ok(prepared.changes().to_vec());
                    prepared.discard().await?;
                }
            }
        }
        Ok(comparison)
    }
}
