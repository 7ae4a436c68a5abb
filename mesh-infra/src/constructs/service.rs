//! Services: tasks that are kept running, found and replaced.

use crate::cfn::ecs;
use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};
use crate::template::Resource;
use crate::value::Value;

use super::{ClusterHandle, HttpNamespaceHandle, NetworkHandle, ServiceConnect, TaskDefinition};

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
        for backend in &self.backends {
            scope.expect_own(backend, &format!("{path}.DependsOn"));
        }
    }
}

/// A service that was added to a stack.
#[derive(Debug, Clone)]
pub struct ServiceHandle {
    id: LogicalId,
    task_definition: LogicalId,
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
        scope.add_resource(&task_definition, Resource::of(&self.task_definition.into_cfn()));
        let properties = ecs::Service {
            service_name: self.name,
            cluster: Some(self.cluster.name()),
            task_definition: Some(Value::reference(task_definition.as_str())),
            desired_count: Some(self.desired_count),
            launch_type: Some(Value::from("FARGATE")),
            network_configuration: self.network.as_ref().map(NetworkHandle::configuration),
            service_connect_configuration: service_connect,
            deployment_configuration: Some(self.deployment),
            ..ecs::Service::default()
        };
        let backends = self.backends.iter().map(LogicalId::as_str);
        scope.add_resource(&id, Resource::of(&properties).with_depends_on(backends));
        ServiceHandle { id, task_definition }
    }
}
