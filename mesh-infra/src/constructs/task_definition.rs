//! Task definitions: the containers that run together, and the room they get.

use crate::cfn::ecs;
use crate::value::{StringList, Value};

use super::app_mesh::{ENVOY_CONTAINER, Envoy};
use super::{Container, ContainerCondition, PortMapping};

/// A quarter of a virtual processor, in CPU units: the smallest task on Fargate, decided by us.
const DEFAULT_CPU: u32 = 256;
/// Half a gigabyte, in MiB: the least that goes with [`DEFAULT_CPU`], decided by us.
const DEFAULT_MEMORY: u32 = 512;

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
    /// cheapest. For Service Connect's own sidecar AWS recommends 256 units and 64 MiB more than the containers
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

    /// The same task with a role for ECS itself, which Fargate needs to pull private images and to write logs to
    /// CloudWatch. Default: none.
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

    /// The same task with its Envoy. Containers that speak through the Envoy start after it. They also stop before
    /// it: ECS stops containers in the reverse order, so that they can finish what is under way.
    pub(super) fn with_envoy(mut self, envoy: &Envoy) -> Self {
        if envoy.is_sidecar() {
            self.containers = self
                .containers
                .into_iter()
                .map(|container| container.with_dependency(ENVOY_CONTAINER, ContainerCondition::Start))
                .collect();
        }
        self.with_container(envoy.container())
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
