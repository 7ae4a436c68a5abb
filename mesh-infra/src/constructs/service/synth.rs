//! Resources of a service.

use cfn::{Resource, Value, ecs, servicediscovery};
use serde_json::Value as Json;

use super::{Service, ServiceHandle};
use crate::construct::Construct;
use crate::constructs::app_mesh::Envoy;
use crate::constructs::ecr_access::pull_statements;
use crate::constructs::iam::{exec_statement, execution_role, task_role};
use crate::constructs::logs::LogGroup;
use crate::constructs::secret::read_statements;
use crate::constructs::{
    Autoscaling, CapacityProvider, Container, EfsVolume, HttpNamespaceHandle, LoadBalancerHandle, NetworkHandle,
    ServiceConnect, TaskDefinition,
};
use crate::stack::{LogicalId, Scope};

/// The launch type, and the compatibility of task definitions.
const FARGATE: &str = "FARGATE";
/// Seconds for which resolvers cache the address of a task, decided by us: clients call a stopped task for at most
/// this time.
const DNS_TTL: u32 = 10;

impl Service {
    fn namespace(&self) -> Option<&HttpNamespaceHandle> {
        self.service_connect
            .as_ref()?
            .namespace()
            .or_else(|| self.cluster.service_connect_namespace())
    }

    /// Records every handle of another stack.
    fn record_handles(&self, id: &LogicalId, scope: &mut Scope<'_>) {
        let path = format!("Resources.{id}");
        scope.refer_to(self.cluster.logical_id(), &format!("{path}.Properties.Cluster"));
        if let Some(network) = &self.network {
            scope.refer_to(network.logical_id(), &format!("{path}.Properties.NetworkConfiguration"));
        }
        if let Some(namespace) = self.service_connect.as_ref().and_then(ServiceConnect::namespace) {
            let path = format!("{path}.Properties.ServiceConnectConfiguration.Namespace");
            scope.refer_to(namespace.logical_id(), &path);
        }
        if let Some(bucket) = self.envoy.as_ref().and_then(Envoy::store_bucket) {
            scope.refer_to(bucket, &format!("{path}.DependsOn"));
        }
        let mesh_resource = self.envoy.as_ref().map(|envoy| &envoy.belongs_to);
        for other in self.backends.iter().chain(mesh_resource) {
            scope.refer_to(other, &format!("{path}.DependsOn"));
        }
        if let Some(namespace) = &self.discovery {
            scope.refer_to(namespace.logical_id(), &format!("{path}.Properties.ServiceRegistries"));
        }
        if let Some(load_balancer) = &self.load_balancer {
            scope.refer_to(load_balancer.logical_id(), &format!("{path}.Properties.LoadBalancers"));
        }
    }

    /// A name for people: the service's name if it is known, else the id that it is added with.
    fn label(&self, scope: &Scope<'_>) -> String {
        let name = self.name.as_ref().and_then(Value::known);
        name.map_or_else(|| scope.given_id().to_owned(), Clone::clone)
    }

    /// Adds the Cloud Map service in which the tasks register, if any. Returns the registry, and the DNS name if it
    /// is known.
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
            // ECS reports the health of tasks to Cloud Map.
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

    /// The number of tasks, unless autoscaling decides it.
    fn desired_count(&self, path: &str, scope: &mut Scope<'_>) -> Option<Value<u32>> {
        match (&self.desired_count, &self.autoscaling) {
            (Some(count), None) => Some(count.clone()),
            (None, None) => Some(Value::Known(1)),
            (None, Some(_)) => None,
            (Some(_), Some(_)) => {
                let message = "is set, but autoscaling decides it, and each deployment would reset it; remove \
                               Service::with_desired_count or Service::with_autoscaling";
                scope.diagnostics().add(format!("{path}.DesiredCount"), message);
                None
            }
        }
    }

    fn is_on_ec2(&self) -> bool {
        self.capacity_providers.iter().any(CapacityProvider::is_ec2)
    }

    /// Reports capacity that ECS rejects, or on which no task can start.
    fn check_capacity(&self, path: &str, scope: &mut Scope<'_>) {
        if !self.is_on_ec2() {
            return;
        }
        if !self.capacity_providers.iter().all(CapacityProvider::is_ec2) {
            let message = "mixes providers of Fargate and of EC2, which ECS does not allow; use providers of one kind";
            scope
                .diagnostics()
                .add(format!("{path}.CapacityProviderStrategy"), message);
        }
        if self.network.as_ref().is_some_and(NetworkHandle::has_public_ips) {
            let message = "gives tasks public addresses, which they cannot have on EC2, so that they could not call AWS; \
                           use Vpc::with_private_subnets, or a Network without public addresses";
            scope.diagnostics().add(format!("{path}.NetworkConfiguration"), message);
        }
    }

