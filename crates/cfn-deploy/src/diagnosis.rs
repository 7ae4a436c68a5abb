//! Diagnosis of ECS services: why their tasks stopped, and the log lines of the containers that exited.
//!
//! A rollback deletes the service and the log groups of the stack, so the reasons are read while the operation is in
//! progress.

mod causes;
mod read;
mod render;
mod service_events;
mod task;
mod watch;

pub(super) use watch::ServiceWatch;

/// Why an ECS service does not become stable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceDiagnosis {
    /// The logical id of the service in the template.
    pub logical_id: String,
    /// The name of the ECS service.
    pub service: String,
    /// The number of its tasks that stopped during the operation, without those that ECS stopped to scale in.
    pub stopped: usize,
    /// Stopped tasks, one group per distinct reason, the oldest first.
    pub groups: Vec<StoppedTasks>,
    /// The last distinct messages of the service's event log, oldest first.
    pub events: Vec<String>,
    /// Likely causes and their remedies.
    pub remedies: Vec<String>,
    /// What could not be read, and why.
    pub unread: Vec<String>,
}

/// Tasks that stopped for the same reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoppedTasks {
    /// The number of tasks.
    pub count: usize,
    /// The ID of the oldest one, which the containers and logs are of.
    pub task: String,
    /// ECS's stop code, such as `EssentialContainerExited`. Empty if ECS has none.
    pub code: String,
    /// ECS's reason.
    pub reason: String,
    /// Its containers that exited or failed, the essential ones first.
    pub containers: Vec<StoppedContainer>,
}

/// A container of a stopped task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoppedContainer {
    /// Its name.
    pub name: String,
    /// Whether the task stops with it.
    pub is_essential: bool,
    /// Its image.
    pub image: String,
    /// Its exit code, if it ran.
    pub exit_code: Option<i64>,
    /// ECS's reason, if it has one.
    pub reason: String,
    /// Where its log is: "log group `/ecs/web`, stream `web/app/0123`". `None` if it does not log to CloudWatch Logs.
    pub log_location: Option<String>,
    /// Why its log could not be read.
    pub log_error: Option<String>,
    /// The last lines of its log, oldest first, with control characters escaped: at most 200 lines of 400 characters.
    pub log: Vec<String>,
}

impl ServiceDiagnosis {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stopped == 0 && self.events.is_empty() && self.unread.is_empty()
    }
}
