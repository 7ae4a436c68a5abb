//! ECS services.

mod synth;

use cfn::{Value, ecs};

use crate::stack::LogicalId;

use super::app_mesh::Envoy;
use super::logs::DEFAULT_RETENTION_DAYS;
use super::{
    Autoscaling, CapacityProvider, ClusterHandle, CpuArchitecture, LoadBalancerHandle, NetworkHandle,
    PrivateDnsNamespaceHandle, ServiceConnect, TaskDefinition, VirtualGatewayHandle, VirtualNodeHandle,
};

/// An ECS service, on Fargate by default, with its task definition, a log group for its containers, and an execution role.
#[derive(Debug, Clone)]
pub struct Service {
    cluster: ClusterHandle,
    task_definition: TaskDefinition,
    name: Option<Value<String>>,
    desired_count: Option<Value<u32>>,
    autoscaling: Option<Autoscaling>,
    capacity_providers: Vec<CapacityProvider>,
    cpu_architecture: Option<CpuArchitecture>,
    network: Option<NetworkHandle>,
    service_connect: Option<ServiceConnect>,
    backends: Vec<LogicalId>,
    envoy: Option<Envoy>,
    is_transparent_proxy: bool,
    sds_socket: Option<String>,
    discovery: Option<PrivateDnsNamespaceHandle>,
    load_balancer: Option<LoadBalancerHandle>,
    log_retention_days: u32,
    has_execute_command: bool,
    deployment: ecs::DeploymentConfiguration,
}

impl Service {
    /// A service of one task in a cluster.
    #[must_use]
    pub fn new(cluster: &ClusterHandle, task_definition: TaskDefinition) -> Self {
        Self {
            cluster: cluster.clone(),
            task_definition,
            name: None,
            desired_count: None,
            autoscaling: None,
            capacity_providers: Vec::new(),
            cpu_architecture: None,
            network: None,
            service_connect: None,
            backends: Vec::new(),
            envoy: None,
            is_transparent_proxy: false,
            sds_socket: None,
            discovery: None,
            load_balancer: None,
            log_retention_days: DEFAULT_RETENTION_DAYS,
            has_execute_command: false,
            deployment: ecs::DeploymentConfiguration {
                deployment_circuit_breaker: Some(ecs::DeploymentCircuitBreaker {
                    enable: Value::Known(true),
                    rollback: Value::Known(true),
                    other: serde_json::Map::new(),
                }),
                ..ecs::DeploymentConfiguration::default()
            },
        }
    }

    /// A service of one task that runs the Envoy of a virtual gateway.
    #[must_use]
    pub fn gateway(cluster: &ClusterHandle, gateway: &VirtualGatewayHandle) -> Self {
        Self::new(cluster, TaskDefinition::envoy_alone()).with_virtual_gateway(gateway)
    }

    /// Sets the name. Default, decided by CloudFormation: stack name, logical id and a random part. CloudFormation
    /// cannot replace a named resource unless the name changes.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Value<String>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the number of tasks. Default, decided by us as by CloudFormation: 1.
    #[must_use]
    pub fn with_desired_count(mut self, tasks: impl Into<Value<u32>>) -> Self {
        self.desired_count = Some(tasks.into());
        self
    }

    /// Changes the number of tasks with their load, in place of [`Service::with_desired_count`]. Default: a fixed number.
    #[must_use]
    pub fn with_autoscaling(mut self, autoscaling: Autoscaling) -> Self {
        self.autoscaling = Some(autoscaling);
        self
    }

    /// Sets the capacity of its tasks: Fargate Spot, EC2 instances, or a mixture of Fargate and Fargate Spot. Default,
    /// decided by us: Fargate, by launch type.
    #[must_use]
    pub fn with_capacity_providers(mut self, providers: impl IntoIterator<Item = CapacityProvider>) -> Self {
        self.capacity_providers = providers.into_iter().collect();
        self
    }

