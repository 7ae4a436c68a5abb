//! The control plane of a mesh, as an ECS service beside the services that it configures.

use cfn::{Resource, Value};
use serde_json::{Value as Json, json};

use super::configuration_store::{ConfigurationStore, ConfigurationStoreHandle};
use super::control_plane_handle::{ControlPlaneHandle, XDS_PORT};
use super::iam::{allow, own_arn, task_role};
use super::{
    AppMeshApi, ClusterHandle, Container, CpuArchitecture, HealthCheck, NetworkHandle, PortMapping,
    PrivateDnsNamespaceHandle, Service, TaskDefinition, XdsAccess,
};
use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};
use crate::{EcrImage, images, labels};
use mesh_model::service_connect::AppProtocol;

/// The port of the status page, which only its own health check uses.
const STATUS_PORT: u16 = 18_001;
/// Two, decided by us: running Envoys work without a control plane, but a new task needs one to start.
const DEFAULT_TASKS: u32 = 2;
/// Seconds between health checks, decided by us: the minimum of ECS, because other services wait for it.
const CHECK_INTERVAL: u32 = 5;
/// Seconds after the start in which failed checks do not count, decided by us: in a new stack, parameters and
/// namespaces are created at the same time as the service.
const START_PERIOD: u32 = 60;
/// The user of its process: that of the image, which has no rights. It needs no writable file and no capability.
const USER: &str = "65532";
/// The default name, decided by us.
const DEFAULT_NAME: &str = "mesh-control";

/// The control plane of a mesh: a service whose tasks read the mesh from Parameter Store and its endpoints from Cloud
/// Map, and configure each Envoy.
///
/// It is added before the mesh, which refers to it by [`Mesh::with_control_plane`](crate::Mesh::with_control_plane).
/// Its tasks are stateless, so any number of replicas can run. Envoys find it by its DNS name, `mesh-control` in its
/// namespace.
///
/// Its role allows reading the parameters and revision markers of this mesh, reading and writing its status under
/// `/meshwright-status/<mesh>`, listing Cloud Map services, and discovering instances in the namespaces that it is given. For discovery, IAM has
/// no narrower resource than `*`; the condition `servicediscovery:NamespaceName` restricts it (service authorization
/// reference, "AWS Cloud Map", read 2026-11-23). The role also allows reading its own namespace, for the name by
/// which Cloud Map discovers instances there: the name has a hash if the account had another namespace of the same
/// name before, for instance in a deleted stack.
///
/// With [`ControlPlane::with_app_mesh_api`], its tasks serve App Mesh's API, and the meshes that it has.
///
/// The local runner has its own control plane and does not start this service.
#[derive(Debug, Clone)]
pub struct ControlPlane {
    mesh: Option<String>,
    api: Option<AppMeshApi>,
    store: Option<ConfigurationStore>,
    access: Option<XdsAccess>,
    cluster: ClusterHandle,
    network: NetworkHandle,
    namespace: PrivateDnsNamespaceHandle,
    further_namespaces: Vec<String>,
    image: Value<String>,
    name: String,
    tasks: Value<u32>,
    cpu_architecture: Option<CpuArchitecture>,
}

impl ControlPlane {
    /// The control plane of the mesh with this name. Its tasks run in `network` and register in `namespace`, where it
    /// also discovers endpoints.
    #[must_use]
    pub fn new(
        mesh: impl Into<String>,
        cluster: &ClusterHandle,
        network: &NetworkHandle,
        namespace: &PrivateDnsNamespaceHandle,
    ) -> Self {
        Self {
            mesh: Some(mesh.into()),
            ..Self::without_mesh(cluster, network, namespace)
        }
    }

    /// The control plane of the meshes of App Mesh's API alone: it reads no mesh of a stack. Otherwise as
    /// [`ControlPlane::new`].
    #[must_use]
    pub fn of_app_mesh_api(
        api: AppMeshApi,
        cluster: &ClusterHandle,
        network: &NetworkHandle,
        namespace: &PrivateDnsNamespaceHandle,
    ) -> Self {
        Self::without_mesh(cluster, network, namespace).with_app_mesh_api(api)
    }

