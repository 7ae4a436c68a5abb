//! Task definitions: containers that run together, and the size of the task.

mod additions;
mod volumes;

use cfn::{StringList, Value, ecs};
use serde_json::Value as Json;

use super::{Container, LogRouter, OtelCollector, PortMapping};

/// The name of a task's Envoy container.
pub(in crate::constructs) const ENVOY_CONTAINER: &str = "envoy";

/// A quarter vCPU in CPU units: the smallest task on Fargate, decided by us.
const DEFAULT_CPU: u32 = 256;
/// 512 MiB: the minimum with [`DEFAULT_CPU`], decided by us.
const DEFAULT_MEMORY: u32 = 512;

/// The lowest port that users other than root can listen on, decided by Linux.
const LOWEST_UNPRIVILEGED: u16 = 1024;

/// The containers of a service's tasks.
///
/// It becomes a resource when its service is added: `GreenTaskDefinition` for `green`. Tasks run on Fargate in
/// `awsvpc` mode: each has its own IP address.
#[derive(Debug, Clone)]
pub struct TaskDefinition {
    containers: Vec<Container>,
    cpu: u32,
    memory: u32,
    family: Option<Value<String>>,
    cpu_architecture: Option<CpuArchitecture>,
    execution_role_arn: Option<Value<String>>,
    task_role_arn: Option<Value<String>>,
    task_permissions: Vec<Json>,
    log_router: Option<LogRouter>,
    otel_collector: Option<OtelCollector>,
}

/// The processor architecture of a task's images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CpuArchitecture {
    /// Intel and AMD.
    X86_64,
    /// Graviton.
    Arm64,
}

impl TaskDefinition {
    /// A task of one container, with a quarter vCPU and 512 MiB.
    #[must_use]
    pub fn new(container: Container) -> Self {
        Self::envoy_alone().with_container(container)
    }

    /// A task that consists of an Envoy, with a quarter vCPU and 512 MiB, for a service that runs a virtual gateway:
    /// [`Service::with_virtual_gateway`](crate::Service::with_virtual_gateway) adds the Envoy. Without it, the task
    /// is empty, which is an error.
    #[must_use]
    pub fn envoy_alone() -> Self {
        Self {
            containers: Vec::new(),
            cpu: DEFAULT_CPU,
            memory: DEFAULT_MEMORY,
            family: None,
            cpu_architecture: None,
            execution_role_arn: None,
            task_role_arn: None,
            task_permissions: Vec::new(),
            log_router: None,
            otel_collector: None,
        }
    }

    /// Adds a container.
    #[must_use]
    pub fn with_container(mut self, container: Container) -> Self {
        self.containers.push(container);
        self
    }

    /// Sets the CPU in units of 1/1024 vCPU and the memory in MiB. Fargate allows only certain pairs; another pair is
    /// an error. Default, decided by us: 256 and 512, the smallest and cheapest, which an Envoy of a mesh shares. For
    /// Service Connect's sidecar, AWS recommends 256 units and 64 MiB more than the containers need (ECS developer
    /// guide, Service Connect concepts, read 2026-11-23).
    #[must_use]
    pub fn with_size(mut self, cpu_units: u32, memory_mib: u32) -> Self {
        self.cpu = cpu_units;
        self.memory = memory_mib;
        self
    }

    /// Sets the name of its revisions. Default, decided by CloudFormation: stack name, logical id and a random part.
    #[must_use]
    pub fn with_family(mut self, family: impl Into<Value<String>>) -> Self {
        self.family = Some(family.into());
        self
    }

    /// Sets the processor architecture. Default, decided by ECS: [`CpuArchitecture::X86_64`].
    #[must_use]
    pub fn with_cpu_architecture(mut self, architecture: CpuArchitecture) -> Self {
        self.cpu_architecture = Some(architecture);
        self
    }

