//! What CloudFormation tells while an operation is under way, and how far that is. Pure but for reading an answer.

use std::collections::BTreeMap;
use std::fmt;

use aws_sdk_cloudformation::types::{DetailedStatus, StackEvent};

/// The type of a stack among resources.
pub(super) const STACK: &str = "AWS::CloudFormation::Stack";

/// One thing that happened to a stack or a resource of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What no other event has.
    pub id: String,
    /// When, in milliseconds since 1970.
    pub time: i64,
    /// The logical id of the resource; the stack's name, if it is about the stack.
    pub logical_id: String,
    /// The physical id, once there is one.
    pub physical_id: String,
    /// The type of the resource, such as `AWS::ECS::Service`.
    pub kind: String,
    /// What it is now, such as `CREATE_FAILED`.
    pub status: String,
    /// Why.
    pub reason: Option<String>,
    /// Whether it is about the stack itself.
    pub is_of_stack: bool,
    /// Whether the stack failed because CloudFormation judged it before it began.
    pub(super) is_validation: bool,
}

impl Event {
    pub(super) fn read(event: StackEvent) -> Self {
        let kind = event.resource_type.unwrap_or_default();
        let physical_id = event.physical_resource_id.unwrap_or_default();
        let is_of_stack = kind == STACK && Some(&physical_id) == event.stack_id.as_ref();
        let detailed = event.detailed_status.as_ref().map(DetailedStatus::as_str);
        Self {
            id: event.event_id.unwrap_or_default(),
            time: event
                .timestamp
                .and_then(|time| time.to_millis().ok())
                .unwrap_or_default(),
            logical_id: event.logical_resource_id.unwrap_or_default(),
            physical_id,
            kind,
            status: event
                .resource_status
                .map_or_else(String::new, |status| status.as_str().to_owned()),
            reason: event.resource_status_reason.filter(|reason| !reason.is_empty()),
            is_of_stack,
            is_validation: detailed == Some("VALIDATION_FAILED"),
        }
    }

    /// Whether something did not succeed.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.status.ends_with("_FAILED")
    }

    /// Whether it is the beginning of an operation on the stack.
    pub(super) fn is_start(&self) -> bool {
        let start = matches!(
            self.status.as_str(),
            "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" | "DELETE_IN_PROGRESS" | "IMPORT_IN_PROGRESS"
        );
        self.is_of_stack && start
    }

    /// Whether it may be the end of an operation on the stack.
    pub(super) fn is_end(&self) -> bool {
        self.is_of_stack && !self.status.ends_with("_IN_PROGRESS")
    }

    /// Whether CloudFormation begins to take back what it did.
    pub(super) fn is_rollback(&self) -> bool {
        self.is_of_stack
            && matches!(
                self.status.as_str(),
                "ROLLBACK_IN_PROGRESS" | "UPDATE_ROLLBACK_IN_PROGRESS"
            )
    }
}

/// One line: "CREATE_FAILED AWS::SSM::Parameter State: the reason".
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.status, self.kind, self.logical_id)?;
        match &self.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

/// How far an operation is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many resources are done.
    pub finished: usize,
    /// Of how many, if that is known. While CloudFormation takes back what it did: how many it had begun with.
    pub total: Option<usize>,
    /// Whether CloudFormation takes back what it did.
    pub is_rollback: bool,
}

/// Counts resources by their last events.
#[derive(Debug, Default)]
pub(super) struct ProgressCounter {
    total: Option<usize>,
    is_rollback: bool,
    /// By logical id: whether it is done.
    resources: BTreeMap<String, bool>,
}

impl ProgressCounter {
    pub(super) fn new(total: Option<usize>) -> Self {
        Self {
            total,
            ..Self::default()
        }
    }

    pub(super) fn record(&mut self, event: &Event) -> Progress {
        if event.is_rollback() && !self.is_rollback {
            self.is_rollback = true;
            self.total = Some(self.resources.len());
            self.resources.clear();
        }
        if !event.is_of_stack {
            let done = !event.status.ends_with("_IN_PROGRESS");
            // What is done stays so: the old one of two is deleted afterwards.
            let known = self.resources.entry(event.logical_id.clone()).or_default();
            *known = *known || done;
        }
        let finished = self.resources.values().filter(|done| **done).count();
        Progress {
            finished,
            total: self.total.map(|total| total.max(self.resources.len())),
            is_rollback: self.is_rollback,
        }
    }
}

/// Whoever wants to know what happens. It is told from within the future that it was given to, so it should be quick.
pub trait Observer: Send {
    /// Something happened to the stack or to a resource, and this far it is.
    fn event(&mut self, event: &Event, progress: Progress);

    /// Something else happened that somebody may want to read: a sentence. Default, decided by us: it is passed over.
    fn note(&mut self, note: &str) {
        let _ = note;
    }
}

/// Nobody wants to know.
impl Observer for () {
    fn event(&mut self, _: &Event, _: Progress) {}
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An event from "CREATE_FAILED Id" or "CREATE_FAILED Id: reason"; the stack's own id is `demo`.
    pub(crate) fn event(text: &str) -> Event {
        let (head, reason) = text
            .split_once(": ")
            .map_or((text, None), |(head, reason)| (head, Some(reason)));
        let (status, id) = head.split_once(' ').expect("a status and an id");
        let is_of_stack = id == "demo";
        let kind = if is_of_stack { STACK } else { "AWS::SSM::Parameter" };
        Event {
            id: text.to_owned(),
            time: 0,
            logical_id: id.to_owned(),
            physical_id: String::new(),
            kind: kind.to_owned(),
            status: status.to_owned(),
            reason: reason.map(str::to_owned),
            is_of_stack,
            is_validation: false,
        }
    }

    #[test]
    fn progress_counts_resources_once_and_anew_while_they_are_taken_back() {
        let rows = [
            ("UPDATE_IN_PROGRESS demo", 0, Some(3), false),
            ("CREATE_IN_PROGRESS A", 0, Some(3), false),
            ("CREATE_IN_PROGRESS A", 0, Some(3), false),
            ("CREATE_COMPLETE A", 1, Some(3), false),
            ("UPDATE_COMPLETE B", 2, Some(3), false),
            ("DELETE_IN_PROGRESS B", 2, Some(3), false),
            ("DELETE_COMPLETE B", 2, Some(3), false),
            ("UPDATE_FAILED C", 3, Some(3), false),
            ("UPDATE_ROLLBACK_IN_PROGRESS demo", 0, Some(3), true),
            ("UPDATE_COMPLETE B", 1, Some(3), true),
            ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS demo", 1, Some(3), true),
            ("DELETE_SKIPPED A", 2, Some(3), true),
            ("UPDATE_ROLLBACK_COMPLETE demo", 2, Some(3), true),
        ];
        let mut counter = ProgressCounter::new(Some(3));
        for (text, finished, total, is_rollback) in rows {
            let expected = Progress {
                finished,
                total,
                is_rollback,
            };
            assert_eq!(counter.record(&event(text)), expected, "{text}");
        }
        let mut unknown = ProgressCounter::new(None);
        assert_eq!(unknown.record(&event("CREATE_COMPLETE A")).total, None);
        let mut more = ProgressCounter::new(Some(1));
        more.record(&event("CREATE_COMPLETE A"));
        assert_eq!(more.record(&event("CREATE_COMPLETE B")).total, Some(2));
    }
}
