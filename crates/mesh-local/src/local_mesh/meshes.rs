//! Replaces the meshes of a running plan, as an API of its control plane changes them.

use std::collections::BTreeMap;

use mesh_model::app_mesh::Topology;

use super::{ApplyError, LocalMesh};
use crate::mesh_state::{end_replacement, replace_meshes};

impl LocalMesh {
    /// The meshes of App Mesh that the Envoys are configured with, by name.
    #[must_use]
    pub fn meshes(&self) -> &BTreeMap<String, Topology> {
        &self.plan.meshes
    }

    /// Replaces all meshes, and pushes the changes to the Envoys: make before break, without restarting a task. Ports
    /// that the task of a virtual node does not have are left out, with a note on the status page; a port that a virtual
    /// node gives up is served until every Envoy has responded, for at most ten seconds.
    ///
    /// Cancelling this leaves the new meshes in effect.
    ///
    /// # Errors
    ///
    /// If there are more virtual services than addresses in the network between the tasks, or a certificate cannot be
    /// made. The mesh is unchanged.
    pub async fn set_meshes(&mut self, meshes: BTreeMap<String, Topology>) -> Result<(), ApplyError> {
        let before = std::mem::replace(&mut self.plan.meshes, meshes);
        if let Some(network) = &self.network
            && let Err(error) = network.add_names(&self.plan)
        {
            self.plan.meshes = before;
            network.retain_names(&self.plan);
            return Err(ApplyError::NoAddress(error));
        }
        if let Err(error) = self.provide_certificates(&self.plan.clone()) {
            self.plan.meshes = before;
            return Err(error);
        }
        let mut has_former_listeners = false;
        self.control.update(|state| {
            replace_meshes(state, self.plan.meshes.clone());
            has_former_listeners = !state.extra_listeners.is_empty();
        });
        if has_former_listeners {
            self.settled().await;
            self.control.update(end_replacement);
        }
        if let Some(network) = &self.network {
            network.retain_names(&self.plan);
            self.task_set.publish();
        }
        Ok(())
    }
}