    /// Sets the processor architecture of its tasks, unless their [`TaskDefinition`] has one: for a gateway, whose task
    /// consists of an Envoy. All images of a task have this architecture; Envoy's exists for both. Default, decided by
    /// ECS: [`CpuArchitecture::X86_64`].
    #[must_use]
    pub fn with_cpu_architecture(mut self, architecture: CpuArchitecture) -> Self {
        self.cpu_architecture = Some(architecture);
        self
    }

    /// Sets the network of its tasks. Required on Fargate.
    #[must_use]
    pub fn with_network(mut self, network: &NetworkHandle) -> Self {
        self.network = Some(network.clone());
        self
    }

    /// Sets the Service Connect configuration. Default: none.
    #[must_use]
    pub fn with_service_connect(mut self, service_connect: ServiceConnect) -> Self {
        self.service_connect = Some(service_connect);
        self
    }

    /// Creates the service after a service that it calls.
    ///
    /// A task knows only the Service Connect services that existed in its namespace when its own service was last
    /// deployed (ECS developer guide, Service Connect concepts, read 2026-11-23). Without an order, CloudFormation
    /// creates services in parallel, and a client may never find a backend that was created later. Default: no order.
    #[must_use]
    pub fn with_backend(mut self, backend: &ServiceHandle) -> Self {
        if !self.backends.contains(&backend.id) {
            self.backends.push(backend.id.clone());
        }
        self
    }

    /// Makes its tasks a virtual node of a mesh, in place of a virtual gateway. Default: none.
    ///
    /// Each task gets an Envoy, a container named `envoy` of the image [`ENVOY_MIRROR`] whose virtual node
    /// [`APPMESH_RESOURCE_ARN`] specifies. The other containers start after it and stop before it. The service is
    /// created after the virtual node, because an Envoy whose node does not exist has no configuration.
    ///
    /// If the mesh has a control plane ([`Mesh::with_control_plane`](crate::Mesh::with_control_plane)), the Envoy has
    /// a bootstrap with its address, and the other containers wait until Envoy is ready. The task uses an explicit
    /// proxy, decided by us, because this needs no support by the platform: Envoy listens on the virtual node's ports
    /// in place of the application. The application listens on another port, 10000 higher, which an environment
    /// variable specifies ([`PortMapping::with_port_variable`](crate::PortMapping::with_port_variable)), and calls
    /// its Envoy at the address in `MESHWRIGHT_EGRESS`. [`Service::with_transparent_proxy`] is the alternative.
    ///
    /// [`ENVOY_MIRROR`]: crate::images::ENVOY_MIRROR
    /// [`APPMESH_RESOURCE_ARN`]: crate::env::APPMESH_RESOURCE_ARN
    #[must_use]
    pub fn with_virtual_node(mut self, node: &VirtualNodeHandle) -> Self {
        self.envoy = Some(Envoy::of_node(node));
        self
    }

    /// Makes the Envoys of its tasks a virtual gateway of a mesh, in place of a virtual node. Default: none. The
    /// Envoy container has the gateway's ports as port mappings with names such as `http-9080`.
    #[must_use]
    pub fn with_virtual_gateway(mut self, gateway: &VirtualGatewayHandle) -> Self {
        self.envoy = Some(Envoy::of_gateway(gateway));
        self
    }

    /// Redirects its tasks' connections to their Envoys by ECS's `ProxyConfiguration`, as App Mesh did: applications
    /// listen on their own ports and connect to any address. Default, decided by us: an explicit proxy, see
    /// [`Service::with_virtual_node`].
    ///
    /// ECS still documents the setting (`ProxyConfiguration`, ECS API reference, read 2026-11-23). Whether it works
    /// since the end of App Mesh is not known, so it is not the default.
    #[must_use]
    pub fn with_transparent_proxy(mut self) -> Self {
        self.is_transparent_proxy = true;
        self
    }

    /// Sets the Unix socket of a secret discovery service from which its Envoys take certificates, for virtual nodes
    /// and gateways whose TLS specifies `sds`. The secret discovery service is a container of the task; the socket is
    /// in a volume that both containers mount, by [`Stack::override_property`](crate::Stack::override_property).
    /// Default: none.
    #[must_use]
    pub fn with_sds_socket(mut self, path: impl Into<String>) -> Self {
        self.sds_socket = Some(path.into());
        self
    }

