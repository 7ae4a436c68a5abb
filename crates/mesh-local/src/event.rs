//! Events of a mesh while it starts, runs and stops, for display.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use mesh_control::Addresses;

/// An event. `Display` is one line without a full stop; a failure is followed by the end of a log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// Progress of locating or installing Envoy.
    Preparing(String),
    /// The Envoy in use.
    EnvoyFound {
        /// Its version.
        version: String,
        /// Where it is.
        path: PathBuf,
    },
    /// The control plane is listening.
    ControlPlaneReady(Addresses),
    /// A resource of a template, or a part of one, that is ignored locally.
    NotSimulated {
        /// Its logical id, or the path of the part.
        logical_id: String,
        /// Its type, or the type of the part, such as `property`.
        kind: String,
    },
    /// Something that the plan takes for given without knowing it.
    Assumed {
        /// The path in the template.
        path: String,
        /// What is assumed, why, and what to do about it.
        note: String,
    },
    /// A task's Envoy has its configuration and accepts connections.
    EnvoyReady {
        /// The task.
        task: String,
        /// Envoy's process id.
        pid: u32,
        /// Time since its start.
        took: Duration,
    },
    /// A container was started.
    ContainerStarted {
        /// The task.
        task: String,
        /// The container.
        container: String,
        /// Its process id.
        pid: u32,
    },
    /// A step of a task takes unusually long.
    Waiting {
        /// The task.
        task: String,
        /// What is awaited, as text after "waiting for".
        what: String,
    },
    /// A task is ready and registered.
    TaskRunning {
        /// The task.
        task: String,
        /// Time since the start of its first process.
        took: Duration,
    },
    /// A task ended unexpectedly. It is restarted after `again_in`.
    TaskFailed {
        /// The task.
        task: String,
        /// The cause.
        reason: String,
        /// The last lines of the failed part's log and the path of the file, indented, if they may explain the cause.
        log: Option<String>,
        /// Time until the restart.
        again_in: Duration,
    },
    /// A task was stopped.
    TaskStopped {
        /// The task.
        task: String,
    },
    /// The control plane ended unexpectedly: Envoys keep their configuration and receive no changes.
    ControlPlaneFailed(String),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Preparing(what) => f.write_str(what),
            Event::EnvoyFound { version, path } => write!(f, "Envoy {version} at {}", path.display()),
            Event::ControlPlaneReady(addresses) => write!(
                f,
                "control plane at {}, its status at http://{}/status",
                addresses.xds, addresses.status
            ),
            Event::Assumed { path, note } => write!(f, "assumed: {path}: {note}"),
            Event::NotSimulated { logical_id, kind } => write!(f, "not simulated: {logical_id} ({kind})"),
            Event::EnvoyReady { task, pid, took } => {
                write!(f, "{task}: Envoy ready after {} ms (pid {pid})", took.as_millis())
            }
            Event::ContainerStarted { task, container, pid } => {
                write!(f, "{task}: container {container} started (pid {pid})")
            }
            Event::TaskRunning { task, took } => write!(f, "{task}: running after {} ms", took.as_millis()),
            Event::Waiting { task, what } => write!(f, "{task}: waiting for {what}"),
            Event::TaskFailed {
                task,
                reason,
                log,
                again_in,
            } => {
                write!(f, "{task}: {reason}; restarting the task")?;
                if !again_in.is_zero() {
                    write!(f, " in {} s", again_in.as_secs_f64())?;
                }
                match log {
                    Some(log) => write!(f, "; last log lines:\n{log}"),
                    None => Ok(()),
                }
            }
            Event::TaskStopped { task } => write!(f, "{task}: stopped"),
            Event::ControlPlaneFailed(reason) => write!(f, "the control plane failed: {reason}"),
        }
    }
}
