//! The translation of one node: the mesh around it, its metadata, and the resources so far.

use std::collections::BTreeMap;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
use envoy_types::pb::envoy::config::listener::v3::Listener as EnvoyListener;
use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
use mesh_model::app_mesh::client_policy::{BackendDefaults, ClientPolicy};
use mesh_model::app_mesh::tls::ClientPolicyTls;
use mesh_model::app_mesh::{Topology, VirtualNodeSpec};

use super::super::{EndpointSource, Translation};
use crate::mesh_state::MeshState;
use crate::node::NodeMetadata;
use xds_server::Snapshot;

/// The translation of a virtual node or gateway.
pub(super) struct NodeContext<'a> {
    pub(super) state: &'a MeshState,
    pub(super) mesh: &'a Topology,
    pub(super) metadata: &'a NodeMetadata,
    snapshot: Snapshot,
    notes: Vec<String>,
    endpoints: BTreeMap<String, EndpointSource>,
    /// The clusters so far, to find duplicate names.
    clusters: BTreeMap<String, Cluster>,
}

/// A virtual service that the node may call, with the client policy.
#[derive(Clone, Copy)]
pub(super) struct Backend<'a> {
    pub(super) service: &'a str,
    pub(super) policy: Option<&'a ClientPolicyTls>,
}

impl<'a> NodeContext<'a> {
    pub(super) fn new(state: &'a MeshState, mesh: &'a Topology, metadata: &'a NodeMetadata) -> Self {
        Self {
            state,
            mesh,
            metadata,
            snapshot: Snapshot::new(),
            notes: Vec::new(),
            endpoints: BTreeMap::new(),
            clusters: BTreeMap::new(),
        }
    }

    /// Adds a note about a part that is not translated, once.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Adds a cluster, and returns its name: the given one, or a longer one if a different cluster has that already.
    /// That happens when a virtual node is called under two virtual services with different client policies.
    pub(super) fn add_cluster(
        &mut self,
        mut cluster: Cluster,
        endpoints: Option<ClusterLoadAssignment>,
        distinction: &str,
    ) -> String {
        if self.clusters.get(&cluster.name).is_some_and(|other| *other != cluster) {
            cluster.name = format!("{}_{distinction}", cluster.name);
            if let Some(inline) = &mut cluster.load_assignment {
                inline.cluster_name.clone_from(&cluster.name);
            }
        }
        let name = cluster.name.clone();
        let mut snapshot = std::mem::take(&mut self.snapshot).with_cluster(&cluster);
        if let Some(mut endpoints) = endpoints {
            endpoints.cluster_name.clone_from(&name);
            snapshot = snapshot.with_endpoints(&endpoints);
        }
        self.snapshot = snapshot;
        self.clusters.insert(name.clone(), cluster);
        name
    }

    /// Records the virtual node whose tasks are the endpoints of a cluster.
    pub(super) fn add_endpoint_source(&mut self, cluster: &str, node: &str, port: u16) {
        let source = EndpointSource::VirtualNode {
            mesh: self.mesh.name.clone(),
            node: node.to_owned(),
            port,
        };
        self.endpoints.insert(cluster.to_owned(), source);
    }

    pub(super) fn add_routes(&mut self, routes: &RouteConfiguration) {
        self.snapshot = std::mem::take(&mut self.snapshot).with_routes(routes);
    }

    pub(super) fn add_listener(&mut self, listener: &EnvoyListener) {
        self.snapshot = std::mem::take(&mut self.snapshot).with_listener(listener);
    }

    pub(super) fn finish(self) -> Translation {
        Translation {
            snapshot: self.snapshot,
            notes: self.notes,
            endpoints: self.endpoints,
        }
    }
}

/// The backends of a virtual node, without duplicates.
pub(super) fn backends_of_node(node: &VirtualNodeSpec) -> Vec<Backend<'_>> {
    let mut backends: Vec<Backend<'_>> = Vec::new();
    for mesh_model::app_mesh::virtual_node::Backend::VirtualService(backend) in &node.backends {
        let service = backend.virtual_service_name.as_str();
        if backends.iter().all(|other| other.service != service) {
            let policy = backend.client_policy.as_ref().and_then(|policy| policy.tls.as_ref());
            backends.push(Backend {
                service,
                policy: policy.or_else(|| default_policy(node.backend_defaults.as_ref())),
            });
        }
    }
    backends
}

/// The client policy of backends without one of their own.
pub(super) fn default_policy(defaults: Option<&BackendDefaults>) -> Option<&ClientPolicyTls> {
    let ClientPolicy { tls } = defaults?.client_policy.as_ref()?;
    tls.as_ref()
}