    /// Reports ECS Exec for a task that consists of an Envoy.
    fn check_execute_command(&self, path: &str, scope: &mut Scope<'_>) {
        if self.has_execute_command && self.task_definition.containers().is_empty() {
            let message = "is set, but the task consists of an Envoy, whose root file system is read-only, so that ECS Exec \
                           cannot work; remove Service::with_execute_command";
            scope.diagnostics().add(format!("{path}.EnableExecuteCommand"), message);
        }
    }

    /// The Envoy with the settings of the service.
    fn envoy(&self, path: &str, scope: &mut Scope<'_>) -> Option<Envoy> {
        if self.is_transparent_proxy && self.envoy.is_none() {
            let message = "needs an Envoy to which connections are redirected, and the service has none; add one by \
                           Service::with_virtual_node";
            scope.diagnostics().add(format!("{path}.ProxyConfiguration"), message);
        }
        let envoy = self.envoy.clone()?.with_sds(self.sds_socket.clone());
        Some(match self.is_transparent_proxy {
            true => envoy.with_transparent_proxy(),
            false => envoy,
        })
    }

    /// The containers with everything that they need to know of each other.
    fn task(&self, envoy: Option<&Envoy>, path: &str, scope: &mut Scope<'_>) -> TaskDefinition {
        let task = self.task_definition.clone();
        let task = match self.has_execute_command {
            true => task.map_containers(Container::with_exec_agent),
            false => task,
        };
        let task = self
            .cpu_architecture
            .into_iter()
            .fold(task, TaskDefinition::with_cpu_architecture_unless_set);
        let task = match envoy {
            Some(envoy) => envoy.add_to_task(task, &format!("{path}.ContainerDefinitions"), scope.diagnostics()),
            None => task,
        };
        // Service Connect's proxy receives inbound traffic as well, unless it is bypassed.
        let is_proxied = self.service_connect.as_ref().is_some_and(ServiceConnect::receives_all);
        let address = if is_proxied { "127.0.0.1" } else { "0.0.0.0" };
        let task = task
            .map_containers(|container| container.listening_at(address))
            .with_low_ports_open()
            .with_otel_collector_added()
            .with_log_router_added();
        task.check(path, scope.diagnostics());
        task
    }

    /// Adds the log group if a container needs it, and configures the containers to use it.
    fn add_logs(&self, task: TaskDefinition, scope: &mut Scope<'_>) -> (TaskDefinition, Option<LogGroup>) {
        let is_needed = task.containers().iter().any(Container::needs_log_group);
        let label = self.label(scope);
        let group = (is_needed || self.service_connect.is_some())
            .then(|| LogGroup::add(&label, self.log_retention_days, scope));
        let task = task.map_containers(|container| container.with_logs(group.as_ref(), &label));
        (task, group)
    }

    /// Adds the execution role if one is needed and none was set.
    fn add_execution_role(
        &self,
        task: TaskDefinition,
        logs: Option<&LogGroup>,
        scope: &mut Scope<'_>,
    ) -> TaskDefinition {
        let mut statements: Vec<Json> = logs.map(LogGroup::write_statement).into_iter().collect();
        for container in task.containers() {
            for statement in container
                .log_statement()
                .into_iter()
                .chain(pull_statements(container.image()))
            {
                if !statements.contains(&statement) {
                    statements.push(statement);
                }
            }
        }
        let secrets = task.containers().iter().flat_map(Container::secrets);
        statements.extend(read_statements(secrets));
        if task.has_execution_role() || statements.is_empty() {
            return task;
        }
        let id = scope.part("ExecutionRole");
        let description = format!("How ECS starts tasks of {}", self.label(scope));
        scope.add_resource(&id, Resource::of(&execution_role(description, statements)));
        task.with_execution_role_arn(Value::attribute(id.as_str(), "Arn"))
    }

    /// Adds the role of the containers if they need permissions and none was set.
    fn add_task_role(&self, task: TaskDefinition, scope: &mut Scope<'_>) -> TaskDefinition {
        let mut statements = task.task_statements();
        if self.has_execute_command {
            statements.push(exec_statement());
        }
        if task.has_task_role() || statements.is_empty() {
            return task;
        }
        let id = scope.part("TaskRole");
        let description = format!("What tasks of {} may do", self.label(scope));
        scope.add_resource(&id, Resource::of(&task_role(description, statements)));
        task.with_task_role_arn(Value::attribute(id.as_str(), "Arn"))
    }

