//! What a mesh needs before any of its tasks can be started: an Envoy, a folder, and a place for each task.

use std::sync::Arc;

use envoy_install::{Envoy, HostEnv};

use crate::event::Event;
use crate::launcher::Launcher;
use crate::network::{MeshNetwork, NamespacesUnavailable, Network, check};
use crate::plan::Plan;
use crate::run_dir::{self, DirAccess, RunDir};

/// Why a mesh did not come up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no usable Envoy.
    #[error(transparent)]
    Envoy(#[from] envoy_install::Error),
    /// The machine refused something: a directory, a port.
    #[error("{what}")]
    Machine {
        /// What was tried.
        what: &'static str,
        /// The refusal.
        source: std::io::Error,
    },
    /// Tasks cannot have networks of their own here.
    #[error("{0}")]
    NamespacesUnavailable(NamespacesUnavailable),
    /// A task never became ready.
    #[error("{0}")]
    Task(String),
}

/// Looks for an Envoy, installing one if there is none. That blocks, so it has a thread of its own.
pub(super) async fn locate_envoy<F: Fn(Event) + Send + Sync + 'static>(on_event: F) -> Result<(Envoy, F), StartError> {
    let cancel = envoy_install::Cancel::new();
    // An installation takes a while, and a runtime does not go away before its blocking threads do: whoever drops
    // this future is not to wait for it.
    let _cancel_guard = cancel.cancel_on_drop();
    let looking = tokio::task::spawn_blocking(move || {
        let found = Envoy::locate_cancellable(&HostEnv::from_env(), &cancel, &mut |step| {
            on_event(Event::Preparing(step.to_string()));
        });
        (found, on_event)
    });
    let (found, on_event) = looking.await.map_err(|error| StartError::Machine {
        what: "looking for Envoy",
        source: std::io::Error::other(error),
    })?;
    let envoy = found?;
    on_event(Event::EnvoyFound {
        version: envoy.version.to_string(),
        path: envoy.path.clone(),
    });
    Ok((envoy, on_event))
}

/// Whether tasks can be where they are to be.
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
        what: "making networks for tasks",
        source,
    })?;
    Ok(Some(Arc::new(started)))
}

/// A folder for logs, sockets and bootstrap files. What killed runners left behind is removed.
pub(super) fn state_folder(network: Network) -> Result<RunDir, StartError> {
    let refused = |source| StartError::Machine {
        what: "making a folder for logs and sockets",
        source,
    };
    let parent = std::env::temp_dir();
    run_dir::remove_stale(&parent);
    // What applications print, and the sockets that can stop an Envoy, are nobody else's business.
    let access = match network {
        Network::Shared => DirAccess::Owner,
        Network::Namespaces => DirAccess::PassThrough,
    };
    let state = RunDir::create(&parent, access).map_err(|error| {
        // Built anew: the error has the operating system's as its source and in its words, too.
        refused(std::io::Error::new(
            error.kind(),
            format!("{error}; set TMPDIR to a folder that exists"),
        ))
    })?;
    // The kernel has room for 103 bytes (macOS) or 107 (Linux) of a socket's path, and those in here end in a slash,
    // a number and `.sock`.
    const ROOM: usize = 90;
    let length = state.path().as_os_str().len();
    if length > ROOM {
        let message = format!(
            "{} has {length} bytes, and Unix sockets leave room for {ROOM}; set TMPDIR to a shorter folder",
            state.path().display()
        );
        return Err(refused(std::io::Error::other(message)));
    }
    Ok(state)
}
