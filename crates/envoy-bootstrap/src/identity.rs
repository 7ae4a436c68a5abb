//! Node ids, as the App Mesh and Service Connect agents send them.

use std::fmt;

use mesh_model::app_mesh::{Kind, ResourcePath};

/// The mesh object that a node id names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A service of Service Connect.
    Service(ServiceIdentity),
    /// A virtual node or a virtual gateway.
    MeshNode(ResourcePath),
    /// A load balancer, by name.
    LoadBalancer(String),
}

/// The prefix of the node id of a load balancer.
const LOAD_BALANCER: &str = "loadBalancer/";

/// The node id of the load balancer of this name.
#[must_use]
pub fn load_balancer_node_id(name: &str) -> String {
    format!("{LOAD_BALANCER}{name}")
}

impl Identity {
    /// Parses a node id: the ARN of a task set, as [`ServiceIdentity::parse`] does, or
    /// `mesh/MESH/virtualNode/NAME` or `mesh/MESH/virtualGateway/NAME`, by itself or at the end of an ARN. Source of
    /// the latter: the App Mesh agent, `APPMESH_RESOURCE_ARN` (read 2026-11-23). `loadBalancer/NAME` is a load balancer.
    ///
    /// # Errors
    ///
    /// If the id has another form.
    pub fn parse(id: &str) -> Result<Self, NodeError> {
        let has_envoys = |path: &ResourcePath| matches!(path.kind, Kind::VirtualNode | Kind::VirtualGateway);
        let load_balancer = id.strip_prefix(LOAD_BALANCER).filter(|name| !name.is_empty());
        if let Some(name) = load_balancer {
            return Ok(Self::LoadBalancer(name.to_owned()));
        }
        match ResourcePath::parse(id).filter(has_envoys) {
            Some(path) => Ok(Self::MeshNode(path)),
            None => ServiceIdentity::parse(id).map(Self::Service),
        }
    }
}

/// A service of Service Connect.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceIdentity {
    /// The ECS cluster's name.
    pub cluster: String,
    /// The ECS service's name.
    pub service: String,
}

impl ServiceIdentity {
    /// Parses the node id that Service Connect uses: the ARN of the service's task set,
    /// `arn:aws:ecs:REGION:ACCOUNT:task-set/CLUSTER/SERVICE/ecs-svc/ID`.
    ///
    /// # Errors
    ///
    /// If the id has another form.
    pub fn parse(id: &str) -> Result<Self, NodeError> {
        let unknown = || NodeError::UnknownId(id.to_owned());
        let (arn, path) = id.split_once(":task-set/").ok_or_else(unknown)?;
        let parts: Vec<&str> = path.split('/').collect();
        match parts.as_slice() {
            [cluster, service, "ecs-svc", _]
                if arn.starts_with("arn:") && !cluster.is_empty() && !service.is_empty() =>
            {
                Ok(Self {
                    cluster: (*cluster).to_owned(),
                    service: (*service).to_owned(),
                })
            }
            _ => Err(unknown()),
        }
    }

    /// The node id of this service's tasks. `region`, `account` and `id` are those of the task set; they have no effect
    /// here.
    #[must_use]
    pub fn node_id(&self, region: &str, account: &str, id: &str) -> String {
        format!("arn:aws:ecs:{region}:{account}:task-set/{self}/ecs-svc/{id}")
    }
}

impl fmt::Display for ServiceIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cluster, self.service)
    }
}

/// An invalid node id or invalid node metadata.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// The node id has an unknown form.
    #[error(
        "unknown form of node id `{0}`; expected arn:aws:ecs:REGION:ACCOUNT:task-set/CLUSTER/SERVICE/ecs-svc/ID, \
         mesh/MESH/virtualNode/NAME or mesh/MESH/virtualGateway/NAME"
    )]
    UnknownId(String),
    /// A metadata key is missing or invalid.
    #[error("invalid node metadata `{key}`: {reason}")]
    Metadata {
        /// The metadata key.
        key: &'static str,
        /// The reason.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_set_arn_names_cluster_and_service() {
        let identity = ServiceIdentity {
            cluster: "demo".to_owned(),
            service: "blue".to_owned(),
        };
        let id = identity.node_id("eu-west-1", "123456789012", "7");
        assert_eq!(id, "arn:aws:ecs:eu-west-1:123456789012:task-set/demo/blue/ecs-svc/7");
        assert_eq!(ServiceIdentity::parse(&id), Ok(identity));
    }

    #[test]
    fn mesh_nodes_are_named_by_paths_and_arns() {
        for id in [
            "mesh/m/virtualGateway/n",
            "arn:aws:appmesh:eu-west-1:123456789012:mesh/m/virtualGateway/n",
        ] {
            let expected = ResourcePath::new("m", Kind::VirtualGateway, "n");
            assert_eq!(Identity::parse(id), Ok(Identity::MeshNode(expected)));
        }
    }

    #[test]
    fn load_balancers_are_named() {
        let id = load_balancer_node_id("shop");
        assert_eq!(id, "loadBalancer/shop");
        assert_eq!(Identity::parse(&id), Ok(Identity::LoadBalancer("shop".to_owned())));
        assert!(Identity::parse("loadBalancer/").is_err());
    }

    #[test]
    fn errors_quote_an_unknown_node_id() {
        for id in [
            "blue",
            "mesh/m/virtualService/n",
            "arn:aws:ecs:r:a:task-set/demo/blue",
            ":task-set///ecs-svc/",
        ] {
            let error = Identity::parse(id).unwrap_err().to_string();
            assert!(error.contains(&format!("`{id}`")), "{error}");
        }
    }
}
