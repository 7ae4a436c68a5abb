//! The mesh state as a source of snapshots: configures each Envoy, and announces changes.

use std::sync::Arc;

use envoy_bootstrap::task_name;
use tokio::sync::watch;
use xds_server::{Configured, Node, Source, SourceError};

use crate::configuration::{NodeKey, PartError};
use crate::incremental::{Translations, zone_of};
use crate::mesh_state::MeshState;
use crate::translate::Translation;

impl MeshState {
    /// The configuration of this Envoy, translated from scratch. Pure: the same state and node give the same snapshot.
    ///
    /// # Errors
    ///
    /// If the node id or the node metadata are invalid, the service is in no Service Connect namespace, the mesh has no
    /// such virtual node or gateway, there is no such load balancer, or the snapshot is inconsistent.
    pub fn configure(&self, node: &Node) -> Result<Configured, SourceError> {
        let Translation { snapshot, notes, .. } = self
            .translate(node)
            .map_err(|error| error.into_source_error(&node.id))?;
        Ok(Configured {
            snapshot: Arc::new(snapshot),
            notes,
            task: task_name(&node.metadata).map(str::to_owned),
            zone: zone_of(node),
        })
    }

    fn translate(&self, node: &Node) -> Result<Translation, PartError> {
        let mut parts = NodeKey::of(node)?.parts(self)?.into_iter();
        let first = match parts.next() {
            Some(part) => part.translate(self)?,
            None => Translation::default(),
        };
        parts.try_fold(first, |all, part| Ok(all.union(part.translate(self)?)))
    }
}

/// A mesh state behind a [`ControlPlane`](crate::ControlPlane): each change is pushed to the Envoys that it concerns, and
/// translated once for all that are equal.
#[derive(Debug, Clone)]
pub struct MeshStateSource {
    translations: Arc<Translations>,
}

impl MeshStateSource {
    pub(crate) fn new(state: MeshState) -> Self {
        Self {
            translations: Arc::new(Translations::new(state)),
        }
    }

    /// Changes the state, and wakes the streams that the changes concern.
    pub(crate) fn update(&self, change: impl FnOnce(&mut MeshState)) {
        self.translations.update(change);
    }
}

impl Source for MeshStateSource {
    fn configure(&self, node: &Node) -> Result<Configured, SourceError> {
        xds_server::View::configure(&self.translations.view(node)?)
    }

    fn revisions(&self) -> watch::Receiver<u64> {
        self.translations.revisions()
    }

    fn view(&self, node: &Node) -> Option<Box<dyn xds_server::View>> {
        // One that has no view has an error, which `configure` returns.
        let view = self.translations.view(node).ok()?;
        Some(Box::new(view))
    }
}
