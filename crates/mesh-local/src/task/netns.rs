//! Where one life of a task takes place: on the machine as it is, or in a network made for it.

use std::path::Path;

use super::TaskContext;
use crate::envoy::Files;
use crate::launcher::Launcher;
use crate::network::BOOTSTRAP;
use crate::process::{ProcessExit, TaskFailure};
use crate::slot::{EnteredNetns, Slot};

/// Where one life of a task takes place.
pub(super) struct TaskNetns<'a> {
    slot: &'a Slot,
    network: Option<EnteredNetns<'a>>,
    containers: Launcher,
    envoy: Launcher,
}

impl<'a> TaskNetns<'a> {
    /// Makes the task's network, if it has its own.
    ///
    /// # Errors
    ///
    /// If the machine refuses.
    pub(super) async fn enter(slot: &'a Slot, shared: &TaskContext) -> Result<Self, TaskFailure> {
        let launcher = &shared.launcher;
        let (Some(own), Some(mesh)) = (slot.network(), &shared.network) else {
            return Ok(Self {
                slot,
                network: None,
                containers: launcher.clone(),
                envoy: launcher.clone(),
            });
        };
        let inhabited = own
            .enter(mesh.bridge(), &slot.directory, &shared.envoy, launcher)
            .await
            .map_err(|error| error.to_string())?;
        let inside = launcher.clone().in_netns(inhabited.pid());
        Ok(Self {
            slot,
            network: Some(inhabited),
            envoy: match own.envoy() {
                Some((_, user)) => inside.clone().as_user(user),
                None => inside.clone(),
            },
            containers: inside,
        })
    }

    /// What starts its containers.
    pub(super) fn of_containers(&self) -> &Launcher {
        &self.containers
    }

    /// What starts its Envoy.
    pub(super) fn of_envoy(&self) -> &Launcher {
        &self.envoy
    }

    /// The process that holds its network, if it has its own.
    pub(super) fn holder(&self) -> Option<u32> {
        self.network.as_ref().map(EnteredNetns::pid)
    }

    /// Where its Envoy finds its files. `executable` is the machine's Envoy.
    pub(super) fn files_of_envoy(&self, executable: &Path) -> Files {
        let log = self.slot.directory.join("envoy.log");
        // In a folder that Envoy's user cannot change, whoever that is.
        let bootstrap = self.slot.directory.join(BOOTSTRAP);
        match self.slot.network().and_then(|network| network.envoy()) {
            Some((folder, _)) => Files {
                executable: folder.executable(),
                seen_bootstrap: folder.bootstrap(),
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

    /// Waits until its network is gone although nobody took it away; forever if it has none. Cancelling this loses
    /// nothing.
    pub(super) async fn lost(&self) -> TaskFailure {
        match &self.network {
            Some(network) => {
                let ProcessExit { how, .. } = network.lost().await;
                TaskFailure::from(format!(
                    "its network is gone: process {}, which held it, {how}",
                    network.pid()
                ))
            }
            None => std::future::pending().await,
        }
    }

    /// Takes the network away, if the task has its own. Whoever is still in it has lost all connections.
    pub(super) async fn leave(self) {
        if let Some(network) = self.network {
            network.leave().await;
        }
    }
}
