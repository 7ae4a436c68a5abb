//! How ECS learns whether a container is well.

use cfn::{StringList, Value, ecs};

/// A command that ECS runs in the container again and again; exit status 0 means well.
///
/// A task whose essential container has one gets requests through Service Connect once the check has passed;
/// without one it gets them as soon as it runs (ECS developer guide, Service Connect concepts, read 2026-11-23).
#[derive(Debug, Clone)]
pub struct HealthCheck {
    command: Vec<String>,
    interval_seconds: Option<u32>,
    timeout_seconds: Option<u32>,
    retries: Option<u32>,
    start_period_seconds: Option<u32>,
}

impl HealthCheck {
    /// A program and its arguments, run as they are. The image needs no shell for it.
    #[must_use]
    pub fn command(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let command = std::iter::once("CMD".to_owned()).chain(words.into_iter().map(Into::into));
        Self::of(command.collect())
    }

    /// A line for the container's shell.
    #[must_use]
    pub fn shell(line: impl Into<String>) -> Self {
        Self::of(vec!["CMD-SHELL".to_owned(), line.into()])
    }

    fn of(command: Vec<String>) -> Self {
        Self {
            command,
            interval_seconds: None,
            timeout_seconds: None,
            retries: None,
            start_period_seconds: None,
        }
    }

    /// The same check, this many seconds apart: 5 to 300. Default, decided by ECS: 30.
    #[must_use]
    pub fn with_interval_seconds(mut self, seconds: u32) -> Self {
        self.interval_seconds = Some(seconds);
        self
    }

    /// The same check, failed after this many seconds: 2 to 60. Default, decided by ECS: 5.
    #[must_use]
    pub fn with_timeout_seconds(mut self, seconds: u32) -> Self {
        self.timeout_seconds = Some(seconds);
        self
    }

    /// The same check, the container unhealthy after this many failures in a row: 1 to 10. Default, decided by
    /// ECS: 3.
    #[must_use]
    pub fn with_retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// The same check, its failures not counted in the first seconds: 0 to 300. Default, decided by ECS: they
    /// count from the start.
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