    fn without_mesh(cluster: &ClusterHandle, network: &NetworkHandle, namespace: &PrivateDnsNamespaceHandle) -> Self {
        Self {
            mesh: None,
            api: None,
            store: None,
            access: None,
            cluster: cluster.clone(),
            network: network.clone(),
            namespace: namespace.clone(),
            further_namespaces: Vec::new(),
            image: EcrImage::new(images::CONTROL_PLANE)
                .with_tag(env!("CARGO_PKG_VERSION"))
                .into(),
            name: DEFAULT_NAME.to_owned(),
            tasks: Value::Known(DEFAULT_TASKS),
            cpu_architecture: None,
        }
    }

    /// Sets the image. Default, decided by us: `meshwright/mesh-control` with this version as its tag, in the ECR
    /// registry of the account and region of the stack; `meshwright images` prints the commands that push it.
    #[must_use]
    pub fn with_image(mut self, image: impl Into<Value<String>>) -> Self {
        self.image = image.into();
        self
    }

    /// Sets the number of tasks. Default, decided by us: 2.
    #[must_use]
    pub fn with_desired_count(mut self, tasks: impl Into<Value<u32>>) -> Self {
        self.tasks = tasks.into();
        self
    }

    /// Sets the processor architecture of its image. Default, decided by ECS: [`CpuArchitecture::X86_64`].
    #[must_use]
    pub fn with_cpu_architecture(mut self, architecture: CpuArchitecture) -> Self {
        self.cpu_architecture = Some(architecture);
        self
    }

    /// Sets the name of its service, by which Envoys find it. Required if a cluster or a namespace contains several.
    /// Default, decided by us: `mesh-control`.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Adds a Cloud Map namespace in which it discovers endpoints, by name, or by `HttpName` if that differs.
    /// Default: only its own.
    #[must_use]
    pub fn with_namespace(mut self, name: impl Into<String>) -> Self {
        self.further_namespaces.push(name.into());
        self
    }

    /// Serves App Mesh's API in its tasks, and the meshes that it has, besides the mesh of the stack. Default: without.
    #[must_use]
    pub fn with_app_mesh_api(mut self, api: AppMeshApi) -> Self {
        self.api = Some(api);
        self
    }

    /// Serves Envoys with TLS, each node to the roles that may act as it. Default, decided by us: without TLS and
    /// authentication; security groups decide who reaches the port, and each task of the mesh can read the configuration of
    /// every node.
    #[must_use]
    pub fn with_xds_access(mut self, access: XdsAccess) -> Self {
        self.access = Some(access);
        self
    }

    /// Stores the configurations that its Envoys have accepted in a bucket, and serves them by an agent beside each Envoy, so
    /// that tasks start while no control plane answers. Default: without.
    #[must_use]
    pub fn with_configuration_store(mut self, store: ConfigurationStore) -> Self {
        self.store = Some(store);
        self
    }

    /// `table` has the meshes of the API.
    fn task_definition(&self, table: Option<&LogicalId>, store: Option<&ConfigurationStoreHandle>) -> TaskDefinition {
        let (namespace, id) = (self.namespace.name(), self.namespace.logical_id().qualified());
        let mut command = Vec::new();
        if let Some(mesh) = &self.mesh {
            command.extend(["--mesh".into(), Value::Known(mesh.clone())]);
        }
        command.extend([
            "--namespace".into(),
            Value::Sub(format!("{namespace}=${{{id}}}")),
            "--xds".into(),
            Value::Known(format!("0.0.0.0:{XDS_PORT}")),
        ]);
        if self.access.is_none() {
            // Who reaches the port is decided by the security groups of the network.
            command.push("--xds-insecure".into());
        }
        command.extend([
            "--status".into(),
            Value::Known(format!("127.0.0.1:{STATUS_PORT}")),
            "--publish-status".into(),
        ]);
        let mut container = Container::new("mesh-control", self.image.clone())
            .with_environment("AWS_REGION", Value::reference("AWS::Region"))
            .with_port(PortMapping::new("xds", XDS_PORT).with_app_protocol(AppProtocol::Grpc))
            .with_label(labels::ROLE, labels::ROLE_CONTROL_PLANE)
            .with_user(USER)
            .with_health_check(
                HealthCheck::command(["mesh-control", "health"])
                    .with_interval_seconds(CHECK_INTERVAL)
                    .with_start_period_seconds(START_PERIOD),
            );
        if let (Some(api), Some(table)) = (&self.api, table) {
            container = api.add_to_container(container, table, &mut command);
        }
        if let Some(access) = &self.access {
            container = access.add_to_control_plane(&self.namespace.dns_name(&self.name), container, &mut command);
        }
        if let Some(store) = store {
            container = store.add_to_control_plane(container, &mut command);
        }
        let task = TaskDefinition::new(container.with_command(command));
        self.cpu_architecture
            .into_iter()
            .fold(task, TaskDefinition::with_cpu_architecture)
    }

