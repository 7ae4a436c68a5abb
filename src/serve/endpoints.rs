//! Where the endpoints of virtual nodes with Cloud Map discovery come from: from Cloud Map, or from nowhere.

use std::pin::Pin;
use std::sync::Arc;

use app_mesh_api::registry::topology::Topologies;
use mesh_control::{ControlPlane, MeshState, ReadinessSource};
use tokio::sync::watch;

use super::aws::EndpointDiscovery;
use super::discovery::UnreadDiscovery;
use super::owned;

/// The source of endpoints, and with them of the mesh state.
#[derive(Debug)]
pub(super) enum Endpoints {
    /// None: such virtual nodes have no endpoints, and are listed on the status page.
    Unread(watch::Receiver<Arc<Topologies>>),
    /// Cloud Map.
    CloudMap(Box<EndpointDiscovery>),
}

impl Endpoints {
    /// The source on the status page.
    pub(super) fn readiness(&self) -> Arc<dyn ReadinessSource> {
        match self {
            Self::Unread(meshes) => Arc::new(UnreadDiscovery::new(meshes.clone())),
            Self::CloudMap(discovery) => discovery.readiness(),
        }
    }

    /// Ends once Envoys can be served.
    pub(super) fn known(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        match self {
            Self::Unread(_) => Box::pin(std::future::ready(())),
            Self::CloudMap(discovery) => Box::pin(discovery.known()),
        }
    }

    /// The state before the first change.
    pub(super) fn initial(&self) -> MeshState {
        let mut state = MeshState::default();
        if let Self::Unread(meshes) = self {
            state.meshes = owned(&meshes.borrow());
        }
        state
    }

    /// Sends each change of the meshes and their endpoints to the Envoys at once. Changes are sent together while an Envoy
    /// has not answered the last one. Ends with the API.
    pub(super) async fn follow(self, control: &ControlPlane) {
        match self {
            Self::CloudMap(discovery) => discovery.run(control.clone()).await,
            Self::Unread(mut meshes) => loop {
                let now = owned(&meshes.borrow_and_update());
                control.update(|state| state.meshes = now);
                if meshes.changed().await.is_err() {
                    return;
                }
            },
        }
    }
}
