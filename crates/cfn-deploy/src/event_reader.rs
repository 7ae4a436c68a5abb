//! Reading the events of one operation: each once, none lost, those of no other.
//!
//! CloudFormation lists events from the newest to the oldest, by pages, and shows one a moment after it happened. So
//! each look reads back to something known, and a last one, once the operation has ended, reads back to its beginning.

use std::collections::HashSet;

use aws_sdk_cloudformation::types::StackEvent;

use super::environment::Environment;
use super::error::Error;
use super::event::Event;

/// One operation on a stack: all its events have its token (API reference, `StackEvent`, read 2026-11-23).
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) stack: String,
    pub(super) stack_id: String,
    /// `None` if whoever started it gave none.
    pub(super) token: Option<String>,
}

/// What was read of it.
#[derive(Debug)]
pub(super) struct Reader {
    operation: Operation,
    seen: HashSet<String>,
}

impl Reader {
    pub(super) fn new(operation: Operation) -> Self {
        Self {
            operation,
            seen: HashSet::new(),
        }
    }

    /// What is new, from the first to the last. `back_to_start` reads all the way.
    pub(super) async fn read(&mut self, environment: &Environment, back_to_start: bool) -> Result<Vec<Event>, Error> {
        let mut new = Vec::new();
        // Nothing counts as seen before all of it was read: a page that cannot be had now is read with the next look.
        let mut seen = self.seen.clone();
        let mut next = None;
        loop {
            let (page, following) = environment.events(&self.operation, next).await?;
            let mut known = false;
            let mut start = false;
            for event in page {
                if event.client_request_token.as_deref().filter(|token| !token.is_empty())
                    != self.operation.token.as_deref()
                {
                    continue;
                }
                let event = Event::read(event);
                start = event.is_start();
                if seen.insert(event.id.clone()) {
                    new.push(event);
                } else {
                    known = true;
                }
                if start {
                    break;
                }
            }
            // Events that came late stand before some that are known, so a page is read to its end.
            next = following;
            if start || next.is_none() || (known && !back_to_start) {
                break;
            }
        }
        self.seen = seen;
        new.reverse();
        Ok(new)
    }
}

impl Environment {
    /// One page of a stack's events, the newest first, and what leads to the next.
    async fn events(
        &self,
        operation: &Operation,
        next: Option<String>,
    ) -> Result<(Vec<StackEvent>, Option<String>), Error> {
        let call = self
            .cloudformation()
            .describe_stack_events()
            .stack_name(&operation.stack_id)
            .set_next_token(next);
        let answer = call.send().await;
        let answer = answer.map_err(|error| self.call_error("DescribeStackEvents", &operation.stack, &error))?;
        let next = answer.next_token.filter(|token| !token.is_empty());
        Ok((answer.stack_events.unwrap_or_default(), next))
    }

    /// The operation that is under way on a stack: the one whose beginning is the newest.
    pub(super) async fn operation(&self, stack: &str, stack_id: &str) -> Result<Operation, Error> {
        let mut operation = Operation {
            stack: stack.to_owned(),
            stack_id: stack_id.to_owned(),
            token: None,
        };
        let mut next = None;
        loop {
            let (page, following) = self.events(&operation, next).await?;
            for event in page {
                let token = event.client_request_token.clone().filter(|token| !token.is_empty());
                if Event::read(event).is_start() {
                    operation.token = token;
                    return Ok(operation);
                }
            }
            next = following;
            if next.is_none() {
                return Ok(operation);
            }
        }
    }
}
