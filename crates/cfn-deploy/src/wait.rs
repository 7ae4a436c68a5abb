//! Waits for the end of an operation.

use std::time::Duration;

use super::deployed_stack::{DeployedStack, Outputs, is_absent, read};
use super::diagnosis::{ServiceDiagnosis, ServiceWatch};
use super::environment::Environment;
use super::error::{Error, ErrorKind};
use super::event::{Event, Observer, ProgressCounter};
use super::event_reader::{Operation, Reader};
use super::poll::{PollInterval, Poller};
use super::root_cause::{message, root_cause};
use super::status::{StackCondition, StackStatus};
use super::validation::Subject;

/// The number of transient failures in a row before giving up: eleven minutes of waits, and what each call takes to fail.
const MAX_RETRIES: usize = 24;
/// The number of polls without new events on an idle stack before the operation counts as ended, for operations whose last
/// event has the token of another one.
const MAX_QUIET_POLLS: usize = 3;

/// The time limit for the start of an operation.
const START_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// The result of [`Environment::wait`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum WaitOutcome {
    /// The stack does not exist.
    Absent,
    /// No operation was in progress; this is the stack's status.
    Idle(StackStatus),
    /// The stack was deployed and has these outputs.
    Deployed(Outputs),
    /// The stack was deleted.
    Deleted,
}

/// The end of an operation.
pub(super) struct OperationResult {
    pub(super) status: StackStatus,
    is_deletion: bool,
    pub(super) events: Vec<Event>,
    /// The ECS services that it did not complete.
    services: Vec<ServiceDiagnosis>,
    /// The stack after the operation; `None` if it no longer exists.
    pub(super) stack: Option<DeployedStack>,
}

impl Environment {
    /// Waits for the end of the operation in progress on a stack, and reports its events from the first on. For waits that
    /// were interrupted, and for operations of other clients. Cancel-safe: call it again at any time.
    ///
    /// It does not remove what a deleted stack leaves behind; [`Environment::destroy`] does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Failed`] with the root cause if the operation fails, and errors of calls.
    pub async fn wait(&self, stack: &str, observer: &mut dyn Observer) -> Result<WaitOutcome, Error> {
        let Some(found) = self.describe(stack).await?.map(read) else {
            return Ok(WaitOutcome::Absent);
        };
        match found.status.condition() {
            StackCondition::Deleted => return Ok(WaitOutcome::Absent),
            StackCondition::Busy => {}
            _ => return Ok(WaitOutcome::Idle(found.status)),
        }
        let operation = self.operation(stack, &found.id).await?;
        let is_deletion = found.status.is_deletion();
        let doing = if is_deletion { "deleting" } else { "deploying" };
        let ended = self.wait_for_end(operation, None, is_deletion, observer).await?;
        let end = self.deployed_or_error(stack, doing, ended).await?;
        Ok(end.map_or(WaitOutcome::Deleted, |stack| WaitOutcome::Deployed(stack.outputs)))
    }

    /// The stack after a successful operation; `None` if it was deleted. The error of a failed one.
    pub(super) async fn deployed_or_error(
        &self,
        stack: &str,
        doing: &str,
        ended: OperationResult,
    ) -> Result<Option<DeployedStack>, Error> {
        if ended.status.is_success() && ended.is_deletion == ended.status.is_deletion() {
            return Ok(ended.stack.filter(|_| !ended.is_deletion));
        }
        let reason = ended.stack.as_ref().and_then(|stack| stack.status_reason.as_deref());
        let mut failure = root_cause(stack, &ended.events, &ended.status, reason);
        let judged = ended.events.iter().any(|event| event.is_validation);
        if let (true, Some(found)) = (judged, &ended.stack) {
            // The event only refers to `DescribeEvents`.
            failure.reason = self
                .with_validation_findings(failure.reason, stack, Subject::Stack(&found.id))
                .await;
        }
        let message = message(stack, self.region(), doing, &failure);
        Err(Error::failed(message, failure).with_services(ended.services))
    }

    /// Waits for the end of an operation and reports each event once.
    pub(super) async fn wait_for_end(
        &self,
        operation: Operation,
        total: Option<usize>,
        is_deletion: bool,
        observer: &mut dyn Observer,
    ) -> Result<OperationResult, Error> {
        let name = operation.stack.clone();
        let lost = |error: Error| {
            let sentence = format!(
                "The operation on stack `{name}` continues in CloudFormation; the same command waits for its end"
            );
            error.with_sentence(&sentence)
        };
        let mut watch = Watch {
            environment: self,
            reader: Reader::new(operation.clone()),
            counter: ProgressCounter::new(total),
            events: Vec::new(),
            ended: None,
            quiet: 0,
            was_busy: false,
            failed_once: false,
            services: ServiceWatch::default(),
            operation,
            is_deletion,
        };
        let mut poller = self.poller(PollInterval::EVENTS);
        let mut retries = 0;
        loop {
            match watch.poll(&mut poller, observer).await {
                Ok(Some(ended)) => return Ok(ended),
                Ok(None) => {
                    retries = 0;
                    poller.wait().await;
                }
                Err(error) if error.is_transient() && retries < MAX_RETRIES => {
                    retries += 1;
                    let waited = poller.wait_backoff().await;
                    observer.note(&format!("retried after {} s: {error}", waited.as_secs()));
                }
                Err(error) if error.kind() == ErrorKind::Deleted => return Err(error),
                Err(error) => return Err(lost(error)),
            }
        }
    }
}

