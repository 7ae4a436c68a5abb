//! Containers of a task.

use cfn::{StringList, Value, ecs};
use serde_json::Value as Json;

use crate::labels;

use super::{HealthCheck, PortMapping};

/// One container of a task.
#[derive(Debug, Clone)]
pub struct Container {
    definition: ecs::ContainerDefinition,
    ports: Vec<PortMapping>,
    bind_variable: Option<String>,
}

/// The state that another container must reach before a container starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerCondition {
    /// It has started.
    Start,
    /// It has exited, with any status.
    Complete,
    /// It has exited with status 0.
    Success,
    /// Its health check has passed.
    Healthy,
}

impl Container {
    /// A container that runs `image`: a name, or an [`EcrImage`](crate::EcrImage). It is essential: its task stops
    /// when it exits.
    #[must_use]
    pub fn new(name: impl Into<String>, image: impl Into<Value<String>>) -> Self {
        let mut definition = ecs::ContainerDefinition::new(name.into(), image);
        // ECS's own default, explicit for readers of the template.
        definition.essential = Some(Value::Known(true));
        Self {
            definition,
            ports: Vec::new(),
            bind_variable: None,
        }
    }

    /// Sets whether its task stops when it exits. Default, decided by ECS: it does.
    #[must_use]
    pub fn with_essential(mut self, essential: bool) -> Self {
        self.definition.essential = Some(Value::Known(essential));
        self
    }

    /// Sets the command and its arguments. Default: the image's.
    #[must_use]
    pub fn with_command(mut self, arguments: impl IntoIterator<Item = impl Into<Value<String>>>) -> Self {
        self.definition.command = Some(StringList::list(arguments));
        self
    }

    /// Sets the entry point and its arguments. Default: the image's.
    #[must_use]
    pub fn with_entry_point(mut self, arguments: impl IntoIterator<Item = impl Into<Value<String>>>) -> Self {
        self.definition.entry_point = Some(StringList::list(arguments));
        self
    }

