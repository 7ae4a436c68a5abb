//! Reads the stack events of one operation, each exactly once.
//!
//! CloudFormation lists events from the newest to the oldest, in pages, and with a delay. So each poll reads back to a
//! known event, and the last one, after the end of the operation, reads back to its start.

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
    /// `None` if the operation was started without one.
    pub(super) token: Option<String>,
}

/// Remembers the events that were read.
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

    /// The new events, oldest first. `back_to_start` reads back to the start of the operation.
    pub(super) async fn read(&mut self, environment: &Environment, back_to_start: bool) -> Result<Vec<Event>, Error> {
        let mut new = Vec::new();
        // Events count as seen only after all pages were read: a failed page is read again by the next poll.
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
            // Late events are listed before known ones, so a page is read to its end.
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
    /// One page of a stack's events, newest first, and the token of the next page.
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
        let response = call.send().await;
        let response = response.map_err(|error| self.call_error("DescribeStackEvents", &operation.stack, error))?;
        let next = response.next_token.filter(|token| !token.is_empty());
        Ok((response.stack_events.unwrap_or_default(), next))
    }

    /// The operation in progress on a stack: the one with the newest start event.
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
