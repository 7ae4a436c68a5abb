//! What happens while a mesh comes up, runs and goes down, for whoever wants to show it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use mesh_control::Addresses;

/// Something that happened. `Display` is one line without a full stop, for people; a failure has the end of a log
/// below it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// Envoy is being looked for or installed. The text says which.
    Preparing(String),
    /// The Envoy that will be used.
    EnvoyFound {
        /// Its version.
        version: String,
        /// Where it is.
        path: PathBuf,
    },
    /// The control plane listens.
    ControlPlaneReady(Addresses),
    /// A resource of a template, or a part of one, that has no meaning on one machine.
    NotSimulated {
        /// Its logical id, or the path of the part.
        logical_id: String,
        /// Its type, or what the part is: a property for instance.
        kind: String,
    },
    /// A task's Envoy has its configuration and takes connections.
    EnvoyReady {
        /// The task.
        task: String,
        /// Envoy's process id.
        pid: u32,
        /// How long that took since it was started.
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
    /// Something on a task's way takes unusually long.
    Waiting {
        /// The task.
        task: String,
        /// What is waited for, as it reads after "waiting for".
        what: String,
    },
    /// A task is ready and registered: others can reach it.
    TaskRunning {
        /// The task.
        task: String,
        /// How long that took since its first process was started.
        took: Duration,
    },
    /// A task ended although nobody asked it to. It is started again after `again_in`.
    TaskFailed {
        /// The task.
        task: String,
        /// What happened.
        reason: String,
        /// The last lines of the log of what failed and where all of it is, indented, if they tell anything.
        log: Option<String>,
        /// How long until it is started again.
        again_in: Duration,
    },
    /// A task was asked to stop and has.
    TaskStopped {
        /// The task.
        task: String,
    },
    /// The control plane ended although nobody asked it to: Envoys keep what they have and learn nothing new.
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
                write!(f, "{task}: {reason}; starting the task again")?;
                if !again_in.is_zero() {
                    write!(f, " in {} s", again_in.as_secs_f64())?;
                }
                match log {
                    Some(log) => write!(f, "; the end of its log:\n{log}"),
                    None => Ok(()),
                }
            }
            Event::TaskStopped { task } => write!(f, "{task}: stopped"),
            Event::ControlPlaneFailed(reason) => write!(f, "the control plane failed: {reason}"),
        }
    }
}