    /// Sets the user, such as `1000` or `1000:1000`. Default: the image's.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<Value<String>>) -> Self {
        self.definition.user = Some(user.into());
        self
    }

    /// Makes its root file system read-only; volumes and `/dev/shm` stay writable. ECS Exec needs a writable one. Default,
    /// decided by ECS: writable. The containers that this crate adds, Envoys and control planes, have a read-only one.
    #[must_use]
    pub fn with_read_only_root_filesystem(mut self) -> Self {
        self.definition.readonly_root_filesystem = Some(Value::Known(true));
        self
    }

    /// Drops all Linux capabilities. Default, decided by ECS: those of Docker. The containers that this crate adds,
    /// Envoys and control planes, have none.
    ///
    /// Fargate allows dropping any capability, and adding `SYS_PTRACE` alone (ECS API reference, `KernelCapabilities`,
    /// read 2026-11-30).
    #[must_use]
    pub fn with_capabilities_dropped(mut self) -> Self {
        self.definition.linux_parameters = Some(ecs::LinuxParameters {
            capabilities: Some(ecs::KernelCapabilities {
                drop: Some(StringList::list(["ALL"])),
                ..ecs::KernelCapabilities::default()
            }),
            ..ecs::LinuxParameters::default()
        });
        self
    }

    /// Adds an environment variable. Setting a variable twice is an error.
    #[must_use]
    pub fn with_environment(mut self, name: impl Into<String>, value: impl Into<Value<String>>) -> Self {
        self.definition.environment.push(ecs::KeyValuePair {
            name: Value::Known(name.into()),
            value: value.into(),
        });
        self
    }

    /// Adds a port on which it listens.
    #[must_use]
    pub fn with_port(mut self, port: PortMapping) -> Self {
        self.definition.port_mappings.push(port.to_cfn());
        if let Some(((label, variable), (name, value))) = port.port_variable() {
            self = self.with_label(label, variable).with_environment(name, value);
        }
        self.ports.push(port);
        self
    }

    /// Sets the environment variable with the IP address to listen on: `127.0.0.1` if an Envoy receives all inbound
    /// traffic of the task, else `0.0.0.0`, both decided by us. A label ([`labels::BIND_VARIABLE`]) lets the local
    /// runner choose another address. Default: none; the container chooses its address.
    #[must_use]
    pub fn with_bind_variable(mut self, variable: impl Into<String>) -> Self {
        self.bind_variable = Some(variable.into());
        self
    }

    /// Sets the health check. Default, decided by ECS: none.
    #[must_use]
    pub fn with_health_check(mut self, check: HealthCheck) -> Self {
        self.definition.health_check = Some(check.into_cfn());
        self
    }

    /// Sets a docker label; a later value replaces an earlier one.
    #[must_use]
    pub fn with_label(mut self, name: impl Into<String>, value: impl Into<Value<String>>) -> Self {
        self.definition.docker_labels.insert(name.into(), value.into());
        self
    }

    /// Starts it after another container of the task has reached a state.
    #[must_use]
    pub fn with_dependency(mut self, container: impl Into<String>, condition: ContainerCondition) -> Self {
        self.definition.depends_on.push(ecs::ContainerDependency {
            container_name: Value::Known(container.into()),
            condition: Value::from(condition.as_str()),
        });
        self
    }

    /// Sets the time between the stop signal and the kill in seconds, at most 120 on Fargate. Default, decided by
    /// ECS: 30.
    #[must_use]
    pub fn with_stop_timeout_seconds(mut self, seconds: u32) -> Self {
        self.definition.stop_timeout = Some(Value::Known(seconds));
        self
    }

    /// Sets the `LogConfiguration`, as CloudFormation writes it. Default, decided by us: the log group of its
    /// service.
    #[must_use]
    pub fn with_log_configuration(mut self, configuration: impl Into<Json>) -> Self {
        self.definition.log_configuration = Some(configuration.into());
        self
    }

    pub(super) fn ports(&self) -> &[PortMapping] {
        &self.ports
    }

    pub(super) fn image(&self) -> &Value<String> {
        &self.definition.image
    }

    pub(super) fn name(&self) -> &Value<String> {
        &self.definition.name
    }

    /// Sets a variable, replacing its value.
    pub(super) fn with_variable_set(mut self, name: &str, value: impl Into<Value<String>>) -> Self {
        let value = value.into();
        match self
            .definition
            .environment
            .iter_mut()
            .find(|variable| variable.name == Value::from(name))
        {
            Some(variable) => variable.value = value,
            None => return self.with_environment(name, value),
        }
        self
    }

    /// Sets a variable unless it is set.
    pub(super) fn with_variable_unless_set(self, name: &str, value: &str) -> Self {
        let is_set = self
            .definition
            .environment
            .iter()
            .any(|variable| variable.name == Value::from(name));
        match is_set {
            true => self,
            false => self.with_environment(name, value),
        }
    }

    /// Sets the address to listen on, if the container has a variable for it.
    pub(super) fn listening_at(self, address: &str) -> Self {
        match self.bind_variable.clone() {
            Some(variable) => self
                .with_label(labels::BIND_VARIABLE, variable.as_str())
                .with_variable_unless_set(&variable, address),
            None => self,
        }
    }

    /// Sets the log configuration unless it is set.
    pub(super) fn with_log_configuration_unless_set(self, configuration: impl FnOnce() -> Json) -> Self {
        match self.definition.log_configuration {
            Some(_) => self,
            None => self.with_log_configuration(configuration()),
        }
    }

    pub(super) fn has_log_configuration(&self) -> bool {
        self.definition.log_configuration.is_some()
    }

    /// Sets a kernel parameter for the whole task.
    pub(super) fn with_system_control(mut self, name: &str, value: &str) -> Self {
        self.definition.system_controls.push(ecs::SystemControl {
            namespace: Value::from(name),
            value: Value::from(value),
        });
        self
    }

    pub(super) fn into_cfn(self) -> ecs::ContainerDefinition {
        self.definition
    }
}

impl ContainerCondition {
    fn as_str(self) -> &'static str {
        match self {
            ContainerCondition::Start => "START",
            ContainerCondition::Complete => "COMPLETE",
            ContainerCondition::Success => "SUCCESS",
            ContainerCondition::Healthy => "HEALTHY",
        }
    }
}
