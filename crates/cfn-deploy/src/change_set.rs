//! A deployment that is ready: looked at, carried out or discarded.

mod create;
mod describe;

use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::ChangeSetSummary;
use cfn::Diff;

use super::deployed_stack::{DeployedStack, Outputs, is_absent, read};
use super::environment::Environment;
use super::error::{Error, ErrorKind};
use super::event::Observer;
use super::event_reader::Operation;
use super::resource_change::{Replacement, ResourceChange};
use super::security::SecurityChange;
use super::status::StackCondition;

pub use create::{ChangeSetOutcome, ParameterChange};

/// Changes that CloudFormation stands ready to make.
///
/// Dropping it changes nothing and leaves the change set: [`ChangeSet::discard`] removes it.
#[derive(Debug)]
#[must_use = "it is carried out or discarded; dropped, it leaves a change set behind"]
pub struct ChangeSet {
    pub(super) environment: Environment,
    pub(super) set: ChangeSetId,
    pub(super) changes: Vec<ResourceChange>,
    pub(super) diff: Diff,
    pub(super) parameters: Vec<ParameterChange>,
    pub(super) security: Vec<SecurityChange>,
}

/// A change set.
#[derive(Debug, Clone)]
pub(super) struct ChangeSetId {
    pub(super) id: String,
    pub(super) stack: String,
    pub(super) stack_id: String,
    /// What its events are known by once it is executed; its name as well.
    pub(super) token: String,
    pub(super) is_update: bool,
}

impl ChangeSet {
    /// The stack's name.
    #[must_use]
    pub fn stack(&self) -> &str {
        &self.set.stack
    }

    /// Whether the stack is created; otherwise it is updated.
    #[must_use]
    pub fn is_creation(&self) -> bool {
        !self.set.is_update
    }

    /// What becomes of resources. Empty if only outputs or the like change.
    #[must_use]
    pub fn changes(&self) -> &[ResourceChange] {
        &self.changes
    }

    /// The resources that are replaced, or may be.
    pub fn replaced(&self) -> impl Iterator<Item = &ResourceChange> {
        self.changes
            .iter()
            .filter(|change| change.replacement != Replacement::Never)
    }

    /// What changes in who may do what and who may reach what: to be confirmed by somebody.
    #[must_use]
    pub fn security(&self) -> &[SecurityChange] {
        &self.security
    }

    /// What differs between the deployed template and this one.
    #[must_use]
    pub fn diff(&self) -> &Diff {
        &self.diff
    }

    /// The parameters that have other values.
    #[must_use]
    pub fn parameters(&self) -> &[ParameterChange] {
        &self.parameters
    }

    /// Makes the changes and follows them to their end. Answers what the stack tells then.
    ///
    /// If the future is dropped once it has begun, CloudFormation goes on, and [`Environment::wait`] sees the rest.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Failed`] if the changes fail: with the first real cause, what became of the stack, and the way out.
    /// [`ErrorKind::Deleted`] if somebody deletes the stack meanwhile. [`ErrorKind::Rejected`] if the stack was changed
    /// since this was prepared, and whatever else keeps the changes from beginning: then nothing was changed, and the
    /// change set is removed.
    pub async fn execute(self, observer: &mut dyn Observer) -> Result<Outputs, Error> {
        let Self {
            environment,
            set,
            changes,
            ..
        } = self;
        let call = environment
            .cloudformation()
            .execute_change_set()
            .change_set_name(&set.id)
            .stack_name(&set.stack_id)
            .client_request_token(&set.token);
        if let Err(error) = call.send().await {
            let was_overtaken = matches!(error.code(), Some("InvalidChangeSetStatus" | "ChangeSetNotFound"));
            let error = environment.call_error("ExecuteChangeSet", &set.stack, &error);
            let error = environment.not_begun(&set, error).await;
            return Err(match was_overtaken {
                true => error.and("The stack was changed since this was prepared; see what deploying would change now"),
                false => error,
            });
        }
        let operation = Operation {
            stack: set.stack.clone(),
            stack_id: set.stack_id,
            token: Some(set.token),
        };
        let ended = environment
            .wait_for_end(operation, Some(changes.len()), false, observer)
            .await?;
        let stack = environment.deployed_or_error(&set.stack, "deploying", ended).await?;
        Ok(stack.map(|stack| stack.outputs).unwrap_or_default())
    }

    /// Removes the change set, and the stack if it is there for nothing else. Nothing is left then.
    ///
    /// # Errors
    ///
    /// Whatever keeps calls from being made.
    pub async fn discard(self) -> Result<(), Error> {
        self.environment.discard(&self.set).await
    }
}

impl Environment {
    /// The error of changes that did not begin. What was prepared is removed, unless they began all the same.
    async fn not_begun(&self, set: &ChangeSetId, error: Error) -> Error {
        if matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Unexpected) {
            // Perhaps only the answer was lost.
            return error.and("Whether the changes began is not known; following the stack shows it");
        }
        match self.discard(set).await {
            Ok(()) => error.and("Nothing was changed"),
            Err(also) => error.and(&format!("Nothing was changed, but the change set is left: {also}")),
        }
    }

    /// Removes a change set that is not executed, and the stack if it is under review and has no other.
    pub(super) async fn discard(&self, set: &ChangeSetId) -> Result<(), Error> {
        let call = self
            .cloudformation()
            .delete_change_set()
            .change_set_name(&set.id)
            .stack_name(&set.stack_id);
        match call.send().await {
            Ok(_) => {}
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(self.call_error("DeleteChangeSet", &set.stack, &error)),
        }
        if set.is_update {
            return Ok(());
        }
        let Some(stack) = self.describe(&set.stack_id).await?.map(read) else {
            return Ok(());
        };
        if stack.status.condition() == StackCondition::ReviewInProgress && !self.has_others(set, &stack).await? {
            let call = self.cloudformation().delete_stack().stack_name(&stack.id);
            let deleted = call.send().await;
            deleted.map_err(|error| self.call_error("DeleteStack", &set.stack, &error))?;
        }
        Ok(())
    }

    /// Whether a stack has change sets other than this one, which is being removed.
    async fn has_others(&self, set: &ChangeSetId, stack: &DeployedStack) -> Result<bool, Error> {
        let answer = self
            .cloudformation()
            .list_change_sets()
            .stack_name(&stack.name)
            .send()
            .await;
        let answer = answer.map_err(|error| self.call_error("ListChangeSets", &stack.name, &error))?;
        let sets = answer.summaries.unwrap_or_default();
        let is_other = |found: &ChangeSetSummary| {
            let goes = found
                .status()
                .is_some_and(|status| status.as_str().starts_with("DELETE_"));
            !goes && found.change_set_id() != Some(&set.id)
        };
        Ok(sets.iter().any(is_other))
    }
}
