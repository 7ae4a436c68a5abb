//! Services: tasks that are kept running, found and replaced.

use crate::cfn::{ecs, servicediscovery};
use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};
use crate::template::Resource;
use crate::value::Value;

use super::app_mesh::Envoy;
use super::{
    ClusterHandle, HttpNamespaceHandle, NetworkHandle, PrivateDnsNamespaceHandle, ServiceConnect, TaskDefinition,
    VirtualGatewayHandle, VirtualNodeHandle,
};

/// Seconds for which resolvers may keep the address of a task, decided by us: a task that is gone is called for so
/// long at most.
const DNS_TTL: u32 = 10;

/// A service on Fargate, with its task definition.
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
    discovery: Option<PrivateDnsNamespaceHandle>,
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
            discovery: None,
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
    /// Each task gets an Envoy, a container named [`ENVOY_CONTAINER`] of [`ENVOY_IMAGE`] that learns by
    /// [`RESOURCE_ARN_VARIABLE`] whose it is. The other containers start after it and stop before it. The service is
    /// created after the virtual node: an Envoy whose node does not exist has nothing to do.
    ///
    /// [`ENVOY_CONTAINER`]: crate::ENVOY_CONTAINER
    /// [`ENVOY_IMAGE`]: crate::ENVOY_IMAGE
    /// [`RESOURCE_ARN_VARIABLE`]: crate::RESOURCE_ARN_VARIABLE
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

    fn namespace(&self) -> Option<&HttpNamespaceHandle> {
        self.service_connect
            .as_ref()?
            .namespace()
            .or_else(|| self.cluster.service_connect_namespace())
    }

    /// Notes every handle that belongs to another stack.
    fn check_handles(&self, id: &LogicalId, scope: &mut Scope<'_>) {
        let path = format!("Resources.{id}");
        scope.expect_own(self.cluster.logical_id(), &format!("{path}.Properties.Cluster"));
        if let Some(network) = &self.network {
            scope.expect_own(network.logical_id(), &format!("{path}.Properties.NetworkConfiguration"));
        }
        if let Some(namespace) = self.service_connect.as_ref().and_then(ServiceConnect::namespace) {
            let path = format!("{path}.Properties.ServiceConnectConfiguration.Namespace");
            scope.expect_own(namespace.logical_id(), &path);
        }
        let belongs_to = self.envoy.as_ref().map(|envoy| &envoy.belongs_to);
        for other in self.backends.iter().chain(belongs_to) {
            scope.expect_own(other, &format!("{path}.DependsOn"));
        }
        if let Some(namespace) = &self.discovery {
            scope.expect_own(namespace.logical_id(), &format!("{path}.Properties.ServiceRegistries"));
        }
    }

    /// Adds the Cloud Map service under which the tasks are registered, if they are; and answers the registry, and the
    /// DNS name if it is known.
    fn add_discovery(&self, scope: &mut Scope<'_>) -> Option<(ecs::ServiceRegistry, Option<String>)> {
        let namespace = self.discovery.as_ref()?;
        let name = self.name.clone().unwrap_or_else(|| Value::from(scope.given_id()));
        let dns_name = name.known().map(|name| namespace.dns_name(name));
        let properties = servicediscovery::Service {
            name: Some(name),
            namespace_id: Some(namespace.id()),
            dns_config: Some(servicediscovery::DnsConfig {
                dns_records: vec![servicediscovery::DnsRecord {
                    kind: Value::from("A"),
                    ttl: Value::Known(DNS_TTL),
                }],
                routing_policy: Some(Value::from("MULTIVALUE")),
                namespace_id: None,
            }),
            // ECS tells Cloud Map which tasks are well.
            health_check_custom_config: Some(servicediscovery::HealthCheckCustomConfig {
                failure_threshold: Some(Value::Known(1)),
            }),
            ..servicediscovery::Service::default()
        };
        let id = scope.part("DiscoveryService");
        scope.add_resource(&id, Resource::of(&properties));
        let registry = ecs::ServiceRegistry {
            registry_arn: Some(Value::attribute(id.as_str(), "Arn")),
            ..ecs::ServiceRegistry::default()
        };
        Some((registry, dns_name))
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

impl Construct for Service {
    type Handle = ServiceHandle;
    const KIND: &'static str = "Service";

    fn add_to(self, scope: &mut Scope<'_>) -> ServiceHandle {
        let id = scope.logical_id();
        self.check_handles(&id, scope);
        let service_connect = self.service_connect.as_ref().map(|service_connect| {
            let namespace = self.namespace().map(HttpNamespaceHandle::arn);
            ecs::ServiceConnectConfiguration::new(&service_connect.to_model(&self.task_definition), namespace)
        });
        let task_definition = scope.part("TaskDefinition");
        let containers = match &self.envoy {
            Some(envoy) => self.task_definition.clone().with_envoy(envoy),
            None => self.task_definition.clone(),
        };
        scope.add_resource(&task_definition, Resource::of(&containers.into_cfn()));
        let (registry, dns_name) = self.add_discovery(scope).unzip();
        let properties = ecs::Service {
            service_name: self.name,
            cluster: Some(self.cluster.name()),
            task_definition: Some(Value::reference(task_definition.as_str())),
            desired_count: Some(self.desired_count),
            launch_type: Some(Value::from("FARGATE")),
            network_configuration: self.network.as_ref().map(NetworkHandle::configuration),
            service_connect_configuration: service_connect,
            service_registries: registry.into_iter().collect(),
            deployment_configuration: Some(self.deployment),
            ..ecs::Service::default()
        };
        let belongs_to = self.envoy.as_ref().map(|envoy| &envoy.belongs_to);
        let first = self.backends.iter().chain(belongs_to).map(LogicalId::as_str);
        scope.add_resource(&id, Resource::of(&properties).with_depends_on(first));
        ServiceHandle {
            id,
            task_definition,
            dns_name: dns_name.flatten(),
        }
    }
}
