//! Where the output of a container goes.

use cfn::ecs;
use serde_json::Value as Json;

use super::{Container, LogDriver};
use crate::constructs::logs::LogGroup;

impl Container {
    /// Sets the log driver. Default, decided by us: CloudWatch Logs, the log group of its service; in a task with a log
    /// router, the router's default ([`LogRouter::with_default`](crate::LogRouter::with_default)).
    #[must_use]
    pub fn with_log_driver(mut self, driver: LogDriver) -> Self {
        self.log_driver = Some(driver);
        self.definition.log_configuration = None;
        self
    }

    /// Sets the `LogConfiguration`, as CloudFormation writes it. Default: as [`Container::with_log_driver`], which also
    /// gives the permissions that the driver needs.
    #[must_use]
    pub fn with_log_configuration(mut self, configuration: impl Into<Json>) -> Self {
        self.definition.log_configuration = Some(configuration.into());
        self.log_driver = None;
        self
    }

    /// Makes it the log router of its task.
    pub(in crate::constructs) fn with_firelens(mut self, configuration: ecs::FirelensConfiguration) -> Self {
        self.definition.firelens_configuration = Some(configuration);
        self
    }

    /// Sets the log driver unless it has one or is the log router.
    pub(in crate::constructs) fn with_log_driver_unless_set(self, driver: &LogDriver) -> Self {
        let is_set = self.log_driver.is_some() || self.definition.log_configuration.is_some();
        match is_set || self.definition.firelens_configuration.is_some() {
            true => self,
            false => self.with_log_driver(driver.clone()),
        }
    }

    /// Whether it writes to the log group of its service.
    pub(in crate::constructs) fn needs_log_group(&self) -> bool {
        match &self.log_driver {
            Some(driver) => driver.needs_log_group(),
            None => self.definition.log_configuration.is_none(),
        }
    }

    /// Sets the log configuration: that of its driver, else the group of its service.
    pub(in crate::constructs) fn with_logs(mut self, group: Option<&LogGroup>, prefix: &str) -> Self {
        let configuration = match (&self.log_driver, group) {
            (Some(driver), group) => Some(driver.to_json(group.map(|group| (group, prefix)), prefix)),
            (None, Some(group)) if self.needs_log_group() => Some(group.configuration(prefix)),
            (None, _) => None,
        };
        self.definition.log_configuration = configuration.or(self.definition.log_configuration);
        self
    }

    /// The statement that allows writing to a log group outside the stack, if it does.
    pub(in crate::constructs) fn log_statement(&self) -> Option<Json> {
        self.log_driver.as_ref().and_then(LogDriver::write_statement)
    }
}
