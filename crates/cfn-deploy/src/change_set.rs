//! Change sets: inspected, executed or discarded.

mod create;
mod describe;
mod paused;

use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::ChangeSetSummary;
use aws_smithy_runtime_api::client::result::SdkError;
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

/// A change set that is ready to be executed.
///
/// Dropping it leaves the change set in the account; [`ChangeSet::discard`] deletes it.
#[derive(Debug)]
#[must_use = "execute or discard it; dropping it leaves the change set in the account"]
pub struct ChangeSet {
    pub(super) environment: Environment,
    pub(super) set: ChangeSetId,
    pub(super) template_url: Option<String>,
    pub(super) changes: Vec<ResourceChange>,
    pub(super) diff: Diff,
    pub(super) parameters: Vec<ParameterChange>,
    pub(super) security: Vec<SecurityChange>,
    pub(super) adopted_from: Option<String>,
    /// Whether a failure leaves the stack as it is.
    pub(super) is_rollback_disabled: bool,
    /// The parameters of a stack whose failed resources are tried again with the deployed template; `None` for a change.
    pub(super) retry: Option<Vec<String>>,
}

/// Identifiers of a change set.
#[derive(Debug, Clone)]
pub(super) struct ChangeSetId {
    pub(super) id: String,
    pub(super) stack: String,
    pub(super) stack_id: String,
    /// The client request token of its execution, which its stack events carry; also its name.
    pub(super) token: String,
    pub(super) is_update: bool,
}

impl ChangeSet {
    /// The stack's name.
    #[must_use]
    pub fn stack(&self) -> &str {
        &self.set.stack
    }

    /// Whether the change set creates the stack; otherwise it updates it.
    #[must_use]
    pub fn is_creation(&self) -> bool {
        !self.set.is_update
    }

    /// The S3 URL of the template, if it was too long for the request and was uploaded.
    #[must_use]
    pub fn template_url(&self) -> Option<&str> {
        self.template_url.as_deref()
    }

    /// The resource changes. Empty if only outputs or the like change.
    #[must_use]
    pub fn changes(&self) -> &[ResourceChange] {
        &self.changes
    }

    /// The resources that are or may be replaced.
    pub fn replaced(&self) -> impl Iterator<Item = &ResourceChange> {
        self.changes
            .iter()
            .filter(|change| change.replacement != Replacement::Never)
    }

    /// Permission and network changes, to be confirmed before execution.
    #[must_use]
    pub fn security(&self) -> &[SecurityChange] {
        &self.security
    }

    /// The other owner from whom the stack is taken over ([`DeploymentInput::adopting`]), to be confirmed before execution:
    /// "belongs to app `billing` (tag `app`), not to `shop`".
    ///
    /// [`DeploymentInput::adopting`]: crate::DeploymentInput::adopting
    #[must_use]
    pub fn adopted_from(&self) -> Option<&str> {
        self.adopted_from.as_deref()
    }

    /// The differences between the deployed template and the new one.
    #[must_use]
    pub fn diff(&self) -> &Diff {
        &self.diff
    }

    /// Whether a failure leaves the stack as it is: on request ([`DeploymentInput::with_rollback_disabled`]), or because the
    /// stack is in status `CREATE_FAILED` or `UPDATE_FAILED`, which CloudFormation updates in no other way.
    ///
    /// [`DeploymentInput::with_rollback_disabled`]: crate::DeploymentInput::with_rollback_disabled
    #[must_use]
    pub fn is_rollback_disabled(&self) -> bool {
        self.is_rollback_disabled
    }

    /// Whether the template is the deployed one, and its failed resources are tried again.
    #[must_use]
    pub fn is_retry(&self) -> bool {
        self.retry.is_some()
    }

    /// The changed parameters.
    #[must_use]
    pub fn parameters(&self) -> &[ParameterChange] {
        &self.parameters
    }