/// An operation that is polled.
struct Watch<'a> {
    environment: &'a Environment,
    operation: Operation,
    reader: Reader,
    counter: ProgressCounter,
    events: Vec<Event>,
    is_deletion: bool,
    /// The status of the stack's last event, if it ends the operation.
    ended: Option<String>,
    /// The number of polls in a row without new events on an idle stack.
    quiet: usize,
    /// Whether the stack was seen in progress. CloudFormation starts an operation with a delay; until then, the stack has the
    /// status of the previous one.
    was_busy: bool,
    /// Whether the stack was seen in a failed status that a rollback may follow.
    failed_once: bool,
    services: ServiceWatch,
}

impl Watch<'_> {
    /// Polls once. Returns the end of the operation, if it has ended.
    async fn poll(
        &mut self,
        poller: &mut Poller,
        observer: &mut dyn Observer,
    ) -> Result<Option<OperationResult>, Error> {
        let new = match self.reader.read(self.environment, false).await {
            Ok(new) => new,
            // The stack was deleted long ago.
            Err(error) if error.kind() == ErrorKind::Rejected => Vec::new(),
            Err(error) => return Err(error),
        };
        let nothing = new.is_empty();
        if !nothing {
            poller.reset();
        }
        self.report(new, observer);
        if !self.is_deletion {
            self.services.look(self.environment, poller.waited(), observer).await;
        }
        if !nothing && self.ended.is_none() {
            return Ok(None);
        }
        let described = self
            .environment
            .cloudformation()
            .describe_stacks()
            .stack_name(&self.operation.stack_id);
        let stack = match described.send().await {
            Ok(response) => response.stacks.and_then(|stacks| stacks.into_iter().next()).map(read),
            Err(error) if is_absent(&error) => None,
            Err(error) => {
                return Err(self
                    .environment
                    .call_error("DescribeStacks", &self.operation.stack, error));
            }
        };
        let status = stack
            .as_ref()
            .map_or_else(|| StackStatus::new("DELETE_COMPLETE"), |stack| stack.status.clone());
        if status.is_deletion() && !self.is_deletion {
            let name = &self.operation.stack;
            let message = format!(
                "stack `{name}` is in status {status}: it was deleted during the deployment. Deploy again after the \
                 deletion"
            );
            return Err(Error::new(ErrorKind::Deleted, message));
        }
        if status.is_in_progress() {
            self.was_busy = true;
            self.quiet = 0;
            return Ok(None);
        }
        let is_gone = status.condition() == StackCondition::Deleted;
        if self.ended.is_none() && !self.was_busy && !is_gone {
            if poller.waited() < START_TIMEOUT {
                return Ok(None);
            }
            if self.events.is_empty() {
                return Err(self.never_started(&status));
            }
        }
        self.quiet += 1;
        // Unless the stack is deleted, its last event and its status have to agree.
        let agree = self.ended.as_deref() == Some(status.as_str());
        if !agree && self.quiet < MAX_QUIET_POLLS && stack.is_some() {
            return Ok(None);
        }
        let may_turn = matches!(status.as_str(), "CREATE_FAILED" | "UPDATE_FAILED");
        if may_turn && !self.failed_once {
            self.failed_once = true;
            return Ok(None);
        }
        if stack.is_some() {
            let late = self.reader.read(self.environment, true).await?;
            self.report(late, observer);
        }
        Ok(Some(OperationResult {
            status,
            is_deletion: self.is_deletion,
            events: std::mem::take(&mut self.events),
            services: std::mem::take(&mut self.services).into_diagnoses(),
            stack,
        }))
    }

    fn never_started(&self, status: &StackStatus) -> Error {
        let name = &self.operation.stack;
        let message = format!(
            "CloudFormation accepted the operation on stack `{name}` but has not started it for {} minutes; the stack is \
             in status {status}. Check the stack before trying again",
            START_TIMEOUT.as_secs() / 60
        );
        Error::new(ErrorKind::Unexpected, message)
    }

    fn report(&mut self, new: Vec<Event>, observer: &mut dyn Observer) {
        for event in new {
            if event.is_of_stack {
                self.ended = event.is_end().then(|| event.status.clone());
            }
            observer.event(&event, self.counter.record(&event));
            self.services.record(&event);
            self.events.push(event);
        }
    }
}
