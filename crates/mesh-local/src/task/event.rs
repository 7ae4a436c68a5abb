//! Events that the parts of a task send to the task.

use crate::process::TaskFailure;

/// An event of a task's container or Envoy.
#[derive(Debug)]
pub(crate) enum TaskEvent {
    /// The task cannot continue.
    Failed(TaskFailure),
    /// A step takes unusually long; the text follows "waiting for".
    WaitingFor(String),
}
