//! Finds a node by its names.

use mesh_control::node::load_balancer_node_id;
use mesh_control::{Identity, ServiceIdentity};
use mesh_model::app_mesh::{Kind, ResourcePath};

use crate::plan::{Membership, Plan, ServicePlan};

/// Why a name does not match exactly one node, with the possible nodes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FindError {
    /// No node has this name.
    #[error("no node `{name}`; known nodes: {}", nodes.join(", "))]
    Unknown {
        /// The given name.
        name: String,
        /// All nodes.
        nodes: Vec<String>,
    },
    /// Several nodes have this name.
    #[error("`{name}` is ambiguous: {}", nodes.join(" or "))]
    Ambiguous {
        /// The given name.
        name: String,
        /// The matching nodes.
        nodes: Vec<String>,
    },
    /// The plan has no nodes.
    #[error("the template has no virtual node, virtual gateway or Service Connect service")]
    None,
}

/// All nodes with Envoys: virtual nodes and virtual gateways, with or without a service, then Service Connect services,
/// then load balancers.
#[must_use]
pub fn nodes(plan: &Plan) -> Vec<Identity> {
    let mesh_nodes = plan.meshes.values().flat_map(|mesh| {
        let path = |kind| move |name: &String| Identity::MeshNode(ResourcePath::new(&mesh.name, kind, name));
        let nodes = mesh.virtual_nodes.keys().map(path(Kind::VirtualNode));
        nodes.chain(mesh.virtual_gateways.keys().map(path(Kind::VirtualGateway)))
    });
    let services = plan.services.iter();
    let services = services.filter(|service| service.membership.namespace().is_some());
    let load_balancers = plan.load_balancers.keys().cloned().map(Identity::LoadBalancer);
    mesh_nodes.chain(services.map(identity)).chain(load_balancers).collect()
}

/// Finds a node by name:
///
/// - a node id: `mesh/MESH/virtualNode/NAME`, the same with `virtualGateway`, the ARN of one of the two or of a task
///   set;
/// - `virtualNode/NAME`, `virtualGateway/NAME`, or the name alone;
/// - `loadBalancer/NAME`, or the name alone;
/// - `service/NAME`, or the service's name alone: the Service Connect service, or the mesh node of its tasks.
///
/// # Errors
///
/// If no node or several nodes match.
pub fn find(plan: &Plan, name: &str) -> Result<Identity, FindError> {
    let nodes = nodes(plan);
    if nodes.is_empty() {
        return Err(FindError::None);
    }
    let service = plan.services.iter().filter_map(|service| {
        let has_name = [name, name.strip_prefix("service/").unwrap_or(name)].contains(&service.name.as_str());
        match &service.membership {
            Membership::Mesh(node) if has_name => Some(Identity::MeshNode(node.path.clone())),
            Membership::Namespace(_) if has_name => Some(identity(service)),
            _ => None,
        }
    });
    let service: Vec<Identity> = service.collect();
    let id = Identity::parse(name).ok();
    let mut matching = nodes.iter().filter(|node| {
        let has_path = match node {
            Identity::MeshNode(path) => path.name == name || in_mesh(path) == name,
            Identity::LoadBalancer(own) => own == name,
            Identity::Service(_) => false,
        };
        id.as_ref() == Some(node) || has_path || service.contains(node)
    });
    match (matching.next(), matching.next()) {
        (Some(only), None) => Ok(only.clone()),
        (None, _) => Err(FindError::Unknown {
            name: name.to_owned(),
            nodes: nodes.iter().map(display_name).collect(),
        }),
        (Some(first), Some(second)) => Err(FindError::Ambiguous {
            name: name.to_owned(),
            nodes: [first, second].into_iter().chain(matching).map(display_name).collect(),
        }),
    }
}

/// Its path within the mesh: `virtualNode/NAME`.
fn in_mesh(path: &ResourcePath) -> String {
    let mesh = format!("{}/", ResourcePath::of_mesh(&path.mesh));
    let path = path.to_string();
    path.strip_prefix(&mesh).unwrap_or(&path).to_owned()
}

/// A name that [`find`] accepts.
fn display_name(node: &Identity) -> String {
    match node {
        Identity::MeshNode(path) => path.to_string(),
        Identity::Service(service) => format!("service/{}", service.service),
        Identity::LoadBalancer(name) => load_balancer_node_id(name),
    }
}

fn identity(service: &ServicePlan) -> Identity {
    Identity::Service(ServiceIdentity {
        cluster: service.cluster.clone(),
        service: service.name.clone(),
    })
}
