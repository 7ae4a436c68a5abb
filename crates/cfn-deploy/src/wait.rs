//! Following an operation to its end, whoever started it.

use std::time::Duration;

use super::deployed_stack::{DeployedStack, Outputs, is_absent, read};
use super::environment::Environment;
use super::error::{Error, ErrorKind};
use super::event::{Event, Observer, ProgressCounter};
use super::event_reader::{Operation, Reader};
use super::poll::{PollInterval, Poller};
use super::root_cause::{failure, message};
use super::status::{StackCondition, StackStatus};
use super::validation::Subject;

/// How many looks in a row may fail for reasons that may pass: some five minutes.
const MAX_RETRIES: usize = 12;
/// How many looks in a row may bring nothing new once the stack says that nothing is under way: for operations whose
/// last event has another one's token.
const QUIET: usize = 3;

/// How long CloudFormation may take to begin.
const BEGINNING: Duration = Duration::from_secs(5 * 60);

/// What came of following.
#[derive(Debug, Clone, PartialEq)]
pub enum WaitOutcome {
    /// There is no such stack.
    Absent,
    /// Nothing was under way; this is what the stack stands at.
    Idle(StackStatus),
    /// The stack was deployed, and tells this.
    Deployed(Outputs),
    /// The stack was deleted.
    Destroyed,
}

/// How an operation ended.
pub(super) struct OperationResult {
    pub(super) status: StackStatus,
    is_deletion: bool,
    pub(super) events: Vec<Event>,
    /// The stack as it is now; `None` if nothing is known of it any more.
    pub(super) stack: Option<DeployedStack>,
}

impl Environment {
    /// Follows the operation that is under way on a stack to its end, from its first event on. For a wait that was
    /// interrupted, and for operations that somebody else started. May be dropped and called again at any time.
    ///
    /// What [`Environment::destroy`] does after CloudFormation is done, this does not do: destroying again does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Failed`] with the first cause if the operation fails, and whatever keeps calls from being made.
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
        Ok(end.map_or(WaitOutcome::Destroyed, |stack| WaitOutcome::Deployed(stack.outputs)))
    }

    /// The stack as it is after a success; `None` if it was deleted. The error of a failure.
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
        let mut failure = failure(stack, &ended.events, &ended.status, reason);
        let judged = ended.events.iter().any(|event| event.is_validation);
        if let (true, Some(found)) = (judged, &ended.stack) {
            // The event says only that there is more to be read.
            failure.reason = self
                .with_validation_findings(failure.reason, stack, Subject::Stack(&found.id))
                .await;
        }
        Err(Error::failed(message(stack, self.region(), doing, &failure), failure))
    }

    /// Follows an operation to its end, and tells of each event once.
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
                "The operation on stack `{name}` goes on without this program; following it later shows its end"
            );
            error.and(&sentence)
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
            operation,
            is_deletion,
        };
        let mut poller = self.poller(PollInterval::EVENTS);
        let mut retries = 0;
        loop {
            match watch.look(&mut poller, observer).await {
                Ok(Some(ended)) => return Ok(ended),
                Ok(None) => {
                    retries = 0;
                    poller.wait().await;
                }
                Err(error) if error.is_transient() && retries < MAX_RETRIES => {
                    retries += 1;
                    let waited = poller.wait_backoff().await;
                    observer.note(&format!("looked again after {} s, because: {error}", waited.as_secs()));
                }
                Err(error) if error.kind() == ErrorKind::Deleted => return Err(error),
                Err(error) => return Err(lost(error)),
            }
        }
    }
}

/// An operation that is followed.
struct Watch<'a> {
    environment: &'a Environment,
    operation: Operation,
    reader: Reader,
    counter: ProgressCounter,
    events: Vec<Event>,
    is_deletion: bool,
    /// The status of the stack's last event, if that ends the operation.
    ended: Option<String>,
    /// How many looks in a row brought nothing new from a stack that nothing happens to.
    quiet: usize,
    /// Whether the stack was seen while something was done with it. CloudFormation may take a moment to begin, and until
    /// then the stack stands at what the last operation left.
    was_busy: bool,
    /// Whether the stack was seen in a failed state that a rollback may follow.
    failed_once: bool,
}

impl Watch<'_> {
    /// One look: the end, if it is there.
    async fn look(
        &mut self,
        poller: &mut Poller,
        observer: &mut dyn Observer,
    ) -> Result<Option<OperationResult>, Error> {
        let new = match self.reader.read(self.environment, false).await {
            Ok(new) => new,
            // The events of a stack that is long gone.
            Err(error) if error.kind() == ErrorKind::Rejected => Vec::new(),
            Err(error) => return Err(error),
        };
        let nothing = new.is_empty();
        if !nothing {
            poller.reset();
        }
        self.tell(new, observer);
        if !nothing && self.ended.is_none() {
            return Ok(None);
        }
        let described = self
            .environment
            .cloudformation()
            .describe_stacks()
            .stack_name(&self.operation.stack_id);
        let stack = match described.send().await {
            Ok(answer) => answer.stacks.and_then(|stacks| stacks.into_iter().next()).map(read),
            Err(error) if is_absent(&error) => None,
            Err(error) => {
                return Err(self
                    .environment
                    .call_error("DescribeStacks", &self.operation.stack, &error));
            }
        };
        let status = stack
            .as_ref()
            .map_or_else(|| StackStatus::new("DELETE_COMPLETE"), |stack| stack.status.clone());
        if status.is_deletion() && !self.is_deletion {
            let name = &self.operation.stack;
            let message = format!(
                "stack `{name}` is in {status}: somebody deleted it while it was being deployed. Deploy again, once it \
                 is gone, to create it anew"
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
            if poller.waited() < BEGINNING {
                return Ok(None);
            }
            if self.events.is_empty() {
                return Err(self.never_began(&status));
            }
        }
        self.quiet += 1;
        // Of a stack that is gone nothing more can be read. Otherwise its event and its status have to agree.
        let agree = self.ended.as_deref() == Some(status.as_str());
        if !agree && self.quiet < QUIET && stack.is_some() {
            return Ok(None);
        }
        let may_turn = matches!(status.as_str(), "CREATE_FAILED" | "UPDATE_FAILED");
        if may_turn && !self.failed_once {
            self.failed_once = true;
            return Ok(None);
        }
        if stack.is_some() {
            let late = self.reader.read(self.environment, true).await?;
            self.tell(late, observer);
        }
        Ok(Some(OperationResult {
            status,
            is_deletion: self.is_deletion,
            events: std::mem::take(&mut self.events),
            stack,
        }))
    }

    fn never_began(&self, status: &StackStatus) -> Error {
        let name = &self.operation.stack;
        let message = format!(
            "CloudFormation took the operation on stack `{name}` and has shown no sign of it for {} minutes; the stack \
             is in {status}. Look at it before trying again",
            BEGINNING.as_secs() / 60
        );
        Error::new(ErrorKind::Unexpected, message)
    }

    fn tell(&mut self, new: Vec<Event>, observer: &mut dyn Observer) {
        for event in new {
            if event.is_of_stack {
                self.ended = event.is_end().then(|| event.status.clone());
            }
            observer.event(&event, self.counter.record(&event));
            self.events.push(event);
        }
    }
}
