//! The mesh state as a source of snapshots: configures each Envoy, and announces changes.

use std::sync::Arc;

use envoy_bootstrap::{Identity, NodeMetadata, availability_zone, task_name};
use tokio::sync::watch;
use xds_server::{Configured, Node, Source, SourceError};

use crate::mesh_state::MeshState;
use crate::translate;

impl MeshState {
    /// The configuration of this Envoy. Pure: the same state and node give the same snapshot.
    ///
    /// # Errors
    ///
    /// If the node id or the node metadata are invalid, the service is in no Service Connect namespace, the mesh has no
    /// such virtual node or gateway, or the snapshot is inconsistent.
    pub fn configure(&self, node: &Node) -> Result<Configured, SourceError> {
        let unknown = |reason: String| SourceError::UnknownNode(reason);
        let translation = match Identity::parse(&node.id).map_err(|error| unknown(error.to_string()))? {
            Identity::Service(service) => {
                let metadata =
                    NodeMetadata::parse(&node.id, &node.metadata).map_err(|error| unknown(error.to_string()))?;
                translate::service_connect(self, &service, &metadata)
                    .ok_or_else(|| unknown(format!("service `{service}` is in no Service Connect namespace")))?
            }
            Identity::LoadBalancer(name) => {
                let metadata =
                    NodeMetadata::parse(&node.id, &node.metadata).map_err(|error| unknown(error.to_string()))?;
                translate::load_balancer(self, &name, &metadata)
                    .ok_or_else(|| unknown(format!("there is no load balancer `{name}`")))?
            }
            Identity::MeshNode(path) if !self.meshes.contains_key(&path.mesh) => {
                return Err(unknown(format!("there is no mesh `{}`", path.mesh)));
            }
            Identity::MeshNode(path) => {
                let metadata = NodeMetadata::parse_mesh_node(&node.id, &node.metadata)
                    .map_err(|error| unknown(error.to_string()))?;
                translate::app_mesh(self, &path, &metadata)
                    .ok_or_else(|| unknown(format!("there is no {} in mesh `{}`", path.description(), path.mesh)))?
            }
        };
        translation
            .snapshot
            .check()
            .map_err(|error| SourceError::Inconsistent {
                node: node.id.clone(),
                error,
            })?;
        Ok(Configured {
            snapshot: Arc::new(translation.snapshot),
            notes: translation.notes,
            task: task_name(&node.metadata).map(str::to_owned),
            zone: availability_zone(&node.metadata)
                .or(node.zone.as_deref())
                .map(str::to_owned),
        })
    }
}

/// A mesh state behind a [`ControlPlane`](crate::ControlPlane): each change is pushed to the Envoys that it concerns.
#[derive(Debug, Clone)]
pub struct MeshStateSource {
    state: Arc<watch::Sender<Arc<MeshState>>>,
    revision: Arc<watch::Sender<u64>>,
}

impl MeshStateSource {
    pub(crate) fn new(state: MeshState) -> Self {
        Self {
            state: Arc::new(watch::Sender::new(Arc::new(state))),
            revision: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Changes the state, and wakes the streams if it differs afterwards.
    pub(crate) fn update(&self, change: impl FnOnce(&mut MeshState)) {
        let changed = self.state.send_if_modified(|state| {
            let before = Arc::clone(state);
            change(Arc::make_mut(state));
            before != *state
        });
        if changed {
            self.revision.send_modify(|revision| *revision += 1);
        }
    }
}

impl Source for MeshStateSource {
    fn configure(&self, node: &Node) -> Result<Configured, SourceError> {
        let state = Arc::clone(&self.state.borrow());
        state.configure(node)
    }

    fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }
}
