//! Virtual nodes as the destination of requests: the cluster of one, or of several by weight.
//!
//! A weight is a share relative to the others' of the same route, so 1 and 3 divide as 25 and 75 do. A weight of 0
//! gets nothing at all. Where all weights are 0 nobody may get the request, and it is answered with 503.

use envoy_types::pb::envoy::config::route::v3::WeightedCluster;
use envoy_types::pb::envoy::config::route::v3::route_action::ClusterSpecifier;
use envoy_types::pb::envoy::config::route::v3::weighted_cluster::ClusterWeight;
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy;
use mesh_model::app_mesh::VirtualNodeSpec;
use mesh_model::app_mesh::listener::Listener;
use mesh_model::app_mesh::route::WeightedTarget;

use super::super::envoy::uint32;
use super::cluster;
use super::member::{Backend, Member};

/// Clusters with their weights, of which at least one is more than 0.
pub(super) struct Weighted(Vec<(String, u32)>);

/// The clusters of a route's targets. `None` if none of them has any weight.
pub(super) fn weighted(member: &mut Member<'_>, targets: &[WeightedTarget], backend: Backend<'_>) -> Option<Weighted> {
    let clusters: Vec<(String, u32)> = targets
        .iter()
        .map(|target| (target_cluster(member, target, backend), target.weight))
        .collect();
    clusters
        .iter()
        .any(|(_, weight)| *weight > 0)
        .then_some(Weighted(clusters))
}

/// The cluster of a virtual node's listener, for those who call it under this virtual service.
pub(super) fn node_cluster(member: &mut Member<'_>, node: &str, listener: &Listener, backend: Backend<'_>) -> String {
    match member.mesh.virtual_nodes.get(node) {
        Some(spec) => cluster::of_node(member, node, spec, listener, backend),
        None => cluster::nowhere(member),
    }
}

fn target_cluster(member: &mut Member<'_>, target: &WeightedTarget, backend: Backend<'_>) -> String {
    let (mesh, name) = (member.mesh, &target.virtual_node);
    let Some(spec) = mesh.virtual_nodes.get(name) else {
        member.note(format!(
            "`{}` has a target that does not exist, virtual node `{name}`; its share is answered with 503",
            backend.service
        ));
        return cluster::nowhere(member);
    };
    let Some(listener) = listener_of(spec, target.port) else {
        member.note(format!(
            "`{}` has a target without the listener that it names, virtual node `{name}`; its share is answered with 503",
            backend.service
        ));
        return cluster::nowhere(member);
    };
    cluster::of_node(member, name, spec, listener, backend)
}

/// The listener with this port, or the only one.
fn listener_of(spec: &VirtualNodeSpec, port: Option<u16>) -> Option<&Listener> {
    match (port, spec.listeners.as_slice()) {
        (Some(port), listeners) => listeners.iter().find(|listener| listener.port_mapping.port == port),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

impl Weighted {
    pub(super) fn for_http(self) -> ClusterSpecifier {
        match <[_; 1]>::try_from(self.0) {
            Ok([(only, _)]) => ClusterSpecifier::Cluster(only),
            Err(several) => ClusterSpecifier::WeightedClusters(WeightedCluster {
                clusters: several
                    .into_iter()
                    .map(|(name, weight)| ClusterWeight {
                        name,
                        weight: uint32(weight),
                        ..Default::default()
                    })
                    .collect(),
                ..Default::default()
            }),
        }
    }

    /// Envoy's TCP proxy takes no weight of 0, so those are left out.
    pub(super) fn for_tcp(self) -> tcp_proxy::ClusterSpecifier {
        let some: Vec<(String, u32)> = self.0.into_iter().filter(|(_, weight)| *weight > 0).collect();
        match <[_; 1]>::try_from(some) {
            Ok([(only, _)]) => tcp_proxy::ClusterSpecifier::Cluster(only),
            Err(several) => tcp_proxy::ClusterSpecifier::WeightedClusters(tcp_proxy::WeightedCluster {
                clusters: several
                    .into_iter()
                    .map(|(name, weight)| tcp_proxy::weighted_cluster::ClusterWeight {
                        name,
                        weight,
                        ..Default::default()
                    })
                    .collect(),
            }),
        }
    }
}
