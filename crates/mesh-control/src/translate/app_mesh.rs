//! Translates a mesh of App Mesh to the configuration of one Envoy, of a virtual node or a virtual gateway.
//!
//! ```text
//!                      ┌ virtual node ──────────────────────────────────────────────────────┐
//!  application ──────► egress ── one virtual host per backend ── routes ──► cluster per virtual node
//!  application ◄────── cluster ◄─ routes ── ingress ◄── peers
//!
//!                      ┌ virtual gateway ────────────────────────────────────────────────────┐
//!  callers ──────────► ingress ── gateway routes ──► itself ──► egress ── routes ──► cluster per virtual node
//! ```
//!
//! The crate's documentation lists each field. Reading order:
//! - `context`: the translation of one node: the mesh around it and its backends;
//! - `virtual_service`: the ports of a virtual service and their providers;
//! - `routes`, with `matching`, `route_precedence`, `weighted_clusters`, `timeouts` and `retries`;
//! - `cluster`, with `discovery`, `health` and `tls`;
//! - `node` and `gateway`: virtual nodes and virtual gateways as a whole;
//! - `egress_filter`: calls to other hosts;
//! - `listeners`, `tls_filter_chain`, `virtual_hosts`, `ip_preference`, `logging`, `names`: shared parts.

mod cluster;
mod context;
mod discovery;
mod egress_filter;
mod gateway;
mod health;
mod ip_preference;
mod listeners;
mod logging;
mod matching;
pub(super) mod names;
mod node;
mod retries;
mod rewrite;
mod route_precedence;
mod routes;
mod timeouts;
mod tls;
mod tls_filter_chain;
mod virtual_hosts;
mod virtual_service;
mod weighted_clusters;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
use mesh_model::app_mesh::{Kind, ResourcePath, Topology};

use self::context::NodeContext;
use self::discovery::Discovery;
use super::Translation;
use crate::mesh_state::MeshState;
use crate::node::NodeMetadata;

/// The names of the clusters of a virtual node at its callers, one for each listener: the prefix of their statistics,
/// after `cluster.`.
#[must_use]
pub fn egress_clusters(mesh: &Topology, node: &str) -> Vec<String> {
    names::egress_clusters(mesh, node)
}

/// The endpoints of a virtual node's listener in this cluster. `None` if they are not served by EDS.
pub(super) fn load_assignment(
    state: &MeshState,
    mesh: &str,
    node: &str,
    port: u16,
    metadata: &NodeMetadata,
    cluster: &str,
) -> Option<ClusterLoadAssignment> {
    let mesh = state.meshes.get(mesh)?;
    let spec = mesh.virtual_nodes.get(node)?;
    let context = NodeContext::new(state, mesh, metadata);
    let cluster = Cluster {
        name: cluster.to_owned(),
        ..Default::default()
    };
    let (_, endpoints) = Discovery::of(&context, spec, port).apply_to(cluster);
    endpoints
}

/// The configuration of a task of this virtual node or gateway. `None` if the mesh has none of this name.
pub(crate) fn app_mesh<'a>(
    state: &'a MeshState,
    path: &'a ResourcePath,
    metadata: &'a NodeMetadata,
) -> Option<Translation> {
    let mesh = state.meshes.get(&path.mesh)?;
    let context = NodeContext::new(state, mesh, metadata);
    match path.kind {
        Kind::VirtualNode => {
            let mut spec = mesh.virtual_nodes.get(&path.name)?.clone();
            let key = (path.mesh.clone(), path.name.clone());
            spec.listeners
                .extend(state.extra_listeners.get(&key).into_iter().flatten().cloned());
            Some(node::translate(context, &path.name, &spec))
        }
        Kind::VirtualGateway => {
            let gateway = mesh.virtual_gateways.get(&path.name)?;
            Some(gateway::translate(context, &path.name, gateway))
        }
        _ => None,
    }
}
