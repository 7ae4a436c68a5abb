//! Services: tasks that are kept running, found and replaced.

mod synth;

use cfn::{Value, ecs};

use crate::stack::LogicalId;

use super::app_mesh::Envoy;
use super::logs::DEFAULT_RETENTION_DAYS;
use super::{
    ClusterHandle, LoadBalancerHandle, NetworkHandle, PrivateDnsNamespaceHandle, ServiceConnect, TaskDefinition,
    VirtualGatewayHandle, VirtualNodeHandle,
};

/// A service on Fargate, with its task definition, a log group for what its containers print, and a role by which ECS
/// writes there and pulls its images.
#[derive(Debug, Clone)]
pub struct Service {
    cluster: ClusterHandle,
    task_definition: TaskDefinition,
    name: Option<Value<String>>,
    desired_count: Value<u32>,
    network: Option<NetworkHandle>,
    service_connect: Option<ServiceConnect>,
    backends: Vec<LogicalId>,
    envoy: Option<Envoy>,
    is_intercepted: bool,
    sds_socket: Option<String>,
    discovery: Option<PrivateDnsNamespaceHandle>,
    load_balancer: Option<LoadBalancerHandle>,
    log_retention_days: u32,
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
            desired_count: Value::Known(1),
            network: None,
            service_connect: None,
            backends: Vec::new(),
            envoy: None,
            is_intercepted: false,
            sds_socket: None,
            discovery: None,
            load_balancer: None,
            log_retention_days: DEFAULT_RETENTION_DAYS,
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

    /// A service of one task that consists of the Envoy of a virtual gateway.
    #[must_use]
    pub fn gateway(cluster: &ClusterHandle, gateway: &VirtualGatewayHandle) -> Self {
        Self::new(cluster, TaskDefinition::envoy_alone()).with_virtual_gateway(gateway)
    }

    /// The same service with a name. Default, decided by CloudFormation: stack name, logical id and a random
    /// part. CloudFormation cannot replace a resource that has a name, unless the name changes too.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Value<String>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same service, this many tasks kept running. Default, decided by us as by CloudFormation: 1.
    #[must_use]
    pub fn with_desired_count(mut self, tasks: impl Into<Value<u32>>) -> Self {
        self.desired_count = tasks.into();
        self
    }

    /// The same service, its tasks in this network. A service on Fargate must be in one; without, there is a
    /// problem.
    #[must_use]
    pub fn with_network(mut self, network: &NetworkHandle) -> Self {
        self.network = Some(network.clone());
        self
    }

    /// The same service, taking part in Service Connect. Default: it does not.
    #[must_use]
    pub fn with_service_connect(mut self, service_connect: ServiceConnect) -> Self {
        self.service_connect = Some(service_connect);
        self
    }

    /// The same service, created after a service that it calls.
    ///
    /// A task learns only those endpoints that its namespace had when its own service was last deployed (ECS
    /// developer guide, Service Connect concepts, read 2026-11-23). Without an order CloudFormation creates
    /// services side by side, and a client may never find a backend that came second. Default: no order.
    #[must_use]
    pub fn with_backend(mut self, backend: &ServiceHandle) -> Self {
        if !self.backends.contains(&backend.id) {
            self.backends.push(backend.id.clone());
        }
        self
    }

    /// The same service, its tasks being a virtual node of a mesh. Default: they are not. Replaces a virtual gateway.
    ///
    /// Each task gets an Envoy, a container named `envoy` of the image [`ENVOY_MIRROR`], and [`APPMESH_RESOURCE_ARN`] says
    /// what it belongs to. The other containers start after it and stop before it. The service is
    /// created after the virtual node: an Envoy whose node does not exist has nothing to do.
    ///
    /// If the mesh has a control plane ([`Mesh::with_control_plane`](crate::Mesh::with_control_plane)), the Envoy starts
    /// from a bootstrap that finds it, and the other containers wait until Envoy is ready. The wiring is explicit,
    /// decided by us, because it needs nothing of the platform: Envoy listens on the virtual node's ports in place of the
    /// application. That listens on another port, 10000 higher, which its variable tells it
    /// ([`PortMapping::with_port_variable`](crate::PortMapping::with_port_variable)), and calls its Envoy where
    /// `MESHWRIGHT_EGRESS` says. [`Service::with_transparent_proxy`] is the other way.
    ///
    /// [`ENVOY_MIRROR`]: crate::images::ENVOY_MIRROR
    /// [`APPMESH_RESOURCE_ARN`]: crate::env::APPMESH_RESOURCE_ARN
    #[must_use]
    pub fn with_virtual_node(mut self, node: &VirtualNodeHandle) -> Self {
        self.envoy = Some(Envoy::of_node(node));
        self
    }

