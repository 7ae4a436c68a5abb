//! Translation: from mesh state and node metadata to Envoy's resources. Pure: the same input gives the same snapshot.

mod app_mesh;
mod direct_response;
mod envoy;
mod http;
mod listener;
mod load_balancer;
mod retry;
mod service_connect;
mod tls;
mod tracing;

use std::collections::BTreeMap;

use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
use xds_server::Snapshot;

use crate::mesh_state::MeshState;
use crate::node::NodeMetadata;

pub(crate) use app_mesh::app_mesh;
pub use app_mesh::egress_clusters;
pub(crate) use app_mesh::names::egress_cluster_prefix;
pub(crate) use load_balancer::load_balancer;
pub(crate) use service_connect::{translate_egress, translate_ingress};

/// The translated configuration of one node, or a part of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Translation {
    /// The resources.
    pub(crate) snapshot: Snapshot,
    /// The parts that are not translated, each with the reason.
    pub(crate) notes: Vec<String>,
    /// Where the endpoints of clusters come from, by the name of the cluster.
    pub(crate) endpoints: BTreeMap<String, EndpointSource>,
}

impl Translation {
    /// Both parts of a configuration.
    pub(crate) fn union(mut self, other: Self) -> Self {
        self.snapshot = self.snapshot.union(&other.snapshot);
        self.notes.extend(other.notes);
        self.endpoints.extend(other.endpoints);
        self
    }
}

/// The object whose tasks are the endpoints of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EndpointSource {
    /// A Service Connect service.
    Service { namespace: String, discovery_name: String },
    /// A listener of a virtual node.
    VirtualNode { mesh: String, node: String, port: u16 },
    /// A target group.
    TargetGroup(String),
}

impl EndpointSource {
    /// The endpoints of this cluster now. `None` if they are not served by EDS any more.
    pub(crate) fn load_assignment(
        &self,
        cluster: &str,
        state: &MeshState,
        metadata: &NodeMetadata,
    ) -> Option<ClusterLoadAssignment> {
        match self {
            Self::Service {
                namespace,
                discovery_name,
            } => Some(service_connect::load_assignment(
                state,
                namespace,
                discovery_name,
                cluster,
            )),
            Self::VirtualNode { mesh, node, port } => {
                app_mesh::load_assignment(state, mesh, node, *port, metadata, cluster)
            }
            Self::TargetGroup(name) => load_balancer::load_assignment(state, name),
        }
    }
}
