//! The Envoy of a task, by which its service is a part of the mesh.

use mesh_model::app_mesh::{PortMapping as MeshPort, Protocol, ResourcePath};
use mesh_model::service_connect::AppProtocol;

use super::{VirtualGatewayHandle, VirtualNodeHandle};
use crate::constructs::{Container, PortMapping};
use crate::stack::LogicalId;

/// The image of the Envoys in tasks: the release that the control plane is tested with.
pub const ENVOY_IMAGE: &str = "envoyproxy/envoy:v1.40.0";
/// The name of a task's Envoy container.
pub const ENVOY_CONTAINER: &str = "envoy";
/// The environment variable by which an Envoy learns which virtual node or virtual gateway it belongs to: an ARN, or
/// the path at its end, `mesh/demo/virtualNode/blue`. The name is App Mesh's.
pub const RESOURCE_ARN_VARIABLE: &str = "APPMESH_RESOURCE_ARN";

/// The user that a sidecar runs as: App Mesh's convention. What this user sends is not redirected to the Envoy where
/// connections are, or its own calls would come back to it.
const SIDECAR_USER: &str = "1337";

/// An Envoy to be added to a task.
#[derive(Debug, Clone)]
pub(in crate::constructs) struct Envoy {
    pub(in crate::constructs) belongs_to: LogicalId,
    path: ResourcePath,
    ports: Vec<MeshPort>,
    is_sidecar: bool,
}

impl Envoy {
    pub(in crate::constructs) fn of_node(node: &VirtualNodeHandle) -> Self {
        Self {
            belongs_to: node.logical_id().clone(),
            path: node.path().clone(),
            // Callers connect to the ports of the application.
            ports: Vec::new(),
            is_sidecar: true,
        }
    }

    pub(in crate::constructs) fn of_gateway(gateway: &VirtualGatewayHandle) -> Self {
        Self {
            belongs_to: gateway.logical_id().clone(),
            path: gateway.path().clone(),
            ports: gateway.listeners().to_vec(),
            is_sidecar: false,
        }
    }

    /// Whether the other containers of the task speak through it.
    pub(in crate::constructs) fn is_sidecar(&self) -> bool {
        self.is_sidecar
    }

    pub(in crate::constructs) fn container(&self) -> Container {
        let container =
            Container::new(ENVOY_CONTAINER, ENVOY_IMAGE).with_environment(RESOURCE_ARN_VARIABLE, self.path.to_string());
        if self.is_sidecar {
            return container.with_user(SIDECAR_USER);
        }
        // Nothing is ever redirected in a gateway's task, so the image's own user will do.
        self.ports.iter().fold(container, |container, port| {
            let name = format!("{}-{}", port.protocol, port.port);
            container.with_port(PortMapping::new(name, port.port).with_app_protocol(app_protocol(port.protocol)))
        })
    }
}

fn app_protocol(protocol: Protocol) -> AppProtocol {
    match protocol {
        Protocol::Http => AppProtocol::Http,
        Protocol::Http2 => AppProtocol::Http2,
        Protocol::Grpc => AppProtocol::Grpc,
        Protocol::Tcp => AppProtocol::Tcp,
    }
}
