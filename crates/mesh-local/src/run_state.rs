//! State of a task slot over its runs: status, restarts and processes.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// Status of a task, in the words of ECS's `lastStatus`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum TaskStatus {
    /// Its Envoy and containers start, or it waits for another service.
    #[default]
    Pending,
    /// Its essential containers are ready, and it is registered.
    Running,
    /// It completes its requests and ends.
    Deactivating,
    /// It has ended, and is not started again.
    Stopped,
}

impl TaskStatus {
    /// Its name, as ECS writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Deactivating => "DEACTIVATING",
            Self::Stopped => "STOPPED",
        }
    }
}

/// The state of a slot, shared with the code that describes it.
#[derive(Debug)]
pub(crate) struct RunState(Mutex<State>);

/// What is known of a slot.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) status: TaskStatus,
    /// The time of its last change of status.
    pub(crate) since: SystemTime,
    /// How often the task was started again after a failure.
    pub(crate) restarts: u32,
    pub(crate) last_failure: Option<String>,
    /// The process of each container and Envoy of this run, by name, which is the leader of a process group.
    pub(crate) processes: Vec<(String, u32)>,
}

impl Default for RunState {
    fn default() -> Self {
        Self(Mutex::new(State {
            status: TaskStatus::Pending,
            since: SystemTime::now(),
            restarts: 0,
            last_failure: None,
            processes: Vec::new(),
        }))
    }
}

impl RunState {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known now.
    pub(crate) fn get(&self) -> State {
        self.lock().clone()
    }

    /// Sets the status.
    pub(crate) fn enter(&self, status: TaskStatus) {
        let mut state = self.lock();
        if state.status != status {
            state.status = status;
            state.since = SystemTime::now();
        }
    }

    /// Notes that a process of this run was started.
    pub(crate) fn add_process(&self, name: &str, pid: u32) {
        self.lock().processes.push((name.to_owned(), pid));
    }

    /// Forgets the processes of a run, before they are reaped: their ids may be used again.
    pub(crate) fn forget_processes(&self) {
        self.lock().processes.clear();
    }

    /// Notes a failure after which the task is started again.
    pub(crate) fn failed(&self, reason: &str) {
        let mut state = self.lock();
        state.restarts += 1;
        state.last_failure = Some(reason.to_owned());
    }
}
