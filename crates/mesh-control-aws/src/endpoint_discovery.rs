//! Endpoints from Cloud Map for meshes that another source has.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use mesh_control::{CallStatistics, ControlPlane, ReadinessSource};
use mesh_model::app_mesh::Topology;
use tokio::sync::watch;

use crate::clients::Clients;
use crate::options::Options;
use crate::poller::{PolledState, Poller};

/// Meshes of another source than Parameter Store, by name: now, and after each change.
pub type ApiMeshes = watch::Receiver<Arc<BTreeMap<String, Arc<Topology>>>>;

/// Discovers endpoints of meshes in Cloud Map, and updates a control plane with both: for a server that has meshes and a
/// control plane of its own. [`serve`](crate::serve()) does the same with [`Options::api_meshes`].
pub struct EndpointDiscovery {
    clients: Clients,
    options: Options,
    polled: Arc<PolledState>,
}

impl fmt::Debug for EndpointDiscovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointDiscovery").finish_non_exhaustive()
    }
}

impl EndpointDiscovery {
    /// For these meshes. Of the options, intervals, namespaces and networks of endpoints matter.
    #[must_use]
    pub fn new(clients: Clients, meshes: ApiMeshes, mut options: Options) -> Self {
        options.meshes.clear();
        options.api_meshes = Some(meshes);
        let polled = Arc::new(PolledState::new(&options));
        Self {
            clients,
            options,
            polled,
        }
    }

    /// The status of Cloud Map, for the control plane.
    #[must_use]
    pub fn readiness(&self) -> Arc<dyn ReadinessSource> {
        Arc::clone(&self.polled) as Arc<dyn ReadinessSource>
    }

    /// Ends once every mesh that was there at the start is served.
    pub fn known(&self) -> impl Future<Output = ()> + Send + 'static {
        self.polled.wait_until_known()
    }

    /// Updates the control plane. Ends with the source of the meshes.
    pub async fn run(self, control: ControlPlane) {
        let poller = Poller::new(
            self.clients,
            &self.options,
            control,
            CallStatistics::default(),
            self.polled,
        );
        poller.poll_cloud_map(&self.options).await;
    }
}
