//! The Envoy of a task, by which its service is a part of the mesh.

use cfn::ecs;
use mesh_model::app_mesh::{PortMapping as MeshPort, Protocol, ResourcePath};
use mesh_model::service_connect::AppProtocol;
use sidecar_contract::Diagnostics;

use super::wiring::bootstrap;
use super::{VirtualGatewayHandle, VirtualNodeHandle};
use crate::constructs::{Container, ContainerCondition, ControlPlaneHandle, HealthCheck, PortMapping, TaskDefinition};
use crate::ecr_image::EcrImage;
use crate::stack::LogicalId;
use crate::{env, images, labels};

/// The name of a task's Envoy container.
pub(in crate::constructs) const ENVOY_CONTAINER: &str = "envoy";

/// The user that a sidecar runs as: App Mesh's convention. What this user sends is not redirected to the Envoy where
/// connections are, or its own calls would come back to it.
pub(super) const SIDECAR_USER: &str = "1337";

/// Asks Envoy whether it takes calls, with nothing but the shell: Envoy's image has no program for it.
const READY: &str = "exec 3<>/dev/tcp/127.0.0.1/9901 \
                     && printf 'GET /ready HTTP/1.1\\r\\nHost: envoy\\r\\nConnection: close\\r\\n\\r\\n' >&3 \
                     && read -r _ status _ <&3 && test \"$status\" = 200";
/// Seconds between two questions, decided by us: the least that ECS allows, as an application waits for its Envoy.
const READY_INTERVAL: u32 = 5;
/// Seconds for an answer, decided by us: a shell has to be started for it, on a processor that the application may keep
/// busy.
const READY_TIMEOUT: u32 = 5;
/// Seconds at the start in which an Envoy may still be waiting for its control plane, decided by us: as long as two new
/// tasks of that take to start.
const READY_START_PERIOD: u32 = 120;

/// An Envoy to be added to a task.
#[derive(Debug, Clone)]
pub(in crate::constructs) struct Envoy {
    pub(in crate::constructs) belongs_to: LogicalId,
    pub(super) path: ResourcePath,
    pub(super) listeners: Vec<MeshPort>,
    /// The virtual services that the task calls.
    pub(super) backends: Vec<String>,
    /// Those that it calls by TCP, with the port.
    pub(super) tcp_backends: Vec<(String, u16)>,
    pub(super) control_plane: Option<ControlPlaneHandle>,
    is_sidecar: bool,
    pub(super) is_intercepted: bool,
    /// The socket of a secret discovery service beside it.
    pub(super) sds: Option<String>,
}

impl Envoy {
    pub(in crate::constructs) fn of_node(node: &VirtualNodeHandle) -> Self {
        Self {
            belongs_to: node.logical_id().clone(),
            path: node.path().clone(),
            listeners: node.listeners.clone(),
            backends: node.backends.clone(),
            tcp_backends: node.tcp_backends.clone(),
            control_plane: node.control_plane.clone(),
            is_sidecar: true,
            is_intercepted: false,
            sds: None,
        }
    }

    pub(in crate::constructs) fn of_gateway(gateway: &VirtualGatewayHandle) -> Self {
        Self {
            belongs_to: gateway.logical_id().clone(),
            path: gateway.path().clone(),
            listeners: gateway.listeners().to_vec(),
            backends: Vec::new(),
            tcp_backends: Vec::new(),
            control_plane: gateway.control_plane.clone(),
            is_sidecar: false,
            is_intercepted: false,
            sds: None,
        }
    }

    /// The same, connections being redirected to it.
    pub(in crate::constructs) fn intercepting(self) -> Self {
        Self {
            is_intercepted: true,
            ..self
        }
    }

    /// The same, its certificates coming from a socket.
    pub(in crate::constructs) fn with_sds(self, socket: Option<String>) -> Self {
        Self { sds: socket, ..self }
    }

    /// Whether the other containers of the task speak through it.
    pub(in crate::constructs) fn is_sidecar(&self) -> bool {
        self.is_sidecar
    }

    /// What must run before it has anything to ask.
    pub(in crate::constructs) fn control_plane(&self) -> Option<&LogicalId> {
        self.control_plane.as_ref().map(ControlPlaneHandle::logical_id)
    }

    /// The task with its Envoy. Containers that speak through the Envoy start after it. They also stop before it: ECS
    /// stops containers in the reverse order, so that they can finish what is under way.
    ///
    /// `path` leads to the task definition's containers.
    pub(in crate::constructs) fn join(
        &self,
        task: TaskDefinition,
        path: &str,
        diagnostics: &mut Diagnostics,
    ) -> TaskDefinition {
        let task = match (self.is_sidecar, self.is_intercepted) {
            (true, _) => {
                // Without a control plane of ours nobody knows when it would be well.
                let condition = match self.control_plane {
                    Some(_) => ContainerCondition::Healthy,
                    None => ContainerCondition::Start,
                };
                task.map_containers(|container| container.with_dependency(ENVOY_CONTAINER, condition))
            }
            (false, false) => task,
            (false, true) => {
                let message = "are of a virtual gateway, whose Envoy takes what comes to its own ports; nothing can be \
                               redirected to it, so leave out with_transparent_proxy";
                diagnostics.add(path, message);
                task
            }
        };
        let Some(control_plane) = &self.control_plane else {
            return task.with_container(self.container(None));
        };
        let wiring = self.wiring(&task, path, diagnostics);
        let task = match self.is_sidecar {
            true => self.tell(task, &wiring, control_plane),
            // Nothing in a gateway's task calls anything.
            false => task,
        };
        task.with_container(self.container(Some(&bootstrap(self, control_plane, wiring))))
    }

    fn container(&self, bootstrap: Option<&str>) -> Container {
        let (repository, tag) = images::ENVOY_MIRROR;
        let image = EcrImage::new(repository).with_tag(tag);
        let mut container =
            Container::new(ENVOY_CONTAINER, image).with_environment(env::APPMESH_RESOURCE_ARN, self.path.to_string());
        if let Some(socket) = &self.sds {
            container = container.with_environment(env::APPMESH_SDS_SOCKET_PATH, socket.as_str());
        }
        if let Some(bootstrap) = bootstrap {
            container = container
                .with_label(labels::ROLE, labels::ROLE_ENVOY)
                .with_command(["--config-yaml", bootstrap])
                .with_health_check(
                    HealthCheck::command(["bash", "-c", READY])
                        .with_interval_seconds(READY_INTERVAL)
                        .with_timeout_seconds(READY_TIMEOUT)
                        .with_start_period_seconds(READY_START_PERIOD),
                );
        }
        if self.is_sidecar {
            return container.with_user(SIDECAR_USER);
        }
        // Nothing is ever redirected in a gateway's task, so the image's own user will do.
        self.listeners.iter().fold(container, |container, port| {
            let name = format!("{}-{}", port.protocol, port.port);
            container.with_port(PortMapping::new(name, port.port).with_app_protocol(app_protocol(port.protocol)))
        })
    }

    /// How ECS is told to redirect connections to it.
    pub(in crate::constructs) fn proxy_configuration(&self) -> Option<ecs::ProxyConfiguration> {
        (self.is_intercepted && self.is_sidecar).then(|| super::wiring::proxy_configuration(&self.listeners))
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
