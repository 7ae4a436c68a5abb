//! The network of one task run: the machine's, or a namespace created for it.

use std::path::Path;

use super::context::TaskContext;
use crate::envoy::Files;
use crate::launcher::Launcher;
use crate::network::{BOOTSTRAP, User};
use crate::plan::{ContainerPlan, ContainerUser};
use crate::process::{ProcessExit, TaskFailure};
use crate::slot::{EnteredNetns, Slot};

/// The network of one task run, with launchers for its programs.
pub(super) struct TaskNetns<'a> {
    slot: &'a Slot,
    network: Option<EnteredNetns<'a>>,
    containers: Launcher,
    envoy: Launcher,
}

impl<'a> TaskNetns<'a> {
    /// Creates the task's network namespace, in [`Network::Namespaces`](crate::Network::Namespaces).
    ///
    /// # Errors
    ///
    /// If the namespace cannot be created.
    pub(super) async fn enter(slot: &'a Slot, context: &TaskContext) -> Result<Self, TaskFailure> {
        let launcher = &context.launcher;
        let (Some(own), Some(mesh)) = (slot.network(), &context.network) else {
            return Ok(Self {
                slot,
                network: None,
                containers: launcher.clone(),
                envoy: launcher.clone(),
            });
        };
        let entered = own
            .enter(mesh.bridge(), &slot.dir, &context.envoy, launcher)
            .await
            .map_err(|error| error.to_string())?;
        let in_netns = launcher.clone().in_netns(entered.pid());
        Ok(Self {
            slot,
            network: Some(entered),
            envoy: match own.envoy() {
                Some((_, user)) => in_netns.clone().with_user(user),
                None => in_netns.clone(),
            },
            containers: in_netns,
        })
    }

    /// Launches a container, as its user.
    pub(super) fn container_launcher(&self, plan: &ContainerPlan) -> Launcher {
        let launcher = self.containers.clone();
        match plan.user {
            Some(ContainerUser { uid, gid }) if self.network.is_some() => {
                launcher.with_user(User { id: uid, group: gid })
            }
            Some(_) | None => launcher,
        }
    }

    /// Launches its Envoy.
    pub(super) fn envoy_launcher(&self) -> &Launcher {
        &self.envoy
    }

    /// The init process of its network namespace, if it has one.
    pub(super) fn init_pid(&self) -> Option<u32> {
        self.network.as_ref().map(EnteredNetns::pid)
    }

    /// The files of its Envoy. `executable` is the machine's Envoy.
    pub(super) fn envoy_files(&self, executable: &Path) -> Files {
        let log = self.slot.dir.join("envoy.log");
        // In a directory that Envoy's user cannot modify.
        let bootstrap = self.slot.dir.join(BOOTSTRAP);
        match self.slot.network().and_then(|network| network.envoy()) {
            Some((dir, _)) => Files {
                executable: dir.executable(),
                seen_bootstrap: dir.bootstrap(),
                bootstrap,
                log,
            },
            None => Files {
                executable: executable.to_owned(),
                seen_bootstrap: bootstrap.clone(),
                bootstrap,
                log,
            },
        }
    }

    /// Waits for an unexpected end of its network namespace; forever if it has none. Cancelling this loses nothing.
    pub(super) async fn lost(&self) -> TaskFailure {
        match &self.network {
            Some(network) => {
                let ProcessExit { description, .. } = network.lost().await;
                TaskFailure::from(format!(
                    "its network namespace is gone: init process {} {description}",
                    network.pid()
                ))
            }
            None => std::future::pending().await,
        }
    }

    /// Removes the network namespace, if any. Programs that are still in it lose all connections.
    pub(super) async fn leave(self) {
        if let Some(network) = self.network {
            network.leave().await;
        }
    }
}