    fn service_connect(
        &self,
        task: &TaskDefinition,
        logs: Option<&LogGroup>,
    ) -> Option<ecs::ServiceConnectConfiguration> {
        let service_connect = self.service_connect.as_ref()?;
        let namespace = self.namespace().map(HttpNamespaceHandle::arn);
        let mut configuration = ecs::ServiceConnectConfiguration::new(&service_connect.to_model(task), namespace);
        if let Some(logs) = logs {
            let written = logs.configuration("service-connect");
            configuration.0.insert("LogConfiguration".to_owned(), written);
        }
        Some(configuration)
    }

    /// Attaches the load balancer, if any, to the container with its target port.
    fn attach_load_balancer(
        &self,
        properties: &mut ecs::Service,
        task: &TaskDefinition,
        path: &str,
        scope: &mut Scope<'_>,
    ) {
        let Some(load_balancer) = &self.load_balancer else {
            return;
        };
        let port = load_balancer.target_port();
        let has_port = |container: &&Container| container.ports().iter().any(|own| own.container_port() == port);
        match task.containers().iter().find(has_port) {
            Some(container) => load_balancer.attach(properties, container.name()),
            None => {
                let message = format!(
                    "forward to port {port}, which no container has; add a port mapping to a container, or change the \
                     port of the load balancer"
                );
                scope.diagnostics().add(format!("{path}.LoadBalancers"), message);
            }
        }
    }
}

impl Construct for Service {
    type Handle = ServiceHandle;
    const KIND: &'static str = "Service";

    fn add_to(self, scope: &mut Scope<'_>) -> ServiceHandle {
        // Not `logical_id`: other constructs contain a service as well.
        let id = scope.part("Service");
        self.record_handles(&id, scope);
        let path = format!("Resources.{id}.Properties");
        let task_definition = scope.part("TaskDefinition");
        let task_path = format!("Resources.{task_definition}.Properties");
        let envoy = self.envoy(&task_path, scope);
        let task = self.task(envoy.as_ref(), &task_path, scope);
        let (task, logs) = self.add_logs(task, scope);
        let task = self.add_execution_role(task, logs.as_ref(), scope);
        let task = self.add_task_role(task, scope);
        let service_connect = self.service_connect(&task, logs.as_ref());
        let (registry, dns_name) = self.add_discovery(scope).unzip();

        let load_balancer = self.load_balancer.as_ref();
        let groups = load_balancer.map_or_else(Vec::new, LoadBalancerHandle::security_groups);
        let mut properties = ecs::Service {
            service_name: self.name.clone(),
            cluster: Some(self.cluster.name()),
            task_definition: Some(Value::reference(task_definition.as_str())),
            desired_count: self.desired_count(&path, scope),
            launch_type: self.capacity_providers.is_empty().then(|| Value::from(FARGATE)),
            capacity_provider_strategy: self.capacity_providers.iter().map(CapacityProvider::to_cfn).collect(),
            network_configuration: self.network.as_ref().map(|network| network.configuration_with(&groups)),
            service_connect_configuration: service_connect,
            service_registries: registry.into_iter().collect(),
            deployment_configuration: Some(self.deployment.clone()),
            enable_execute_command: self.has_execute_command.then_some(Value::Known(true)),
            ..ecs::Service::default()
        };
        self.attach_load_balancer(&mut properties, &task, &path, scope);

        self.check_capacity(&path, scope);
        self.check_execute_command(&path, scope);
        let mount_targets: Vec<LogicalId> = task.efs_volumes().flat_map(EfsVolume::dependencies).cloned().collect();
        for target in &mount_targets {
            scope.refer_to(target, &format!("{task_path}.Volumes"));
        }
        let mut definition = task.into_cfn(if self.is_on_ec2() { "EC2" } else { FARGATE });
        definition.proxy_configuration = envoy.as_ref().and_then(Envoy::proxy_configuration);
        scope.add_resource(&task_definition, Resource::of(&definition));
        let mesh_resource = envoy.as_ref().map(|envoy| &envoy.belongs_to);
        let control_plane = envoy.as_ref().and_then(Envoy::control_plane);
        let listener = self.load_balancer.as_ref().map(LoadBalancerHandle::listener);
        let egress = self.network.iter().flat_map(NetworkHandle::egress);
        let dependencies = self.backends.iter().chain(mesh_resource).chain(control_plane);
        let dependencies = dependencies.chain(listener).chain(egress).chain(&mount_targets);
        let dependencies = dependencies.map(LogicalId::qualified);
        scope.add_resource(&id, Resource::of(&properties).with_depends_on(dependencies));
        if let Some(autoscaling) = &self.autoscaling {
            autoscaling.add(&id, &self.cluster, load_balancer, scope);
        }
        let fixed = properties.desired_count.as_ref().and_then(Value::known).copied();
        ServiceHandle {
            id,
            cluster: self.cluster.name(),
            task_definition,
            dns_name: dns_name.flatten(),
            min_tasks: self.autoscaling.as_ref().map(Autoscaling::min).or(fixed),
        }
    }
}
