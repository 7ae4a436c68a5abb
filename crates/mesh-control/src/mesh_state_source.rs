//! From what is true for all Envoys to what one of them should have, now and whenever that changes.

use std::sync::Arc;

use tokio::sync::watch;

use crate::mesh_state::MeshState;
use crate::node::{Identity, Node, NodeMetadata};
use crate::source::{Configured, Source, SourceError};
use crate::translate;

impl MeshState {
    /// What this Envoy should have. Pure: the same world and node give the same snapshot, without any network.
    ///
    /// # Errors
    ///
    /// If the node's id or wiring cannot be understood, its service takes no part in Service Connect, its mesh has no
    /// such virtual node or gateway, or what is true for it contradicts itself.
    pub fn configure(&self, node: &Node) -> Result<Configured, SourceError> {
        let unknown = |reason: String| SourceError::UnknownNode(reason);
        let translation = match Identity::parse(&node.id).map_err(|error| unknown(error.to_string()))? {
            Identity::Service(service) => {
                let wiring = NodeMetadata::from_node(node).map_err(|error| unknown(error.to_string()))?;
                translate::service_connect(self, &service, &wiring)
                    .ok_or_else(|| unknown(format!("no service `{service}` takes part in Service Connect")))?
            }
            Identity::MeshNode(path) => {
                let wiring = NodeMetadata::from_mesh_node(node).map_err(|error| unknown(error.to_string()))?;
                translate::app_mesh(self, &path, &wiring)
                    .ok_or_else(|| unknown(format!("there is no {} in mesh `{}`", path.in_words(), path.mesh)))?
            }
        };
        translation
            .snapshot
            .check()
            .map_err(|diagnostics| SourceError::Inconsistent {
                node: node.id.clone(),
                diagnostics,
            })?;
        Ok(Configured {
            snapshot: Arc::new(translation.snapshot),
            notes: translation.notes,
        })
    }
}

/// The world as a source: every change to it reaches the Envoys it concerns.
#[derive(Debug, Clone)]
pub(crate) struct MeshStateSource {
    world: Arc<watch::Sender<Arc<MeshState>>>,
    revision: Arc<watch::Sender<u64>>,
}

impl MeshStateSource {
    pub(crate) fn new(world: MeshState) -> Self {
        Self {
            world: Arc::new(watch::Sender::new(Arc::new(world))),
            revision: Arc::new(watch::Sender::new(0)),
        }
    }

    /// How often the world has changed.
    pub(crate) fn revision(&self) -> u64 {
        *self.revision.borrow()
    }

    /// Changes the world, and wakes the streams if that made a difference.
    pub(crate) fn update(&self, change: impl FnOnce(&mut MeshState)) {
        let changed = self.world.send_if_modified(|world| {
            let before = Arc::clone(world);
            change(Arc::make_mut(world));
            before != *world
        });
        if changed {
            self.revision.send_modify(|revision| *revision += 1);
        }
    }
}

impl Source for MeshStateSource {
    fn configure(&self, node: &Node) -> Result<Configured, SourceError> {
        let world = Arc::clone(&self.world.borrow());
        world.configure(node)
    }

    fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }
}
