//! The nodes as which a client may act.

use std::fmt;
use std::str::FromStr;

use envoy_bootstrap::{Identity, ServiceIdentity};
use mesh_model::app_mesh::{Kind, ResourcePath};

/// One node, or several. Node ids are compared by what they name, so `mesh/m/virtualNode/n` is good for the ARN of that
/// virtual node as well.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NodeGrant {
    /// `mesh/MESH/virtualNode/NAME` or `mesh/MESH/virtualGateway/NAME`.
    MeshNode(ResourcePath),
    /// `mesh/MESH/*`: all virtual nodes and gateways of a mesh.
    Mesh(String),
    /// `service/CLUSTER/SERVICE`: the tasks of an ECS service with Service Connect.
    Service(ServiceIdentity),
    /// `loadBalancer/NAME`.
    LoadBalancer(String),
    /// `*`: all nodes.
    All,
}

/// A text that names no node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` names no node; expected mesh/MESH/virtualNode/NAME, mesh/MESH/virtualGateway/NAME, mesh/MESH/*, \
     service/CLUSTER/SERVICE, loadBalancer/NAME or *"
)]
pub struct InvalidGrant(pub String);

impl NodeGrant {
    /// Whether it includes the node that this node id names.
    #[must_use]
    pub fn includes(&self, node_id: &str) -> bool {
        let Ok(node) = Identity::parse(node_id) else {
            return false;
        };
        match (self, node) {
            (Self::All, _) => true,
            (Self::Mesh(mesh), Identity::MeshNode(path)) => *mesh == path.mesh,
            (Self::MeshNode(granted), Identity::MeshNode(path)) => *granted == path,
            (Self::Service(granted), Identity::Service(service)) => *granted == service,
            (Self::LoadBalancer(granted), Identity::LoadBalancer(name)) => *granted == name,
            _ => false,
        }
    }

    /// Parses a grant of a single node.
    pub(super) fn of_one_node(text: &str) -> Result<Self, InvalidGrant> {
        match text.parse()? {
            Self::All | Self::Mesh(_) => Err(InvalidGrant(text.to_owned())),
            grant => Ok(grant),
        }
    }
}

impl FromStr for NodeGrant {
    type Err = InvalidGrant;

    fn from_str(text: &str) -> Result<Self, InvalidGrant> {
        let parts: Vec<&str> = text.split('/').collect();
        let is_name = |name: &str| {
            !name.is_empty() && !name.contains(|letter: char| "*@".contains(letter) || letter.is_control())
        };
        match parts.as_slice() {
            ["*"] => Ok(Self::All),
            ["mesh", mesh, "*"] if is_name(mesh) => Ok(Self::Mesh((*mesh).to_owned())),
            ["mesh", mesh, "virtualNode", name] if is_name(mesh) && is_name(name) => {
                Ok(Self::MeshNode(ResourcePath::new(mesh, Kind::VirtualNode, name)))
            }
            ["mesh", mesh, "virtualGateway", name] if is_name(mesh) && is_name(name) => {
                Ok(Self::MeshNode(ResourcePath::new(mesh, Kind::VirtualGateway, name)))
            }
            ["service", cluster, service] if is_name(cluster) && is_name(service) => {
                Ok(Self::Service(ServiceIdentity {
                    cluster: (*cluster).to_owned(),
                    service: (*service).to_owned(),
                }))
            }
            ["loadBalancer", name] if is_name(name) => Ok(Self::LoadBalancer((*name).to_owned())),
            _ => Err(InvalidGrant(text.to_owned())),
        }
    }
}

impl From<Identity> for NodeGrant {
    fn from(node: Identity) -> Self {
        match node {
            Identity::Service(service) => Self::Service(service),
            Identity::MeshNode(path) => Self::MeshNode(path),
            Identity::LoadBalancer(name) => Self::LoadBalancer(name),
        }
    }
}

impl fmt::Display for NodeGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MeshNode(path) => path.fmt(f),
            Self::Mesh(mesh) => write!(f, "mesh/{mesh}/*"),
            Self::Service(service) => write!(f, "service/{service}"),
            Self::LoadBalancer(name) => write!(f, "loadBalancer/{name}"),
            Self::All => f.write_str("*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_include_nodes_by_what_their_ids_name() {
        const BLUE: &str = "mesh/m/virtualNode/blue";
        const BLUE_ARN: &str = "arn:aws:appmesh:eu-west-1:123456789012:mesh/m/virtualNode/blue";
        const TASK_SET: &str = "arn:aws:ecs:eu-west-1:123456789012:task-set/shop/blue/ecs-svc/7";
        for (grant, node, includes) in [
            (BLUE, BLUE, true),
            (BLUE, BLUE_ARN, true),
            (BLUE, "mesh/m/virtualNode/green", false),
            (BLUE, "mesh/other/virtualNode/blue", false),
            (BLUE, "mesh/m/virtualGateway/blue", false),
            (BLUE, "not a node", false),
            ("mesh/m/*", BLUE, true),
            ("mesh/m/*", "mesh/m/virtualGateway/in", true),
            ("mesh/m/*", "mesh/mm/virtualNode/blue", false),
            ("mesh/m/*", TASK_SET, false),
            ("service/shop/blue", TASK_SET, true),
            ("service/shop/green", TASK_SET, false),
            ("loadBalancer/in", "loadBalancer/in", true),
            ("loadBalancer/in", "loadBalancer/out", false),
            ("*", BLUE, true),
            ("*", TASK_SET, true),
            // It would have no configuration.
            ("*", "not a node", false),
        ] {
            let parsed: NodeGrant = grant.parse().expect("a grant");
            assert_eq!(parsed.includes(node), includes, "{grant} {node}");
            assert_eq!(parsed.to_string(), grant);
        }
    }

    #[test]
    fn other_texts_are_no_grants() {
        for text in [
            "",
            "blue",
            "mesh/m",
            "mesh//*",
            "mesh/*/*",
            "mesh/m/virtualNode/*",
            "mesh/m@123456789012/virtualNode/n",
            "mesh/m/virtualService/n",
            "mesh/m/virtualNode/n/o",
            "service/a",
            "service/*/b",
            "loadBalancer/",
            "loadBalancer/a\n",
            "**",
        ] {
            assert_eq!(text.parse::<NodeGrant>(), Err(InvalidGrant(text.to_owned())));
        }
        for text in ["*", "mesh/m/*"] {
            NodeGrant::of_one_node(text).expect_err("several nodes");
        }
    }
}
