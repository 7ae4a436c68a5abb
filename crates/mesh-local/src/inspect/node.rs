//! Whose Envoy is meant: by all the names that people call it.

use mesh_control::{Identity, ServiceIdentity};
use mesh_model::app_mesh::{Kind, ResourcePath};

use crate::plan::{Membership, Plan, ServicePlan};

/// Why nobody knows whose Envoy is meant. Each has the nodes that there are, or that may be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// There is no such node.
    #[error("there is no node `{name}`; there are {}", nodes.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
        /// All nodes.
        nodes: Vec<String>,
    },
    /// There are several.
    #[error("`{name}` may be {}; say which", nodes.join(" or "))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// Those that it may be.
        nodes: Vec<String>,
    },
    /// There is nothing that has an Envoy.
    #[error("the template has no virtual node, no virtual gateway and no service in Service Connect")]
    None,
}

/// Everything in a plan that has Envoys: the virtual nodes and virtual gateways of its meshes, whether or not a
/// service runs them, then the services in Service Connect.
#[must_use]
pub fn nodes(plan: &Plan) -> Vec<Identity> {
    let members = plan.meshes.values().flat_map(|mesh| {
        let path = |kind| move |name: &String| Identity::MeshNode(ResourcePath::new(&mesh.name, kind, name));
        let nodes = mesh.virtual_nodes.keys().map(path(Kind::VirtualNode));
        nodes.chain(mesh.virtual_gateways.keys().map(path(Kind::VirtualGateway)))
    });
    let services = plan.services.iter();
    let services = services.filter(|service| service.membership.namespace().is_some());
    members.chain(services.map(identity)).collect()
}

/// The node of this name:
///
/// - a node id: `mesh/MESH/virtualNode/NAME`, the same with `virtualGateway`, the ARN of one of the two or of a task
///   set;
/// - `virtualNode/NAME`, `virtualGateway/NAME`, or the name alone;
/// - `service/NAME`, or the service's name alone: the service in Service Connect, or what its tasks are in a mesh.
///
/// # Errors
///
/// If there is none, or more than one.
pub fn find(plan: &Plan, name: &str) -> Result<Identity, FindError> {
    let nodes = nodes(plan);
    if nodes.is_empty() {
        return Err(FindError::None);
    }
    let service = plan.services.iter().filter_map(|service| {
        let is_meant = [name, name.strip_prefix("service/").unwrap_or(name)].contains(&service.name.as_str());
        match &service.membership {
            Membership::Mesh(member) if is_meant => Some(Identity::MeshNode(member.path.clone())),
            Membership::Namespace(_) if is_meant => Some(identity(service)),
            _ => None,
        }
    });
    let service: Vec<Identity> = service.collect();
    let id = Identity::parse(name).ok();
    let mut meant = nodes.iter().filter(|node| {
        let is_so_called = match node {
            Identity::MeshNode(path) => path.name == name || in_mesh(path) == name,
            Identity::Service(_) => false,
        };
        id.as_ref() == Some(node) || is_so_called || service.contains(node)
    });
    match (meant.next(), meant.next()) {
        (Some(only), None) => Ok(only.clone()),
        (None, _) => Err(FindError::Unknown {
            name: name.to_owned(),
            nodes: nodes.iter().map(in_words).collect(),
        }),
        (Some(first), Some(second)) => Err(FindError::Ambiguous {
            name: name.to_owned(),
            nodes: [first, second].into_iter().chain(meant).map(in_words).collect(),
        }),
    }
}

/// Its path without its mesh: `virtualNode/NAME`.
fn in_mesh(path: &ResourcePath) -> String {
    let mesh = format!("{}/", ResourcePath::of_mesh(&path.mesh));
    let path = path.to_string();
    path.strip_prefix(&mesh).unwrap_or(&path).to_owned()
}

/// What [`find`] finds it by.
fn in_words(node: &Identity) -> String {
    match node {
        Identity::MeshNode(path) => path.to_string(),
        Identity::Service(service) => format!("service/{}", service.service),
    }
}

fn identity(service: &ServicePlan) -> Identity {
    Identity::Service(ServiceIdentity {
        cluster: service.cluster.clone(),
        service: service.name.clone(),
    })
}
