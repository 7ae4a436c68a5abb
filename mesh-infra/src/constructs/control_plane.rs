//! The control plane of a mesh, as a service beside those that it configures.

use cfn::{Resource, Value};
use serde_json::{Value as Json, json};

use super::iam::{allow, own_arn, task_role};
use super::{
    ClusterHandle, Container, HealthCheck, NetworkHandle, PortMapping, PrivateDnsNamespaceHandle, Service,
    TaskDefinition,
};
use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};
use crate::{EcrImage, images, labels};
use mesh_model::service_connect::AppProtocol;

/// Where it listens for Envoys, decided by us: the port that examples of xDS servers have.
const XDS_PORT: u16 = 18_000;
/// Where it tells how it is, to its own health check alone.
const STATUS_PORT: u16 = 18_001;
/// Two, decided by us: Envoys keep what they have without any, but a new task needs one to start.
const DEFAULT_TASKS: u32 = 2;
/// Seconds between two questions whether it is well, decided by us: the least that ECS allows, because other services wait
/// for it.
const CHECK_INTERVAL: u32 = 5;
/// Seconds at its start in which it need not know its mesh, decided by us: a new stack's parameters and names are made at
/// the same time as its service.
const START_PERIOD: u32 = 60;
/// What it is called, decided by us.
const DEFAULT_NAME: &str = "mesh-control";

/// The control plane of a mesh: a service whose tasks read the mesh from Parameter Store and its endpoints from Cloud
/// Map, and tell each Envoy what it should do.
///
/// It is added before the mesh, which names it: [`Mesh::with_control_plane`](crate::Mesh::with_control_plane). Its tasks
/// hold no state, so there may be any number of them, decided by us: two. Envoys find it by name, `mesh-control` in the
/// namespace that it is given.
///
/// Its role allows reading the parameters of this one mesh, writing and reading under `/meshwright-status/<mesh>` what became
/// of them, and looking for endpoints in the namespaces that it is told of. IAM knows no narrower resource for the last than
/// all, and narrows it by the condition `servicediscovery:NamespaceName` (service authorization reference, "AWS Cloud
/// Map", read 2026-11-23). Of its own namespace it also asks by which name Cloud Map discovers instances there: that has a
/// hash if the account had another namespace of this name before, and a stack that is deleted and made anew has one.
///
/// The local runner has a control plane of its own, and does not start this service.
#[derive(Debug, Clone)]
pub struct ControlPlane {
    mesh: String,
    cluster: ClusterHandle,
    network: NetworkHandle,
    namespace: PrivateDnsNamespaceHandle,
    further_namespaces: Vec<String>,
    image: Value<String>,
    name: String,
    tasks: Value<u32>,
}

impl ControlPlane {
    /// The control plane of the mesh of this name. Its tasks are in a network, and found in a namespace, in which it
    /// looks for endpoints, too.
    #[must_use]
    pub fn new(
        mesh: impl Into<String>,
        cluster: &ClusterHandle,
        network: &NetworkHandle,
        namespace: &PrivateDnsNamespaceHandle,
    ) -> Self {
        Self {
            mesh: mesh.into(),
            cluster: cluster.clone(),
            network: network.clone(),
            namespace: namespace.clone(),
            further_namespaces: Vec::new(),
            image: EcrImage::new(images::CONTROL_PLANE)
                .with_tag(env!("CARGO_PKG_VERSION"))
                .into(),
            name: DEFAULT_NAME.to_owned(),
            tasks: Value::Known(DEFAULT_TASKS),
        }
    }

    /// The same control plane, running this image. Default, decided by us: `meshwright/mesh-control` with this version as
    /// its tag, in the ECR of the account and region that the stack is deployed to; `meshwright images` tells how to push
    /// it there.
    #[must_use]
    pub fn with_image(mut self, image: impl Into<Value<String>>) -> Self {
        self.image = image.into();
        self
    }

    /// The same control plane, this many tasks of it kept running. Default, decided by us: 2.
    #[must_use]
    pub fn with_desired_count(mut self, tasks: impl Into<Value<u32>>) -> Self {
        self.tasks = tasks.into();
        self
    }

    /// The same control plane under another name, which is that of its service and that by which Envoys find it. Needed
    /// if a cluster or a namespace has several. Default, decided by us: `mesh-control`.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The same control plane, looking for endpoints in this namespace of Cloud Map as well, by this name: its `HttpName`,
    /// if that differs. Default: in the one that it is found in itself.
    #[must_use]
    pub fn with_namespace(mut self, name: impl Into<String>) -> Self {
        self.further_namespaces.push(name.into());
        self
    }

