//! Container health checks of ECS.

use cfn::{StringList, Value, ecs};

/// A command that ECS runs in the container periodically; exit status 0 means healthy.
///
/// A task with a health check on an essential container receives Service Connect requests once the check has passed;
/// without one, as soon as it runs (ECS developer guide, Service Connect concepts, read 2026-11-23).
#[derive(Debug, Clone)]
pub struct HealthCheck {
    command: Vec<String>,
    interval_seconds: Option<u32>,
    timeout_seconds: Option<u32>,
    retries: Option<u32>,
    start_period_seconds: Option<u32>,
}

impl HealthCheck {
    /// A program and its arguments. The image needs no shell.
    #[must_use]
    pub fn command(arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let command = std::iter::once("CMD".to_owned()).chain(arguments.into_iter().map(Into::into));
        Self::new(command.collect())
    }

    /// A command line for the container's shell.
    #[must_use]
    pub fn shell(line: impl Into<String>) -> Self {
        Self::new(vec!["CMD-SHELL".to_owned(), line.into()])
    }

    fn new(command: Vec<String>) -> Self {
        Self {
            command,
            interval_seconds: None,
            timeout_seconds: None,
            retries: None,
            start_period_seconds: None,
        }
    }

    /// Sets the interval in seconds, 5 to 300. Default, decided by ECS: 30.
    #[must_use]
    pub fn with_interval_seconds(mut self, seconds: u32) -> Self {
        self.interval_seconds = Some(seconds);
        self
    }

    /// Sets the timeout of a check in seconds, 2 to 60. Default, decided by ECS: 5.
    #[must_use]
    pub fn with_timeout_seconds(mut self, seconds: u32) -> Self {
        self.timeout_seconds = Some(seconds);
        self
    }

    /// Sets the number of consecutive failures after which the container is unhealthy, 1 to 10. Default, decided by
    /// ECS: 3.
    #[must_use]
    pub fn with_retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// Sets the time after the start in which failures do not count, 0 to 300 seconds. Default, decided by ECS: none.
    #[must_use]
    pub fn with_start_period_seconds(mut self, seconds: u32) -> Self {
        self.start_period_seconds = Some(seconds);
        self
    }

    pub(super) fn into_cfn(self) -> ecs::HealthCheck {
        ecs::HealthCheck {
            command: StringList::list(self.command),
            interval: self.interval_seconds.map(Value::Known),
            timeout: self.timeout_seconds.map(Value::Known),
            retries: self.retries.map(Value::Known),
            start_period: self.start_period_seconds.map(Value::Known),
        }
    }
}
