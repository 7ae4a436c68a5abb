//! Containers of a task.

mod logging;
mod rights;
mod secrets;
mod storage;

use cfn::{StringList, Value, ecs};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use crate::labels;

use super::{HealthCheck, LogDriver, PortMapping, Secret};
pub(super) use storage::{Mount, Storage};

/// One container of a task.
///
/// Its root file system is read-only and it has no Linux capability, both decided by us: a process that is taken over then
/// cannot change the program or the network. [`Container::with_writable_directory`] gives it a directory for files, and
/// [`Container::with_writable_root_filesystem`] and [`Container::with_default_capabilities`] take back both, for images that
/// start as root and become another user.
#[derive(Debug, Clone)]
pub struct Container {
    definition: ecs::ContainerDefinition,
    ports: Vec<PortMapping>,
    bind_variable: Option<String>,
    log_driver: Option<LogDriver>,
    secrets: Vec<(String, Secret)>,
    mounts: Vec<Mount>,
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
        definition.readonly_root_filesystem = Some(Value::Known(true));
        definition.linux_parameters = Some(rights::without_capabilities());
        Self {
            definition,
            ports: Vec::new(),
            bind_variable: None,
            log_driver: None,
            secrets: Vec::new(),
            mounts: Vec::new(),
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

    /// Whether it has a variable of this name, or a secret.
    pub(super) fn has_variable(&self, name: &str) -> bool {
        let variables = self.definition.environment.iter();
        let mut variables = variables.filter_map(|variable| variable.name.known());
        variables.any(|own| own == name) || self.secrets.iter().any(|(own, _)| own == name)
    }

    /// Sets a variable unless it is set.
    pub(super) fn with_variable_unless_set(self, name: &str, value: &str) -> Self {
        match self.has_variable(name) {
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

    /// Sets a kernel parameter for the whole task.
    pub(super) fn with_system_control(mut self, name: &str, value: &str) -> Self {
        self.definition.system_controls.push(ecs::SystemControl {
            namespace: Value::from(name),
            value: Value::from(value),
        });
        self
    }

    /// Reports invalid secrets, options and mounts. `path` is the path of its definition.
    pub(super) fn check(&self, path: &str, diagnostics: &mut Diagnostics) {
        self.check_secrets(path, diagnostics);
        self.check_mounts(path, diagnostics);
    }

    /// Reserves memory in MiB.
    pub(super) fn with_memory_reservation(mut self, mib: u32) -> Self {
        self.definition
            .other
            .insert("MemoryReservation".to_owned(), Json::from(mib));
        self
    }

    pub(super) fn into_cfn(mut self) -> ecs::ContainerDefinition {
        self.definition.secrets = self.secrets.iter().map(|(name, secret)| secret.to_cfn(name)).collect();
        self.definition.mount_points = self.mounts.iter().map(Mount::to_cfn).collect();
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
