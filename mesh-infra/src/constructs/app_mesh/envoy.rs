//! The Envoy of a task.

use cfn::Value;
use mesh_model::app_mesh::{PortMapping as MeshPort, Protocol, ResourcePath};
use mesh_model::service_connect::AppProtocol;
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::{VirtualGatewayHandle, VirtualNodeHandle};
use crate::constructs::configuration_store::ConfigurationStoreHandle;
use crate::constructs::ecr_access::pull_statements;
use crate::constructs::task_definition::ENVOY_CONTAINER;
use crate::constructs::{Container, ContainerCondition, ControlPlaneHandle, HealthCheck, PortMapping, TaskDefinition};
use crate::ecr_image::EcrImage;
use crate::stack::LogicalId;
use crate::{env, images, labels};

/// The user of an Envoy: App Mesh's convention. A transparent proxy does not redirect this user's connections, which would
/// otherwise return to the Envoy. Envoy writes only to `/dev/shm`, and needs no capability: all users can listen on low
/// ports of a task that has some.
pub(super) const ENVOY_USER: &str = "1337";

/// Queries Envoy's readiness with only the shell, because Envoy's image contains no HTTP client.
const READY: &str = "exec 3<>/dev/tcp/127.0.0.1/9901 \
                     && printf 'GET /ready HTTP/1.1\\r\\nHost: envoy\\r\\nConnection: close\\r\\n\\r\\n' >&3 \
                     && read -r _ status _ <&3 && test \"$status\" = 200";
/// Seconds between checks, decided by us: the minimum of ECS, because the application waits for its Envoy.
const READY_INTERVAL: u32 = 5;
/// Seconds for a response, decided by us: the check starts a shell, on a processor that the application may keep
/// busy.
const READY_TIMEOUT: u32 = 5;
/// Seconds after the start in which an Envoy may wait for its control plane, decided by us: the time in which two new
/// tasks of the control plane start.
const READY_START_PERIOD: u32 = 120;

/// What Envoys have that constructs did not add: those in task definitions of other tools.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct EnvoyContainer;

impl EnvoyContainer {
    /// The port of Envoy's admin page, on loopback; the same as in App Mesh. [`EnvoyContainer::health_check`] queries it.
    pub const ADMIN_PORT: u16 = 9901;
    /// The version of [`EnvoyContainer::image`], such as `v1.40.0`.
    pub const VERSION: &'static str = images::ENVOY_MIRROR.1;

    /// The image, [`images::ENVOY_MIRROR`] in the account and region of the stack: a value of a template.
    #[must_use]
    pub fn image() -> Json {
        let (repository, tag) = images::ENVOY_MIRROR;
        Value::<String>::from(EcrImage::new(repository).with_tag(tag)).to_json()
    }

    /// The policy statements that ECS needs to pull [`EnvoyContainer::image`].
    #[must_use]
    pub fn pull_statements() -> Vec<Json> {
        let (repository, tag) = images::ENVOY_MIRROR;
        pull_statements(&EcrImage::new(repository).with_tag(tag).into())
    }

    /// The `HealthCheck` of the container definition: Envoy's own readiness, which needs a control plane that responds.
    #[must_use]
    pub fn health_check() -> Json {
        let health_check = ready_check().into_cfn();
        serde_json::to_value(health_check).expect("layer-1 structs have string keys and plain values")
    }
}

fn ready_check() -> HealthCheck {
    HealthCheck::command(["bash", "-c", READY])
        .with_interval_seconds(READY_INTERVAL)
        .with_timeout_seconds(READY_TIMEOUT)
        .with_start_period_seconds(READY_START_PERIOD)
}

