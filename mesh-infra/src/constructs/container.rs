//! Containers, of which a task is made.

use serde_json::Value as Json;

use crate::cfn::ecs;
use crate::value::{StringList, Value};

use super::{HealthCheck, PortMapping};

/// One container of a task.
#[derive(Debug, Clone)]
pub struct Container {
    definition: ecs::ContainerDefinition,
    ports: Vec<PortMapping>,
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
    /// A container that runs `image`. It is essential: when it ends, so does its task.
    #[must_use]
    pub fn new(name: impl Into<String>, image: impl Into<Value<String>>) -> Self {
        let mut definition = ecs::ContainerDefinition::new(name.into(), image);
        // ECS's own default, written out: whoever reads the template need not know it.
        definition.essential = Some(Value::Known(true));
        Self {
            definition,
            ports: Vec::new(),
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
    /// writes it. Default, decided by ECS: nowhere, on Fargate.
    #[must_use]
    pub fn with_log_configuration(mut self, configuration: impl Into<Json>) -> Self {
        self.definition.log_configuration = Some(configuration.into());
        self
    }

    pub(super) fn ports(&self) -> &[PortMapping] {
        &self.ports
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
