//! Description of a running mesh as a document: its services, tasks and entrances.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use crate::run_state::TaskStatus;

/// Version of the document. Fields may be added without a new one.
pub const DESCRIPTION_VERSION: u32 = 1;

/// A running mesh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MeshDescription {
    /// [`DESCRIPTION_VERSION`].
    pub version: u32,
    /// Services, by name.
    pub services: Vec<ServiceDescription>,
    /// Tasks, by service, oldest first.
    pub tasks: Vec<TaskDescription>,
    /// Listeners of load balancers.
    pub load_balancers: Vec<ListenerDescription>,
    /// Address of the xDS server.
    pub xds: SocketAddr,
    /// URL of the control plane's status page.
    pub status_url: String,
    /// Directory of the logs.
    pub logs: PathBuf,
    /// Init process of the network between the tasks, with network namespaces. Addresses of tasks are reachable there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_pid: Option<u32>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceDescription {
    /// Its name.
    pub service: String,
    /// The number of tasks that should run.
    pub desired_count: u32,
    /// The number of tasks that run.
    pub running_count: u32,
    /// The number of tasks that start.
    pub pending_count: u32,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskDescription {
    /// Its name: service, slash and a number from 1.
    pub task: String,
    /// Its service.
    pub service: String,
    /// Its status.
    pub status: TaskStatus,
    /// Its health.
    pub health: TaskHealth,
    /// The time of its last change of status, in milliseconds since the Unix epoch.
    pub since: u64,
    /// How often it was started again after a failure.
    pub restarts: u32,
    /// The reason of the last failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
    /// Its containers, then its Envoy, which is named `envoy`.
    pub processes: Vec<ProcessDescription>,
    /// The ingress ports of its Envoy.
    pub ingress: Vec<PortDescription>,
    /// The addresses of its applications. Calls to them bypass Envoy, except with network namespaces.
    pub applications: Vec<SocketAddr>,
    /// Init process of its network namespace, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_pid: Option<u32>,
}

/// Health of a task, in the words of ECS's `healthStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum TaskHealth {
    /// The health checks of its essential containers pass.
    Healthy,
    /// No essential container has a health check, or the task does not run.
    Unknown,
}

impl TaskHealth {
    /// Its name, as ECS writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Healthy => "HEALTHY",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// A process of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessDescription {
    /// Name of the container; `envoy` is the Envoy, `entrance` the one that passes connections on to a load balancer.
    pub name: String,
    /// Its process id.
    pub pid: u32,
}

/// An ingress port of an Envoy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortDescription {
    /// Name of the port; the ports of virtual nodes and gateways are named by number.
    pub name: String,
    /// Protocol for callers: `http`, `https` or `tcp`.
    pub protocol: String,
    /// Its address.
    pub address: SocketAddr,
}

/// A listener of a load balancer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenerDescription {
    /// Name of the load balancer.
    pub load_balancer: String,
    /// Name of the service that it publishes; `None` for a load balancer of the templates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publishes: Option<String>,
    /// Port of the template.
    pub port: u16,
    /// Protocol for callers: `http`, `https`, `tcp` or `tls`.
    pub protocol: String,
    /// Its address on this machine.
    pub address: SocketAddr,
}