    /// Sets the role with which ECS itself pulls private images and writes logs. Default, decided by us: a role of
    /// the service, which allows writing to its log group, pulling its images from ECR, and reading its secrets.
    ///
    /// Each service has its own role, so that none allows more than its tasks need; roles are free.
    #[must_use]
    pub fn with_execution_role_arn(mut self, arn: impl Into<Value<String>>) -> Self {
        self.execution_role_arn = Some(arn.into());
        self
    }

    /// Sets the role of its containers. Default, decided by us: a role of the service, if its containers need permissions:
    /// those of [`TaskDefinition::with_task_permission`], volumes, a collector or ECS Exec. Without any, there is no role,
    /// and the containers cannot call AWS APIs. A role that is set here must allow all of these itself.
    #[must_use]
    pub fn with_task_role_arn(mut self, arn: impl Into<Value<String>>) -> Self {
        self.task_role_arn = Some(arn.into());
        self
    }

    pub(super) fn containers(&self) -> &[Container] {
        &self.containers
    }

    /// Changes every container.
    pub(super) fn map_containers(mut self, change: impl Fn(Container) -> Container) -> Self {
        self.containers = self.containers.into_iter().map(change).collect();
        self
    }

    /// Whether an execution role was set.
    pub(super) fn has_execution_role(&self) -> bool {
        self.execution_role_arn.is_some()
    }

    /// Allows all users to listen on low ports, if a container has one: many images do not run as root, and Fargate
    /// grants no capability for it. The kernel parameter applies to the whole task; it is set on the Envoy, which
    /// starts first, else on the first container.
    ///
    /// Source: ECS API reference, `SystemControl` (read 2026-11-23).
    pub(super) fn with_low_ports_open(mut self) -> Self {
        let mut ports = self.containers.iter().flat_map(Container::ports);
        if !ports.any(|port| port.container_port() < LOWEST_UNPRIVILEGED) {
            return self;
        }
        let is_envoy = |container: &Container| *container.name() == Value::from(ENVOY_CONTAINER);
        let first = self.containers.iter().position(is_envoy).unwrap_or(0);
        let change = |container: Container| container.with_system_control("net.ipv4.ip_unprivileged_port_start", "0");
        let containers = self.containers.into_iter().enumerate();
        let containers = containers.map(|(index, container)| match index == first {
            true => change(container),
            false => container,
        });
        self.containers = containers.collect();
        self
    }

    /// The port mapping with this name, of any container.
    pub(super) fn port(&self, name: &str) -> Option<&PortMapping> {
        self.containers
            .iter()
            .flat_map(Container::ports)
            .find(|port| port.name() == name)
    }

    /// Sets the processor architecture unless it is set.
    pub(super) fn with_cpu_architecture_unless_set(self, architecture: CpuArchitecture) -> Self {
        match self.cpu_architecture {
            Some(_) => self,
            None => self.with_cpu_architecture(architecture),
        }
    }

    /// The task definition for a launch type: `FARGATE` or `EC2`.
    pub(super) fn into_cfn(self, compatibility: &str) -> ecs::TaskDefinition {
        let volumes = self.volumes();
        ecs::TaskDefinition {
            family: self.family,
            cpu: Some(Value::Known(self.cpu.to_string())),
            memory: Some(Value::Known(self.memory.to_string())),
            network_mode: Some(Value::from("awsvpc")),
            requires_compatibilities: Some(StringList::list([compatibility])),
            volumes,
            container_definitions: self.containers.into_iter().map(Container::into_cfn).collect(),
            execution_role_arn: self.execution_role_arn,
            task_role_arn: self.task_role_arn,
            runtime_platform: self.cpu_architecture.map(|architecture| ecs::RuntimePlatform {
                cpu_architecture: Some(Value::from(architecture.as_str())),
                // Fargate accepts the architecture only together with the operating system.
                operating_system_family: Some(Value::from("LINUX")),
            }),
            ..ecs::TaskDefinition::default()
        }
    }
}

impl CpuArchitecture {
    fn as_str(self) -> &'static str {
        match self {
            CpuArchitecture::X86_64 => "X86_64",
            CpuArchitecture::Arm64 => "ARM64",
        }
    }
}