    /// The statements of its role.
    fn statements(&self, table: Option<&LogicalId>, store: Option<&ConfigurationStoreHandle>) -> Vec<Json> {
        let mut statements = self.mesh.as_deref().map(parameter_statements).unwrap_or_default();
        let discover = [
            "servicediscovery:DiscoverInstances",
            "servicediscovery:DiscoverInstancesRevision",
        ];
        let mut discovery = allow(&discover, vec![Json::from("*")]);
        let own = self.namespace.name();
        // The `HttpName` has a hash if another namespace had the name before; AWS does not document its position.
        let own = [own.to_owned(), format!("*{own}*")];
        let namespaces: Vec<&String> = own.iter().chain(&self.further_namespaces).collect();
        discovery["Condition"] = json!({"StringLike": {"servicediscovery:NamespaceName": namespaces}});
        statements.extend([
            discovery,
            allow(&["servicediscovery:GetNamespace"], vec![self.namespace.arn().to_json()]),
            // IAM has no resources for it (service authorization reference, "AWS Cloud Map", read 2026-11-30).
            allow(&["servicediscovery:ListServices"], vec![Json::from("*")]),
        ]);
        if let (Some(api), Some(table)) = (&self.api, table) {
            statements.extend(api.statements(table));
        }
        statements.extend(store.iter().flat_map(|store| store.writer_statements()));
        statements
    }
}

/// What the mesh of a stack needs.
fn parameter_statements(mesh: &str) -> Vec<Json> {
    let both = |path: String| vec![own_arn("ssm", &path), own_arn("ssm", &format!("{path}/*"))];
    let parameters = both(format!("parameter/meshwright/{mesh}"));
    let revision = both(format!("parameter/meshwright-revision/{mesh}"));
    // Each replica removes the status of replicas that no longer exist.
    let status = both(format!("parameter/meshwright-status/{mesh}"));
    let status_actions = ["ssm:GetParametersByPath", "ssm:PutParameter", "ssm:DeleteParameter"];
    vec![
        allow(&["ssm:GetParameter", "ssm:GetParametersByPath"], parameters),
        allow(&["ssm:GetParametersByPath"], revision),
        allow(&status_actions, status),
    ]
}

impl Construct for ControlPlane {
    type Handle = ControlPlaneHandle;
    const KIND: &'static str = "";

    fn add_to(self, scope: &mut Scope<'_>) -> ControlPlaneHandle {
        let store = self.store.clone().map(|store| store.add_to(scope));
        if let Some(access) = &self.access {
            let path = format!("Resources.{}", scope.part("TaskDefinition"));
            access.check(&path, scope.diagnostics());
        }
        let host = self.namespace.dns_name(&self.name);
        let access = self
            .access
            .clone()
            .map(|access| access.into_handle(host, self.image.clone()));
        let table = self.api.as_ref().map(|_| AppMeshApi::add_table(scope));
        let role = scope.part("TaskRole");
        let of = match &self.mesh {
            Some(mesh) => format!("the mesh {mesh}"),
            None => "App Mesh's API".to_owned(),
        };
        let description = format!("What the control plane of {of} may do");
        let properties = task_role(description, self.statements(table.as_ref(), store.as_ref()));
        scope.add_resource(&role, Resource::of(&properties));
        let task = self
            .task_definition(table.as_ref(), store.as_ref())
            .with_task_role_arn(Value::attribute(role.as_str(), "Arn"));
        let service = Service::new(&self.cluster, task)
            .with_name(self.name.as_str())
            .with_desired_count(self.tasks)
            .with_network(&self.network)
            .with_service_discovery(&self.namespace);
        let service = service.add_to(scope);
        ControlPlaneHandle::new(service, self.mesh, self.name, self.namespace, self.api.is_some())
            .with_store(store)
            .with_access(access)
    }
}
