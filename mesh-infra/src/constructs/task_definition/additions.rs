//! Permissions of a task, and the containers that constructs add to it.

use serde_json::Value as Json;

use super::{Container, LogRouter, OtelCollector, TaskDefinition};
use crate::constructs::iam::allow;
use crate::constructs::{EfsVolume, Storage};

impl TaskDefinition {
    /// Allows its containers these actions on these resources: ARNs, as text or as references. The service gets a task role
    /// with them.
    #[must_use]
    pub fn with_task_permission<'a>(
        mut self,
        actions: impl IntoIterator<Item = &'a str>,
        resources: impl IntoIterator<Item = impl Into<cfn::Value<String>>>,
    ) -> Self {
        let actions: Vec<&str> = actions.into_iter().collect();
        let resources = resources
            .into_iter()
            .map(|resource| resource.into().to_json())
            .collect();
        self.task_permissions.push(allow(&actions, resources));
        self
    }

    /// Adds statements of its role.
    pub(in crate::constructs) fn with_task_statements(mut self, statements: Vec<Json>) -> Self {
        self.task_permissions.extend(statements);
        self
    }

    /// Adds a log router, a container named `log-router`. Default: none.
    #[must_use]
    pub fn with_log_router(mut self, router: LogRouter) -> Self {
        self.log_router = Some(router);
        self
    }

    /// Adds an OpenTelemetry collector, a container named `otel-collector`, to which the other containers and the Envoy
    /// send their telemetry. Default: none.
    #[must_use]
    pub fn with_otel_collector(mut self, collector: OtelCollector) -> Self {
        self.otel_collector = Some(collector);
        self
    }

    pub(in crate::constructs) fn otel_collector(&self) -> Option<&OtelCollector> {
        self.otel_collector.as_ref()
    }

    pub(in crate::constructs) fn has_task_role(&self) -> bool {
        self.task_role_arn.is_some()
    }

    /// Adds the collector, and the variables by which the other containers find it.
    pub(in crate::constructs) fn with_otel_collector_added(self) -> Self {
        let Some(collector) = self.otel_collector.clone() else {
            return self;
        };
        let variables = collector.variables();
        let task = self.map_containers(|container| {
            // One with another exporter may use another protocol.
            if variables.iter().any(|(name, _)| container.has_variable(name)) {
                return container;
            }
            variables.iter().fold(container, |container, (name, value)| {
                container.with_environment(*name, value.as_str())
            })
        });
        task.with_container(collector.container())
    }

    /// Adds the log router, and its default driver to all other containers.
    pub(in crate::constructs) fn with_log_router_added(self) -> Self {
        let Some(router) = self.log_router.clone() else {
            return self;
        };
        let task = match router.default_driver() {
            Some(driver) => self.map_containers(|container| container.with_log_driver_unless_set(driver)),
            None => self,
        };
        task.with_container(router.container())
    }

    /// The statements of its role.
    pub(in crate::constructs) fn task_statements(&self) -> Vec<Json> {
        let mut statements = self.task_permissions.clone();
        statements.extend(self.otel_collector.iter().flat_map(OtelCollector::statements));
        for volume in self.efs_volumes() {
            if let Some(statement) = volume.statement()
                && !statements.contains(&statement)
            {
                statements.push(statement);
            }
        }
        statements
    }

    /// Its volumes in Amazon EFS, once for each mount.
    pub(in crate::constructs) fn efs_volumes(&self) -> impl Iterator<Item = &EfsVolume> {
        let mounts = self.containers.iter().flat_map(Container::mounts);
        mounts.filter_map(|mount| match &mount.storage {
            Storage::Efs(volume) => Some(volume.as_ref()),
            Storage::Ephemeral => None,
        })
    }
}
