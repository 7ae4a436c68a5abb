//! What the Envoy of one node would be told, to be read, compared and judged, without running anything.
//!
//! ```text
//! Plan + node ──inspect──► Inspection: a configuration file for Envoy, notes ──validate──► Validation
//!               (pure)                                                        (Envoy)
//! ```
//!
//! The translation is the control plane's own, so this is what it would tell, apart from what is only known of tasks
//! that run: their addresses, and the ports that they were given.

mod document;
mod message;
mod node;
mod traffic_mode;
mod validation;

use mesh_control::SourceError;
use mesh_control::node::Node;
use mesh_control::{Identity, MeshState, ServiceIdentity};
use serde_json::{Map, Value};

pub use self::message::MessageError;
pub use self::node::{FindError, find, nodes};
pub use self::traffic_mode::TrafficMode;
pub use self::validation::{Validation, ValidationError, validate};
use crate::evaluate::{ACCOUNT, REGION};
use crate::plan::{Membership, Plan};

/// What the Envoy of a node would be told.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// A configuration file for Envoy. The same plan, node and wiring give the same text.
    pub configuration: Value,
    /// What could not be translated, each with the reason.
    pub notes: Vec<String>,
}

/// Why a node cannot be inspected.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The control plane has no answer for this node.
    #[error(transparent)]
    Translation(#[from] SourceError),
    /// Its answer cannot be written as JSON.
    #[error(transparent)]
    Message(#[from] MessageError),
}

/// What the Envoy of this node, one of [`nodes`], would be told in this wiring.
///
/// No task runs. Host names are left to DNS, as on AWS, and clusters whose tasks the control plane tells have none.
///
/// # Errors
///
/// If the plan has no such node, or what is to be told to it contradicts itself.
pub fn inspect(plan: &Plan, node: &Identity, kind: TrafficMode) -> Result<Inspection, InspectError> {
    let world = world(plan);
    let mesh = match node {
        Identity::MeshNode(path) => world.meshes.get(&path.mesh),
        Identity::Service(_) => None,
    };
    let namespace = match node {
        Identity::Service(service) => world.services.get(service).and_then(|name| world.namespaces.get(name)),
        Identity::MeshNode(_) => None,
    };
    let wiring = traffic_mode::wiring(node, kind, mesh, namespace);
    let id = match node {
        Identity::MeshNode(path) => path.to_string(),
        Identity::Service(service) => service.node_id(REGION, ACCOUNT, "local"),
    };
    let metadata = match wiring.to_metadata() {
        Value::Object(metadata) => metadata,
        _ => Map::new(),
    };
    let configured = world.configure(&Node::new(&id, metadata))?;
    let sds = plan
        .services
        .iter()
        .find_map(|service| match (&service.membership, node) {
            (Membership::Mesh(member), Identity::MeshNode(path)) if member.path == *path => member.sds.clone(),
            _ => None,
        });
    Ok(Inspection {
        configuration: document::of(&configured.snapshot, &id, wiring, sds)?,
        notes: configured.notes,
    })
}

/// What is true of the plan while no task runs.
fn world(plan: &Plan) -> MeshState {
    let namespaces = plan.namespaces.iter();
    let members = plan.services.iter().filter_map(|service| {
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
        services: members.collect(),
        meshes: plan.meshes.clone(),
        ..MeshState::default()
    }
}

#[cfg(test)]
mod tests;