    /// Executes the change set, waits for its end and returns the stack's outputs.
    ///
    /// If the future is dropped after the start, CloudFormation continues; [`Environment::wait`] waits for the end.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Failed`] if the operation fails, with its root cause, the stack's status and the next step.
    /// [`ErrorKind::Deleted`] if the stack is deleted meanwhile. [`ErrorKind::Busy`] if another operation has changed the
    /// stack since, [`ErrorKind::Rejected`] and others if the change set cannot be executed for another reason: nothing was
    /// changed then, and the change set is deleted.
    pub async fn execute(self, observer: &mut dyn Observer) -> Result<Outputs, Error> {
        self.check_replacements().await?;
        if let Some(parameters) = &self.retry {
            self.environment.retry_failed(&self.set, parameters).await?;
        } else {
            self.start().await?;
        }
        let Self {
            environment,
            set,
            changes,
            ..
        } = self;
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

    /// Starts the execution.
    async fn start(&self) -> Result<(), Error> {
        let Self { environment, set, .. } = self;
        let call = environment
            .cloudformation()
            .execute_change_set()
            .change_set_name(&set.id)
            .stack_name(&set.stack_id)
            .client_request_token(&set.token)
            .set_disable_rollback(self.is_rollback_disabled.then_some(true));
        if let Err(error) = call.send().await {
            let is_outdated = matches!(error.code(), Some("InvalidChangeSetStatus" | "ChangeSetNotFound"))
                || is_operation_in_progress(&error);
            let error = environment.call_error("ExecuteChangeSet", &set.stack, error);
            if !is_outdated {
                return Err(environment.not_started(set, error).await);
            }
            let overtaken = environment.overtaken(&set.stack).with_source(error);
            // Only the change set: the stack is that of the operation that came first, even if it is still in review.
            return Err(match environment.delete_change_set(set).await {
                Ok(_) => overtaken,
                Err(also) => overtaken.with_sentence(&format!("Its change set remains: {also}")),
            });
        }
        Ok(())
    }

    /// Deletes the change set, and the stack if it was created for this change set only.
    ///
    /// # Errors
    ///
    /// If a call fails.
    pub async fn discard(self) -> Result<(), Error> {
        self.environment.discard(&self.set).await
    }
}

/// Whether CloudFormation rejects an operation because of the stack's status: another one came first. It has no error code for
/// that.
fn is_operation_in_progress<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.as_service_error().is_some_and(|error| {
        let message = error.message().unwrap_or_default();
        error.code() == Some("ValidationError")
            && (message.contains("cannot be called from current stack status")
                || message.contains("_IN_PROGRESS state and can not be updated"))
    })
}

impl Environment {
    /// The error of a deployment that another one has overtaken.
    pub(super) fn overtaken(&self, stack: &str) -> Error {
        let message = format!(
            "another deployment of stack `{stack}` in {} came first, and this one has changed nothing; deploy again when that \
             one has ended",
            self.region()
        );
        Error::new(ErrorKind::Busy, message)
    }

    /// The error of a change set that was not executed. Deletes it, unless its execution may have started.
    async fn not_started(&self, set: &ChangeSetId, error: Error) -> Error {
        if matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Unexpected) {
            // Perhaps only the response was lost.
            return error.with_sentence("It is unknown whether the operation started; wait for the stack to find out");
        }
        match self.discard(set).await {
            Ok(()) => error.with_sentence("Nothing was changed"),
            Err(also) => error.with_sentence(&format!("Nothing was changed, but the change set remains: {also}")),
        }
    }

    /// Deletes a change set that is not executed, and the stack if it is in review and has no other change set.
    pub(super) async fn discard(&self, set: &ChangeSetId) -> Result<(), Error> {
        let is_deleted = self.delete_change_set(set).await?;
        if !is_deleted || set.is_update {
            return Ok(());
        }
        let Some(stack) = self.describe(&set.stack_id).await?.map(read) else {
            return Ok(());
        };
        if stack.status.condition() == StackCondition::ReviewInProgress && !self.has_others(set, &stack).await? {
            let call = self.cloudformation().delete_stack().stack_name(&stack.id);
            let deleted = call.send().await;
            deleted.map_err(|error| self.call_error("DeleteStack", &set.stack, error))?;
        }
        Ok(())
    }

    /// Deletes a change set, without its stack. Returns whether it existed.
    async fn delete_change_set(&self, set: &ChangeSetId) -> Result<bool, Error> {
        let call = self
            .cloudformation()
            .delete_change_set()
            .change_set_name(&set.id)
            .stack_name(&set.stack_id);
        match call.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_absent(&error) || error.code() == Some("ChangeSetNotFound") => Ok(false),
            Err(error) => Err(self.call_error("DeleteChangeSet", &set.stack, error)),
        }
    }

    /// Whether a stack has change sets other than this one, which is being deleted.
    async fn has_others(&self, set: &ChangeSetId, stack: &DeployedStack) -> Result<bool, Error> {
        let response = self
            .cloudformation()
            .list_change_sets()
            .stack_name(&stack.name)
            .send()
            .await;
        let response = response.map_err(|error| self.call_error("ListChangeSets", &stack.name, error))?;
        let sets = response.summaries.unwrap_or_default();
        let is_other = |found: &ChangeSetSummary| {
            let is_deleted = found
                .status()
                .is_some_and(|status| status.as_str().starts_with("DELETE_"));
            !is_deleted && found.change_set_id() != Some(&set.id)
        };
        Ok(sets.iter().any(is_other))
    }
}
