//! A mesh of App Mesh as the configuration of one member's Envoy: a virtual node's or a virtual gateway's.
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
//! What becomes of each field is listed in the crate's documentation. Reading order:
//! - `member`: what the two kinds of member have in common: the mesh around them and what they may call;
//! - `service`: a virtual service's ports and what stands behind them;
//! - `routes`, with `matching`, `order`, `timeouts` and `retries`: which request goes where;
//! - `cluster`, with `discovery`, `health` and `tls`: where that is and how it is spoken to;
//! - `node` and `gateway`: the two kinds of member as a whole;
//! - `egress_filter`: what happens to all other calls;
//! - `listeners`, `secured`, `hosts`, `logging`, `names`: what all of them use.

mod cluster;
mod discovery;
mod egress_filter;
mod family;
mod gateway;
mod health;
mod hosts;
mod listeners;
mod logging;
mod matching;
mod member;
mod names;
mod node;
mod order;
mod retries;
mod rewrite;
mod routes;
mod secured;
mod service;
mod targets;
mod timeouts;
mod tls;

use mesh_model::app_mesh::{Kind, ResourcePath, Topology};

use self::member::Member;
use super::Translation;
use crate::mesh_state::MeshState;
use crate::node::NodeMetadata;

/// The names of the clusters by which Envoys see the tasks of a virtual node, one for each of its listeners: what their
/// statistics of calls to it begin with, after `cluster.`.
#[must_use]
pub fn egress_clusters(mesh: &Topology, node: &str) -> Vec<String> {
    names::egress_clusters(mesh, node)
}

/// The configuration of a task of this virtual node or virtual gateway. `None` if the mesh has no such member.
pub(crate) fn app_mesh<'a>(
    world: &'a MeshState,
    path: &'a ResourcePath,
    wiring: &'a NodeMetadata,
) -> Option<Translation> {
    let mesh = world.meshes.get(&path.mesh)?;
    let member = Member::new(world, mesh, wiring);
    match path.kind {
        Kind::VirtualNode => {
            let mut spec = mesh.virtual_nodes.get(&path.name)?.clone();
            let key = (path.mesh.clone(), path.name.clone());
            spec.listeners
                .extend(world.extra_listeners.get(&key).into_iter().flatten().cloned());
            Some(node::translate(member, &path.name, &spec))
        }
        Kind::VirtualGateway => {
            let gateway = mesh.virtual_gateways.get(&path.name)?;
            Some(gateway::translate(member, &path.name, gateway))
        }
        _ => None,
    }
}
