//! Containers of a task definition.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use sidecar_contract::Diagnostics;

use crate::value::{StringList, Value, in_range};

/// One container of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerDefinition {
    /// Its name, unique in the task. Required.
    pub name: Value<String>,
    /// The image, as `repository/name:tag` or `@digest`. Required.
    pub image: Value<String>,
    /// Whether the task stops when this container does. Default, decided by ECS: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub essential: Option<Value<bool>>,
    /// Replaces the image's entry point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_point: Option<StringList>,
    /// Replaces the image's command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<StringList>,
    /// Directory in which the command starts. Default: the image's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<Value<String>>,
    /// The user to run as, such as `1000` or `1000:1000`. Default: the image's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Value<String>>,
    /// Environment variables. Names are unique.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<KeyValuePair>,
    /// Ports on which the container listens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub port_mappings: Vec<PortMapping>,
    /// Containers of the same task that must reach a condition before this one starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<ContainerDependency>,
    /// The health check. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,
    /// Docker labels.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub docker_labels: IndexMap<String, Value<String>>,
    /// Seconds after which a dependency on this container fails. On Fargate 2 to 120; default, decided by ECS: 3 minutes
    /// on Fargate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_timeout: Option<Value<u32>>,
    /// Seconds between the stop signal and the kill. On Fargate at most 120; default, decided by ECS: 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<Value<u32>>,
    /// The log driver: `LogDriver`, `Options`, `SecretOptions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_configuration: Option<Json>,
    /// Kernel parameters, for the whole task in `awsvpc` mode. Default, decided by ECS: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub system_controls: Vec<SystemControl>,
    /// Properties without a field here, `Secrets` or `MountPoints` for instance.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ContainerDefinition {
    /// A container of an image, with the defaults of ECS and the image.
    pub fn new(name: impl Into<Value<String>>, image: impl Into<Value<String>>) -> Self {
        Self {
            name: name.into(),
            image: image.into(),
            essential: None,
            entry_point: None,
            command: None,
            working_directory: None,
            user: None,
            environment: Vec::new(),
            port_mappings: Vec::new(),
            depends_on: Vec::new(),
            health_check: None,
            docker_labels: IndexMap::new(),
            start_timeout: None,
            stop_timeout: None,
            log_configuration: None,
            system_controls: Vec::new(),
            other: Map::new(),
        }
    }
}

/// A name and a value, such as an environment variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct KeyValuePair {
    /// Its name.
    pub name: Value<String>,
    /// Its value.
    pub value: Value<String>,
}

/// A kernel parameter. Fargate allows those that begin with `net.`, from platform version 1.4.0 on.
///
/// Source: ECS API reference, `SystemControl` (read 2026-11-23).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SystemControl {
    /// Its name, such as `net.ipv4.ip_unprivileged_port_start`.
    pub namespace: Value<String>,
    /// Its value.
    pub value: Value<String>,
}

/// A port of a container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PortMapping {
    /// The name for Service Connect: at most 64 of `a-z 0-9 _ -`, not starting with `-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Value<String>>,
    /// The port in the container, 1 to 65535.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_port: Option<Value<u32>>,
    /// The port outside. In `awsvpc` mode left out, or the same as the container's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_port: Option<Value<u32>>,
    /// `tcp` or `udp`. Default, decided by ECS: `tcp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Value<String>>,
    /// `http`, `http2` or `grpc`. Default, decided by ECS: none, which Service Connect proxies as TCP.
    /// Immutable in a service with Service Connect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_protocol: Option<Value<String>>,
    /// Properties without a field here: `ContainerPortRange`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

/// A dependency on another container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ContainerDependency {
    /// The other container.
    pub container_name: Value<String>,
    /// `START`, `COMPLETE`, `SUCCESS` or `HEALTHY`; `HEALTHY` requires a health check.
    pub condition: Value<String>,
}

/// The health check of a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct HealthCheck {
    /// `CMD` and a command with arguments, or `CMD-SHELL` and a shell command. Exit code 0 means healthy.
    pub command: StringList,
    /// Seconds between checks, 5 to 300. Default, decided by ECS: 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Value<u32>>,
    /// Seconds until a check counts as failed, 2 to 60. Default, decided by ECS: 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Value<u32>>,
    /// Failures in a row until the container is unhealthy, 1 to 10. Default, decided by ECS: 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<Value<u32>>,
    /// Seconds at the start in which failures do not count, 0 to 300. Default, decided by ECS: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_period: Option<Value<u32>>,
}

impl HealthCheck {
    /// Reports durations and counts out of range. Expressions are not checked.
    ///
    /// Source: ECS API reference, `HealthCheck` (read 2026-11-23).
    pub fn check_ranges(&self, path: &str, diagnostics: &mut Diagnostics) {
        in_range(&self.interval, 5..=300, &format!("{path}.Interval"), diagnostics);
        in_range(&self.timeout, 2..=60, &format!("{path}.Timeout"), diagnostics);
        in_range(&self.retries, 1..=10, &format!("{path}.Retries"), diagnostics);
        in_range(&self.start_period, 0..=300, &format!("{path}.StartPeriod"), diagnostics);
    }
}
