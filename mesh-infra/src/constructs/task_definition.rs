//! Task definitions: the containers that run together, and the room they get.

use cfn::{StringList, Value, ecs};

use super::app_mesh::ENVOY_CONTAINER;
use super::{Container, PortMapping};

/// A quarter of a virtual processor, in CPU units: the smallest task on Fargate, decided by us.
const DEFAULT_CPU: u32 = 256;
/// Half a gigabyte, in MiB: the least that goes with [`DEFAULT_CPU`], decided by us.
const DEFAULT_MEMORY: u32 = 512;

/// The first port that whoever is not root may listen on, decided by Linux.
const LOWEST_UNPRIVILEGED: u16 = 1024;

/// The containers of a service's tasks.
///
/// It becomes a resource of its own when its service is added, under the service's stem: `GreenTaskDefinition`
/// for `green`. Tasks run on Fargate in `awsvpc` mode: each has an IP address of its own.
#[derive(Debug, Clone)]
pub struct TaskDefinition {
    containers: Vec<Container>,
    cpu: u32,
    memory: u32,
    family: Option<Value<String>>,
    cpu_architecture: Option<CpuArchitecture>,
    execution_role_arn: Option<Value<String>>,
    task_role_arn: Option<Value<String>>,
}

/// The processor that a task's images are built for.
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

    /// A task that consists of its Envoy alone, with a quarter vCPU and 512 MiB, for a service that is a virtual
    /// gateway: [`Service::with_virtual_gateway`](crate::Service::with_virtual_gateway) adds the Envoy. Without one
    /// there is a problem.
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
        }
    }

    /// The same task with one more container.
    #[must_use]
    pub fn with_container(mut self, container: Container) -> Self {
        self.containers.push(container);
        self
    }

    /// The same task with this much CPU, in units of 1/1024 vCPU, and memory, in MiB. Fargate has a table of
    /// the pairs it allows; any other is a problem. Default, decided by us: 256 and 512, the smallest and
    /// cheapest; an Envoy of a mesh has its share of it. For Service Connect's own sidecar AWS recommends 256 units and 64 MiB more than the containers
    /// need (ECS developer guide, Service Connect concepts, read 2026-11-23).
    #[must_use]
    pub fn with_size(mut self, cpu_units: u32, memory_mib: u32) -> Self {
        self.cpu = cpu_units;
        self.memory = memory_mib;
        self
    }

    /// The same task, its revisions counted under this name. Default, decided by CloudFormation: stack name,
    /// logical id and a random part.
    #[must_use]
    pub fn with_family(mut self, family: impl Into<Value<String>>) -> Self {
        self.family = Some(family.into());
        self
    }

    /// The same task for another processor. Default, decided by ECS: [`CpuArchitecture::X86_64`].
    #[must_use]
    pub fn with_cpu_architecture(mut self, architecture: CpuArchitecture) -> Self {
        self.cpu_architecture = Some(architecture);
        self
    }

    /// The same task with a role for ECS itself, by which it pulls private images and writes logs. Default, decided by
    /// us: a role of the service's own, that allows writing to its log group and, if one of its images is in ECR, pulling
    /// it.
    ///
    /// One role for each service and not one for the stack: each allows no more than its tasks need, and roles cost
    /// nothing.
    #[must_use]
    pub fn with_execution_role_arn(mut self, arn: impl Into<Value<String>>) -> Self {
        self.execution_role_arn = Some(arn.into());
        self
    }

    /// The same task with a role that its containers act in. Default: none, and no AWS API can be called.
    #[must_use]
    pub fn with_task_role_arn(mut self, arn: impl Into<Value<String>>) -> Self {
        self.task_role_arn = Some(arn.into());
        self
    }

    pub(super) fn containers(&self) -> &[Container] {
        &self.containers
    }

    /// The same task with every container changed.
    pub(super) fn map_containers(mut self, change: impl Fn(Container) -> Container) -> Self {
        self.containers = self.containers.into_iter().map(change).collect();
        self
    }

    /// Whether somebody gave it a role for ECS itself.
    pub(super) fn has_execution_role(&self) -> bool {
        self.execution_role_arn.is_some()
    }

    /// The same task, free to listen on low ports whoever its containers run as, if it has such ports: images that run as
    /// nobody in particular could not, and Fargate gives containers no capability to. The setting is the whole task's.
    /// Its Envoy, which starts first, makes it, or else the first container.
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

    /// The port of this name, in whichever container.
    pub(super) fn port(&self, name: &str) -> Option<&PortMapping> {
        self.containers
            .iter()
            .flat_map(Container::ports)
            .find(|port| port.name() == name)
    }

    pub(super) fn into_cfn(self) -> ecs::TaskDefinition {
        ecs::TaskDefinition {
            family: self.family,
            cpu: Some(Value::Known(self.cpu.to_string())),
            memory: Some(Value::Known(self.memory.to_string())),
            network_mode: Some(Value::from("awsvpc")),
            requires_compatibilities: Some(StringList::list(["FARGATE"])),
            container_definitions: self.containers.into_iter().map(Container::into_cfn).collect(),
            execution_role_arn: self.execution_role_arn,
            task_role_arn: self.task_role_arn,
            runtime_platform: self.cpu_architecture.map(|architecture| ecs::RuntimePlatform {
                cpu_architecture: Some(Value::from(architecture.as_str())),
                // Fargate takes the one only together with the other.
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