    /// Registers its tasks with a load balancer, which forwards to the container with its target port. The service is
    /// created after the load balancer's listener. Default: none.
    ///
    /// ECS replaces a task that the load balancer finds unhealthy, but not within the first 300 s, decided by us.
    #[must_use]
    pub fn with_load_balancer(mut self, load_balancer: &LoadBalancerHandle) -> Self {
        self.load_balancer = Some(load_balancer.clone());
        self
    }

    /// Sets the retention of its logs in days: 1, 3, 5, 7, 14, 30, 60, 90, … 3653. Default, decided by us: 30. The
    /// logs are deleted with the stack in any case.
    #[must_use]
    pub fn with_log_retention_days(mut self, days: u32) -> Self {
        self.log_retention_days = days;
        self
    }

    /// Allows commands in its containers by ECS Exec (`aws ecs execute-command`), for those who have permission to run them.
    /// Default, decided by ECS: not allowed.
    ///
    /// ECS Exec needs a writable root file system, so the containers of the task definition have one and keep Docker's
    /// capabilities; an Envoy that this crate adds does not. The role of the task gets the permissions of the agent; a role
    /// that is given by its ARN must allow `ssmmessages` itself.
    ///
    /// Source: ECS developer guide, "Monitor Amazon ECS containers with ECS Exec" (read 2026-11-30).
    #[must_use]
    pub fn with_execute_command(mut self) -> Self {
        self.has_execute_command = true;
        self
    }

    /// Registers its tasks in a namespace: DNS returns the addresses of up to eight healthy tasks, cached for 10 s,
    /// both decided by us. Default: none.
    ///
    /// The DNS name consists of the service's name, or the id that it is added with, and the namespace:
    /// `blue.appmesh` for `blue` in the namespace `appmesh`. A virtual node uses this name in
    /// [`with_dns_endpoints`](crate::VirtualNode::with_dns_endpoints).
    #[must_use]
    pub fn with_service_discovery(mut self, namespace: &PrivateDnsNamespaceHandle) -> Self {
        self.discovery = Some(namespace.clone());
        self
    }

    /// Sets the deployment configuration. Default, decided by us: ECS's own (at most 200 %, at least 100 %), with the
    /// circuit breaker and its rollback enabled. ECS disables the circuit breaker by default, and CloudFormation then
    /// waits for hours for tasks that never start.
    #[must_use]
    pub fn with_deployment_configuration(mut self, configuration: ecs::DeploymentConfiguration) -> Self {
        self.deployment = configuration;
        self
    }
}

/// A service that was added to a stack.
#[derive(Debug, Clone)]
pub struct ServiceHandle {
    id: LogicalId,
    cluster: Value<String>,
    task_definition: LogicalId,
    dns_name: Option<String>,
    min_tasks: Option<u32>,
}

impl ServiceHandle {
    /// The service's logical id.
    #[must_use]
    pub fn logical_id(&self) -> &LogicalId {
        &self.id
    }

    /// The name of its cluster.
    pub(super) fn cluster(&self) -> Value<String> {
        self.cluster.clone()
    }

    /// The number of tasks that it has at least, if it is known.
    pub(super) fn min_tasks(&self) -> Option<u32> {
        self.min_tasks
    }

    /// The service's ARN.
    #[must_use]
    pub fn arn(&self) -> Value<String> {
        Value::reference(self.id.qualified())
    }

    /// The service's name.
    #[must_use]
    pub fn name(&self) -> Value<String> {
        Value::attribute(self.id.qualified(), "Name")
    }

    /// The DNS name of its tasks, such as `blue.appmesh`. `None` if they are not registered, or if the name is
    /// unresolved.
    #[must_use]
    pub fn dns_name(&self) -> Option<&str> {
        self.dns_name.as_deref()
    }

    /// The ARN of the service's task definition, revision included.
    #[must_use]
    pub fn task_definition_arn(&self) -> Value<String> {
        Value::reference(self.task_definition.qualified())
    }
}
