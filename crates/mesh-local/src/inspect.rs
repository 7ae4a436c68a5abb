//! Shows and validates the Envoy configuration of one node without running anything.
//!
//! ```text
//! Plan + node ──inspect──► Inspection: an Envoy configuration file, notes ──validate──► Validation
//!               (pure)                                                         (Envoy)
//! ```
//!
//! The translation is the control plane's own, so this is what it would send, except for runtime data of tasks: their
//! addresses and ports.

mod document;
mod message;
mod node;
mod traffic_mode;
mod validation;

use mesh_control::SourceError;
use mesh_control::node::Node;
use mesh_control::node::load_balancer_node_id;
use mesh_control::{Identity, MeshState, ServiceIdentity};
use serde_json::{Map, Value};

pub use self::message::MessageError;
pub use self::node::{FindError, find, nodes};
pub use self::traffic_mode::TrafficMode;
pub use self::validation::{Validation, ValidationError, validate};
use crate::evaluate::{ACCOUNT, REGION};
use crate::plan::{Membership, Plan};

/// The Envoy configuration of a node.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Inspection {
    /// An Envoy configuration file. It is the same for the same plan, node and traffic mode.
    pub configuration: Value,
    /// Resources that could not be translated, with the reason.
    pub notes: Vec<String>,
}

/// Why a node cannot be inspected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// The control plane has no configuration for this node.
    #[error(transparent)]
    Translation(#[from] SourceError),
    /// The configuration cannot be converted to JSON.
    #[error(transparent)]
    Message(#[from] MessageError),
}

/// The configuration that the Envoy of this node, one of [`nodes`], would receive in this traffic mode.
///
/// No task runs: host names are left to DNS, as on AWS, and EDS clusters have no endpoints.
///
/// # Errors
///
/// If the plan has no such node, or its configuration is inconsistent.
pub fn inspect(plan: &Plan, node: &Identity, kind: TrafficMode) -> Result<Inspection, InspectError> {
    let state = state_without_tasks(plan);
    let mesh = match node {
        Identity::MeshNode(path) => state.meshes.get(&path.mesh),
        Identity::Service(_) | Identity::LoadBalancer(_) => None,
    };
    let namespace = match node {
        Identity::Service(service) => state.services.get(service).and_then(|name| state.namespaces.get(name)),
        Identity::MeshNode(_) | Identity::LoadBalancer(_) => None,
    };
    let node_metadata = match node {
        Identity::LoadBalancer(name) => traffic_mode::of_load_balancer(plan.load_balancers.get(name)),
        node => traffic_mode::node_metadata(node, kind, mesh, namespace),
    };
    let id = match node {
        Identity::MeshNode(path) => path.to_string(),
        Identity::Service(service) => service.node_id(REGION, ACCOUNT, "local"),
        Identity::LoadBalancer(name) => load_balancer_node_id(name),
    };
    let metadata = match node_metadata.to_metadata() {
        Value::Object(metadata) => metadata,
        _ => Map::new(),
    };
    let configured = state.configure(&Node::new(&id, metadata))?;
    let sds = plan
        .services
        .iter()
        .find_map(|service| match (&service.membership, node) {
            (Membership::Mesh(node), Identity::MeshNode(path)) if node.path == *path => node.sds.clone(),
            _ => None,
        });
    Ok(Inspection {
        configuration: document::assemble(&configured.snapshot, &id, node_metadata, sds)?,
        notes: configured.notes,
    })
}

/// The mesh state of the plan without tasks.
fn state_without_tasks(plan: &Plan) -> MeshState {
    let namespaces = plan.namespaces.iter();
    let memberships = plan.services.iter().filter_map(|service| {
        let identity = ServiceIdentity {
            cluster: service.cluster.clone(),
            service: service.name.clone(),
        };
        Some((identity, service.membership.namespace()?.to_owned()))
    });
    MeshState {
        namespaces: namespaces
            .map(|namespace| (namespace.name.clone(), namespace.clone()))
            .collect(),
        services: memberships.collect(),
        meshes: plan.meshes.clone(),
        header_limits: plan.header_limits,
        load_balancers: plan.load_balancers.clone(),
        target_groups: plan.target_groups.clone(),
        ..MeshState::default()
    }
}

#[cfg(test)]
mod tests;