/// An Envoy to be added to a task.
#[derive(Debug, Clone)]
pub(in crate::constructs) struct Envoy {
    pub(in crate::constructs) belongs_to: LogicalId,
    pub(super) path: ResourcePath,
    pub(super) listeners: Vec<MeshPort>,
    /// The virtual services that the task calls.
    pub(super) backends: Vec<String>,
    /// The virtual services that it calls by TCP, with the port.
    pub(super) tcp_backends: Vec<(String, u16)>,
    pub(super) control_plane: Option<ControlPlaneHandle>,
    is_sidecar: bool,
    pub(super) is_transparent_proxy: bool,
    /// The socket of a secret discovery service in the task.
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
            is_transparent_proxy: false,
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
            is_transparent_proxy: false,
            sds: None,
        }
    }

    /// Redirects connections to it.
    pub(in crate::constructs) fn with_transparent_proxy(self) -> Self {
        Self {
            is_transparent_proxy: true,
            ..self
        }
    }

    /// Sets the socket from which it takes certificates.
    pub(in crate::constructs) fn with_sds(self, socket: Option<String>) -> Self {
        Self { sds: socket, ..self }
    }

    /// Whether the other containers of the task use it.
    pub(in crate::constructs) fn is_sidecar(&self) -> bool {
        self.is_sidecar
    }

    /// The control plane, which must run first.
    pub(in crate::constructs) fn control_plane(&self) -> Option<&LogicalId> {
        self.control_plane.as_ref().map(ControlPlaneHandle::logical_id)
    }

    /// The bucket that its agent reads, if it has one.
    pub(in crate::constructs) fn store_bucket(&self) -> Option<&LogicalId> {
        let store = self.control_plane.as_ref().and_then(ControlPlaneHandle::store);
        store.map(ConfigurationStoreHandle::bucket)
    }

    /// Adds it to the task. Containers that use the Envoy start after it. They also stop before it: ECS stops
    /// containers in the reverse order, so that requests in flight can complete.
    ///
    /// `path` is the path to the task definition's containers.
    pub(in crate::constructs) fn add_to_task(
        &self,
        task: TaskDefinition,
        path: &str,
        diagnostics: &mut Diagnostics,
    ) -> TaskDefinition {
        let task = match (self.is_sidecar, self.is_transparent_proxy) {
            (true, _) => {
                // Its health check needs a bootstrap, which only a mesh with a control plane has.
                let condition = match self.control_plane {
                    Some(_) => ContainerCondition::Healthy,
                    None => ContainerCondition::Start,
                };
                task.map_containers(|container| container.with_dependency(ENVOY_CONTAINER, condition))
            }
            (false, false) => task,
            (false, true) => {
                let message = "belong to a virtual gateway, whose Envoy receives connections to its own ports; remove \
                               Service::with_transparent_proxy";
                diagnostics.add(path, message);
                task
            }
        };
        let Some(control_plane) = &self.control_plane else {
            return task.with_container(self.container(None));
        };
        let metadata = self.node_metadata(&task, path, diagnostics);
        let task = match self.is_sidecar {
            true => self.configure_applications(task, &metadata, control_plane),
            // No container of a gateway's task makes calls.
            false => task,
        };
        let mut container = self.container(Some(&self.bootstrap(control_plane, metadata)));
        let mut task = task;
        if let Some(access) = control_plane.access() {
            access.check(&self.path.to_string(), task.has_task_role(), path, diagnostics);
            task = task.with_container(access.token_container(ENVOY_USER));
            container = access.with_token(container);
        }
        let task = task.with_container(container);
        let Some(store) = control_plane.store() else {
            return task;
        };
        let address = format!("{}:{}", control_plane.host(), control_plane.port());
        task.with_container(store.agent(&self.path.to_string(), address, ENVOY_USER))
            .with_task_statements(store.reader_statements())
    }

    fn container(&self, bootstrap: Option<&str>) -> Container {
        let (repository, tag) = images::ENVOY_MIRROR;
        let image = EcrImage::new(repository).with_tag(tag);
        let mut container = Container::new(ENVOY_CONTAINER, image)
            .with_environment(env::APPMESH_RESOURCE_ARN, self.path.to_string())
            // The image starts as root, and needs capabilities to become another user.
            .with_user(ENVOY_USER);

        if let Some(socket) = &self.sds {
            container = container.with_environment(env::APPMESH_SDS_SOCKET_PATH, socket.as_str());
        }
        if let Some(bootstrap) = bootstrap {
            container = container
                .with_label(labels::ROLE, labels::ROLE_ENVOY)
                .with_command(["--config-yaml", bootstrap])
                .with_health_check(ready_check());
        }
        if self.is_sidecar {
            return container;
        }
        self.listeners.iter().fold(container, |container, port| {
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