    /// The same service, the Envoys of its tasks being a virtual gateway of a mesh. Default: they are not. Replaces a
    /// virtual node. The Envoy container has the gateway's ports as port mappings, named `http-9080` and the like.
    #[must_use]
    pub fn with_virtual_gateway(mut self, gateway: &VirtualGatewayHandle) -> Self {
        self.envoy = Some(Envoy::of_gateway(gateway));
        self
    }

    /// The same service, its tasks' connections redirected to their Envoys by ECS, as App Mesh had it: applications
    /// listen on their own ports and connect wherever names lead. Default, decided by us: explicit wiring, see
    /// [`Service::with_virtual_node`].
    ///
    /// ECS still lists the setting (`ProxyConfiguration`, ECS API reference, read 2026-11-23). That it works since App
    /// Mesh was switched off is not known to us, which is why it is never the default.
    #[must_use]
    pub fn with_transparent_proxy(mut self) -> Self {
        self.is_intercepted = true;
        self
    }

    /// The same service, its Envoys taking certificates from a secret discovery service on this Unix socket, for virtual
    /// nodes and gateways whose TLS says `sds`. The service itself is a container of the task, and the socket in a volume
    /// that both mount, by [`Stack::override_property`](crate::Stack::override_property). Default: none.
    #[must_use]
    pub fn with_sds_socket(mut self, path: impl Into<String>) -> Self {
        self.sds_socket = Some(path.into());
        self
    }

    /// The same service behind a load balancer: connections go to the container that has its target port. The service is
    /// created after the load balancer's listener. Default: behind none.
    ///
    /// ECS replaces a task that the load balancer finds unwell, but not within its first 300 s, decided by us.
    #[must_use]
    pub fn with_load_balancer(mut self, load_balancer: &LoadBalancerHandle) -> Self {
        self.load_balancer = Some(load_balancer.clone());
        self
    }

    /// The same service, its logs kept for this many days: 1, 3, 5, 7, 14, 30, 60, 90, … 3653. Default, decided by us: 30.
    /// They go with the stack in any case.
    #[must_use]
    pub fn with_log_retention_days(mut self, days: u32) -> Self {
        self.log_retention_days = days;
        self
    }

    /// The same service, its tasks registered in a namespace: DNS answers the addresses of up to eight that are well,
    /// for 10 s, both decided by us. Default: they are not registered.
    ///
    /// They are found under the service's name if it has one, else under the id that it is added with: `blue.appmesh`
    /// for `blue` in the namespace `appmesh`. That is the name for the virtual node's
    /// [`with_dns_endpoints`](crate::VirtualNode::with_dns_endpoints).
    #[must_use]
    pub fn with_service_discovery(mut self, namespace: &PrivateDnsNamespaceHandle) -> Self {
        self.discovery = Some(namespace.clone());
        self
    }

    /// The same service, deployed by these rules. Default, decided by us: ECS's own (200 % at most, 100 % at
    /// least), with the circuit breaker on and rolling back. ECS leaves the breaker off; CloudFormation then
    /// waits for hours on tasks that never come up.
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
    task_definition: LogicalId,
    dns_name: Option<String>,
}

impl ServiceHandle {
    /// The service's logical id.
    #[must_use]
    pub fn logical_id(&self) -> &LogicalId {
        &self.id
    }

    /// The service's ARN.
    #[must_use]
    pub fn arn(&self) -> Value<String> {
        Value::reference(self.id.as_str())
    }

    /// The service's name.
    #[must_use]
    pub fn name(&self) -> Value<String> {
        Value::attribute(self.id.as_str(), "Name")
    }

    /// The name under which DNS finds the service's tasks, such as `blue.appmesh`. `None` if they are not registered,
    /// or under a name that is late.
    #[must_use]
    pub fn dns_name(&self) -> Option<&str> {
        self.dns_name.as_deref()
    }

    /// The ARN of the service's task definition, revision included.
    #[must_use]
    pub fn task_definition_arn(&self) -> Value<String> {
        Value::reference(self.task_definition.as_str())
    }
}
