//! Containers, of which a task is made.

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

/// How far a container must have come before another one starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerCondition {
    /// It was started.
    Start,
    /// It has ended, however.
    Complete,
    /// It has ended with exit status 0.
    Success,
    /// Its health check has passed.
    Healthy,
}

impl Container {
    /// A container that runs `image`: a name, or an [`EcrImage`](crate::EcrImage). It is essential: when it ends, so does
    /// its task.
    #[must_use]
    pub fn new(name: impl Into<String>, image: impl Into<Value<String>>) -> Self {
        let mut definition = ecs::ContainerDefinition::new(name.into(), image);
        // ECS's own default, written out: whoever reads the template need not know it.
        definition.essential = Some(Value::Known(true));
        Self {
            definition,
            ports: Vec::new(),
            bind_variable: None,
        }
    }

    /// The same container, its task going on without it. Default, decided by ECS: essential.
    #[must_use]
    pub fn with_essential(mut self, essential: bool) -> Self {
        self.definition.essential = Some(Value::Known(essential));
        self
    }

    /// The same container with this command, word by word. Default: the image's.
    #[must_use]
    pub fn with_command(mut self, words: impl IntoIterator<Item = impl Into<Value<String>>>) -> Self {
        self.definition.command = Some(StringList::list(words));
        self
    }

    /// The same container with this entry point, word by word. Default: the image's.
    #[must_use]
    pub fn with_entry_point(mut self, words: impl IntoIterator<Item = impl Into<Value<String>>>) -> Self {
        self.definition.entry_point = Some(StringList::list(words));
        self
    }

    /// The same container, run as this user, such as `1000` or `1000:1000`. Default: the image's.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<Value<String>>) -> Self {
        self.definition.user = Some(user.into());
        self
    }

    /// The same container with one more environment variable. Setting one twice is a problem.
    #[must_use]
    pub fn with_environment(mut self, name: impl Into<String>, value: impl Into<Value<String>>) -> Self {
        self.definition.environment.push(ecs::KeyValuePair {
            name: Value::Known(name.into()),
            value: value.into(),
        });
        self
    }

    /// The same container, listening on one more port.
    #[must_use]
    pub fn with_port(mut self, port: PortMapping) -> Self {
        self.definition.port_mappings.push(port.to_cfn());
        if let Some(((label, variable), (name, value))) = port.port_variable() {
            self = self.with_label(label, variable).with_environment(name, value);
        }
        self.ports.push(port);
        self
    }

    /// The same container, told by this environment variable at which IP address to listen: at `127.0.0.1` where an
    /// Envoy beside it takes all that comes from outside, and at `0.0.0.0` otherwise, both decided by us. A label
    /// ([`labels::BIND_VARIABLE`]) lets the local runner choose for itself. Default: it is not told, and listens where it
    /// likes.
    #[must_use]
    pub fn with_bind_variable(mut self, variable: impl Into<String>) -> Self {
        self.bind_variable = Some(variable.into());
        self
    }

    /// The same container with a health check. Default, decided by ECS: none.
    #[must_use]
    pub fn with_health_check(mut self, check: HealthCheck) -> Self {
        self.definition.health_check = Some(check.into_cfn());
        self
    }

    /// The same container with a docker label. A label set twice has the later value.
    #[must_use]
    pub fn with_label(mut self, name: impl Into<String>, value: impl Into<Value<String>>) -> Self {
        self.definition.docker_labels.insert(name.into(), value.into());
        self
    }

    /// The same container, started when another one of the task has come so far.
    #[must_use]
    pub fn with_dependency(mut self, container: impl Into<String>, condition: ContainerCondition) -> Self {
        self.definition.depends_on.push(ecs::ContainerDependency {
            container_name: Value::Known(container.into()),
            condition: Value::from(condition.as_str()),
        });
        self
    }

    /// The same container, given this many seconds between the stop signal and the kill: at most 120 on Fargate.
    /// Default, decided by ECS: 30.
    #[must_use]
    pub fn with_stop_timeout_seconds(mut self, seconds: u32) -> Self {
        self.definition.stop_timeout = Some(Value::Known(seconds));
        self
    }

    /// The same container, its output going where `configuration` says: a `LogConfiguration` as CloudFormation
    /// writes it. Default, decided by us: to the log group of its service.
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

    /// The same container with a variable that has this value, whatever it had before.
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

    /// The same container with a variable that has this value, unless its author set it.
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

    /// The same container, told where to listen, if it can be told.
    pub(super) fn listening_at(self, address: &str) -> Self {
        match self.bind_variable.clone() {
            Some(variable) => self
                .with_label(labels::BIND_VARIABLE, variable.as_str())
                .with_variable_unless_set(&variable, address),
            None => self,
        }
    }

    /// The same container with this log configuration, unless its author gave it one.
    pub(super) fn with_log_configuration_unless_set(self, configuration: impl FnOnce() -> Json) -> Self {
        match self.definition.log_configuration {
            Some(_) => self,
            None => self.with_log_configuration(configuration()),
        }
    }

    pub(super) fn has_log_configuration(&self) -> bool {
        self.definition.log_configuration.is_some()
    }

    /// The same container with a setting of the kernel for its whole task.
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
