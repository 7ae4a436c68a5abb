//! Stack events and the progress of an operation. Pure.

use std::collections::BTreeMap;
use std::fmt;

use aws_sdk_cloudformation::types::{DetailedStatus, StackEvent};

/// The type of a stack among resources.
pub(super) const STACK: &str = "AWS::CloudFormation::Stack";

/// An event of a stack or of one of its resources.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The unique id of the event.
    pub id: String,
    /// The time in milliseconds since 1970.
    pub time: i64,
    /// The logical id of the resource, or the name of the stack.
    pub logical_id: String,
    /// The physical id, if known.
    pub physical_id: String,
    /// The type of the resource, such as `AWS::ECS::Service`.
    pub kind: String,
    /// The status of the resource, such as `CREATE_FAILED`.
    pub status: String,
    /// The reason of the status.
    pub reason: Option<String>,
    /// Whether it is an event of the stack itself.
    pub is_of_stack: bool,
    /// Whether the stack failed CloudFormation's validation before the operation.
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

    /// Whether it is a failure.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.status.ends_with("_FAILED")
    }

    /// Whether it is the start of an operation on the stack.
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

    /// Whether it is the start of a rollback.
    pub(super) fn is_rollback(&self) -> bool {
        self.is_of_stack
            && matches!(
                self.status.as_str(),
                "ROLLBACK_IN_PROGRESS" | "UPDATE_ROLLBACK_IN_PROGRESS" | "IMPORT_ROLLBACK_IN_PROGRESS"
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

/// The progress of an operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The number of finished resources.
    pub finished: usize,
    /// The total number of resources, if known. During a rollback: the number of resources to roll back.
    pub total: Option<usize>,
    /// Whether the operation is being rolled back.
    pub is_rollback: bool,
}

/// Counts finished resources.
#[derive(Debug, Default)]
pub(super) struct ProgressCounter {
    total: Option<usize>,
    is_rollback: bool,
    /// Whether each resource is finished, by logical id.
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
            // A finished resource stays finished: after a replacement, the old one is deleted.
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

/// Receives stack events. It is called from within the operation's future, so it should be quick.
pub trait Observer: Send {
    /// A stack event, and the progress after it.
    fn event(&mut self, event: &Event, progress: Progress);

    /// A message about anything else, such as a retry. Default: ignored.
    fn note(&mut self, note: &str) {
        let _ = note;
    }
}

/// Ignores all events.
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
    fn progress_counts_each_resource_once_and_restarts_with_a_rollback() {
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
