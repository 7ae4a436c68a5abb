//! Weighted clusters: the targets of a route.
//!
//! Weights are relative within a route: 1 and 3 are 25 % and 75 %. A target of weight 0 gets nothing. If all weights
//! are 0, requests get 503.

use envoy_types::pb::envoy::config::route::v3::WeightedCluster;
use envoy_types::pb::envoy::config::route::v3::route_action::ClusterSpecifier;
use envoy_types::pb::envoy::config::route::v3::weighted_cluster::ClusterWeight;
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy;
use mesh_model::app_mesh::VirtualNodeSpec;
use mesh_model::app_mesh::listener::Listener;
use mesh_model::app_mesh::route::{Mirror, WeightedTarget};

use super::super::envoy::uint32;
use super::cluster;
use super::context::{Backend, NodeContext};

/// Clusters with their weights, at least one of which is not 0.
pub(super) struct Weighted(Vec<(String, u32)>);

/// The clusters of a route's targets. `None` if all weights are 0.
pub(super) fn weighted(
    context: &mut NodeContext<'_>,
    targets: &[WeightedTarget],
    backend: Backend<'_>,
) -> Option<Weighted> {
    let clusters: Vec<(String, u32)> = targets
        .iter()
        .map(|target| (target_cluster(context, target, backend), target.weight))
        .collect();
    clusters
        .iter()
        .any(|(_, weight)| *weight > 0)
        .then_some(Weighted(clusters))
}

/// The cluster of a virtual node's listener, as called under this virtual service.
pub(super) fn node_cluster(
    context: &mut NodeContext<'_>,
    node: &str,
    listener: &Listener,
    backend: Backend<'_>,
) -> String {
    match context.mesh.virtual_nodes.get(node) {
        Some(spec) => cluster::of_node(context, node, spec, listener, backend),
        None => cluster::blackhole_cluster(context),
    }
}

/// The cluster of a virtual node that gets copies of requests.
pub(super) fn mirror_cluster(context: &mut NodeContext<'_>, mirror: &Mirror, backend: Backend<'_>) -> String {
    let target = WeightedTarget {
        virtual_node: mirror.virtual_node.clone(),
        weight: mirror.percentage,
        port: mirror.port,
    };
    target_cluster(context, &target, backend)
}

fn target_cluster(context: &mut NodeContext<'_>, target: &WeightedTarget, backend: Backend<'_>) -> String {
    let (mesh, name) = (context.mesh, &target.virtual_node);
    let Some(spec) = mesh.virtual_nodes.get(name) else {
        context.note(format!(
            "`{}` has the target virtual node `{name}`, which does not exist; its share of requests is rejected with 503",
            backend.service
        ));
        return cluster::blackhole_cluster(context);
    };
    let Some(listener) = listener_of(spec, target.port) else {
        context.note(format!(
            "`{}` has the target virtual node `{name}`, which has no such listener; its share of requests is rejected with 503",
            backend.service
        ));
        return cluster::blackhole_cluster(context);
    };
    cluster::of_node(context, name, spec, listener, backend)
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

    /// Envoy's TCP proxy rejects weights of 0, so those are left out.
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
