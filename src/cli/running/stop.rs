//! `down`: stops a running mesh.

use std::time::Duration;

use mesh_local::RunDir;
use rustix::process::{Pid, Signal, kill_process};

use crate::running::registry::RunningMesh;

/// Interval between two looks at the mesh.
const INTERVAL: Duration = Duration::from_millis(50);
/// Tasks have at most 30 s to stop unless their template says more, and Envoys ten more.
const TIMEOUT: Duration = Duration::from_secs(150);

#[derive(Debug, thiserror::Error)]
pub(crate) enum StopError {
    #[error("cannot stop mesh {mesh} (pid {pid})")]
    Signal {
        mesh: String,
        pid: u32,
        #[source]
        source: std::io::Error,
    },
    #[error("mesh {mesh} (pid {pid}) has not stopped within {} s", TIMEOUT.as_secs())]
    TimedOut { mesh: String, pid: u32 },
}

/// Sends SIGTERM to the program of a mesh, and waits until its run directory is free.
pub(super) async fn run(mesh: &RunningMesh) -> Result<(), StopError> {
    let pid = i32::try_from(mesh.pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        kill_process(pid, Signal::TERM).map_err(|source| StopError::Signal {
            mesh: mesh.name.clone(),
            pid: mesh.pid,
            source: source.into(),
        })?;
    }
    let stopped = async {
        while RunDir::is_in_use(&mesh.run_dir) {
            tokio::time::sleep(INTERVAL).await;
        }
    };
    let stopped = tokio::time::timeout(TIMEOUT, stopped).await;
    stopped.map_err(|_| StopError::TimedOut {
        mesh: mesh.name.clone(),
        pid: mesh.pid,
    })
}
