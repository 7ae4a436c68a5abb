//! Prerequisites of a mesh: an Envoy, a network, and a run directory.

use std::sync::Arc;

use envoy_install::{Envoy, HostEnv};

use crate::event::Event;
use crate::launcher::Launcher;
use crate::network::{MeshNetwork, NamespacesUnavailable, Network, check};
use crate::plan::Plan;
use crate::run_dir::{self, DirAccess, RunDir};

/// Why a mesh did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no usable Envoy.
    #[error(transparent)]
    Envoy(#[from] envoy_install::Error),
    /// A system call failed, for example for a directory or a port.
    #[error("{what}")]
    Machine {
        /// The failed step.
        what: &'static str,
        /// The cause.
        source: std::io::Error,
    },
    /// Network namespaces are not available.
    #[error(transparent)]
    NamespacesUnavailable(NamespacesUnavailable),
    /// A task never became ready.
    #[error("{0}")]
    Task(String),
}

/// Locates an Envoy, or installs one. Runs on a thread of its own, as it blocks.
pub(super) async fn locate_envoy<F: Fn(Event) + Send + Sync + 'static>(on_event: F) -> Result<(Envoy, F), StartError> {
    let cancel = envoy_install::Cancel::new();
    // A runtime waits for its blocking threads, and an installation takes a while: dropping this future must stop it.
    let _cancel_guard = cancel.cancel_on_drop();
    let looking = tokio::task::spawn_blocking(move || {
        let found = Envoy::locate_cancellable(&HostEnv::from_env(), &cancel, &mut |step| {
            on_event(Event::Preparing(step.to_string()));
        });
        (found, on_event)
    });
    let (found, on_event) = looking.await.map_err(|error| StartError::Machine {
        what: "cannot locate Envoy",
        source: std::io::Error::other(error),
    })?;
    let envoy = found?;
    on_event(Event::EnvoyFound {
        version: envoy.version.to_string(),
        path: envoy.path.clone(),
    });
    Ok((envoy, on_event))
}

/// Creates the network for task namespaces, if this mode needs it.
pub(super) async fn network(
    network: Network,
    plan: &Plan,
    launcher: &Launcher,
) -> Result<Option<Arc<MeshNetwork>>, StartError> {
    if network == Network::Shared {
        return Ok(None);
    }
    check().map_err(StartError::NamespacesUnavailable)?;
    let started = MeshNetwork::start(plan, launcher).await;
    let started = started.map_err(|source| StartError::Machine {
        what: "cannot create the network for tasks",
        source,
    })?;
    Ok(Some(Arc::new(started)))
}

/// Creates a run directory for logs, sockets and bootstrap files. Removes stale ones.
pub(super) fn create_run_dir(network: Network) -> Result<RunDir, StartError> {
    let failed = |source| StartError::Machine {
        what: "cannot create a directory for logs and sockets",
        source,
    };
    let parent = std::env::temp_dir();
    run_dir::remove_stale(&parent);
    // Logs, and sockets that can stop an Envoy, are private.
    let access = match network {
        Network::Shared => DirAccess::Owner,
        Network::Namespaces => DirAccess::PassThrough,
    };
    let run_dir = RunDir::create(&parent, access).map_err(|error| {
        // A new error: the original would appear in the message and as its source.
        failed(std::io::Error::new(
            error.kind(),
            format!("{error}; set TMPDIR to an existing directory"),
        ))
    })?;
    // Paths of Unix sockets are limited to 103 bytes (macOS) or 107 (Linux); those in this directory end in a slash, a
    // number and `.sock`.
    const MAX_LENGTH: usize = 90;
    let length = run_dir.path().as_os_str().len();
    if length > MAX_LENGTH {
        let message = format!(
            "{} has {length} bytes, and paths of Unix sockets allow {MAX_LENGTH}; set TMPDIR to a shorter path",
            run_dir.path().display()
        );
        return Err(failed(std::io::Error::other(message)));
    }
    Ok(run_dir)
}