    fn task_definition(&self) -> TaskDefinition {
        let (namespace, id) = (self.namespace.name(), self.namespace.logical_id());
        let words = [
            "--mesh".into(),
            Value::Known(self.mesh.clone()),
            "--namespace".into(),
            Value::Sub(format!("{namespace}=${{{id}}}")),
            "--xds".into(),
            Value::Known(format!("0.0.0.0:{XDS_PORT}")),
            "--status".into(),
            Value::Known(format!("127.0.0.1:{STATUS_PORT}")),
            "--publish-status".into(),
        ];
        let container = Container::new("mesh-control", self.image.clone())
            .with_command(words)
            .with_environment("AWS_REGION", Value::reference("AWS::Region"))
            .with_port(PortMapping::new("xds", XDS_PORT).with_app_protocol(AppProtocol::Grpc))
            .with_label(labels::ROLE, labels::ROLE_CONTROL_PLANE)
            .with_health_check(
                HealthCheck::command(["mesh-control", "health"])
                    .with_interval_seconds(CHECK_INTERVAL)
                    .with_start_period_seconds(START_PERIOD),
            );
        TaskDefinition::new(container)
    }

    /// What it may do, and nothing else.
    fn statements(&self) -> Vec<Json> {
        let both = |path: String| vec![own_arn("ssm", &path), own_arn("ssm", &format!("{path}/*"))];
        let mesh = both(format!("parameter/meshwright/{}", self.mesh));
        // Each copy clears away what copies that are no more have left there.
        let status = both(format!("parameter/meshwright-status/{}", self.mesh));
        let keep = ["ssm:GetParametersByPath", "ssm:PutParameter", "ssm:DeleteParameter"];
        let discover = [
            "servicediscovery:DiscoverInstances",
            "servicediscovery:DiscoverInstancesRevision",
        ];
        let mut discovery = allow(&discover, vec![Json::from("*")]);
        let own = self.namespace.name();
        // Its `HttpName`, if another namespace had the name before. Where AWS puts the hash is not documented.
        let own = [own.to_owned(), format!("*{own}*")];
        let namespaces: Vec<&String> = own.iter().chain(&self.further_namespaces).collect();
        discovery["Condition"] = json!({"StringLike": {"servicediscovery:NamespaceName": namespaces}});
        vec![
            allow(&["ssm:GetParameter", "ssm:GetParametersByPath"], mesh),
            allow(&keep, status),
            discovery,
            allow(&["servicediscovery:GetNamespace"], vec![self.namespace.arn().to_json()]),
        ]
    }
}

/// A control plane that was added to a stack.
#[derive(Debug, Clone)]
pub struct ControlPlaneHandle {
    id: LogicalId,
    mesh: String,
    name: String,
    namespace: PrivateDnsNamespaceHandle,
}

impl ControlPlaneHandle {
    /// The logical id of its service.
    #[must_use]
    pub fn logical_id(&self) -> &LogicalId {
        &self.id
    }

    /// The name of the mesh that it looks for.
    #[must_use]
    pub fn mesh(&self) -> &str {
        &self.mesh
    }

    /// The name by which Envoys find it, such as `mesh-control.appmesh`.
    #[must_use]
    pub fn host(&self) -> String {
        self.namespace.dns_name(&self.name)
    }

    /// The port on which it listens for Envoys: 18000.
    #[must_use]
    pub fn port(&self) -> u16 {
        XDS_PORT
    }

    /// The namespace that it is found in.
    pub(super) fn namespace(&self) -> &str {
        self.namespace.name()
    }
}

impl Construct for ControlPlane {
    type Handle = ControlPlaneHandle;
    const KIND: &'static str = "";

    fn add_to(self, scope: &mut Scope<'_>) -> ControlPlaneHandle {
        let role = scope.part("TaskRole");
        let description = format!("What the control plane of the mesh {} may do", self.mesh);
        let properties = task_role(description, self.statements());
        scope.add_resource(&role, Resource::of(&properties));
        let task = self
            .task_definition()
            .with_task_role_arn(Value::attribute(role.as_str(), "Arn"));
        let service = Service::new(&self.cluster, task)
            .with_name(self.name.as_str())
            .with_desired_count(self.tasks)
            .with_network(&self.network)
            .with_service_discovery(&self.namespace);
        let service = service.add_to(scope);
        ControlPlaneHandle {
            id: service.logical_id().clone(),
            mesh: self.mesh,
            name: self.name,
            namespace: self.namespace,
        }
    }
}
