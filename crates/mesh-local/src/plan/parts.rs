//! The parts of a plan: services, their mesh or namespace, and their containers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use mesh_model::app_mesh::{Protocol, ResourcePath};
use mesh_model::namespace::PortMapping;
use sidecar_contract::MeshSuffixes;

use super::Interception;
use crate::image::Image;

/// One ECS service.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServicePlan {
    /// Its name, explicit or derived from stack and logical id. Unique in a plan.
    pub name: String,
    /// The cluster it runs in.
    pub cluster: String,
    /// The desired number of tasks.
    pub desired_count: u32,
    /// The namespace or mesh of its tasks, which determines their Envoy.
    pub membership: Membership,
    /// The Cloud Map service in which ECS registers its tasks.
    pub registry: Option<RegistryPlan>,
    /// The services whose tasks are running before its own start: `DependsOn`.
    pub depends_on: BTreeSet<String>,
    /// The ports of its tasks that are targets of load balancers.
    pub targets: Vec<TargetPlan>,
    /// The time after the start of a task in which failed health checks of load balancers do not replace it. Default,
    /// decided by ECS: 0.
    pub health_check_grace: Duration,
    /// The family of its task definition.
    pub family: String,
    /// The containers of each task in start order, without the Envoy.
    pub containers: Vec<ContainerPlan>,
}

/// The namespace or mesh of a service's tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Membership {
    /// None: the tasks have no Envoy.
    None,
    /// A Service Connect namespace, by name.
    Namespace(String),
    /// A mesh of App Mesh.
    Mesh(Box<MeshNode>),
    /// None: its only task is the Envoy of a load balancer.
    LoadBalancer(LoadBalancerNode),
}

/// The Envoy that stands in for a load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadBalancerNode {
    /// The name of the load balancer.
    pub name: String,
    /// Its host names.
    pub host_names: Vec<String>,
    /// The ports of its listeners, and whether they are of TCP.
    pub listeners: BTreeMap<u16, bool>,
    /// The ports of this machine that were chosen for listeners. Default: free ones.
    pub local_ports: BTreeMap<u16, u16>,
    /// Name of the service that it publishes; `None` for a load balancer of the templates.
    pub publishes: Option<String>,
}

/// A port of a service's tasks that is a target of a load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TargetPlan {
    /// The name of the target group.
    pub target_group: String,
    /// The container port.
    pub container_port: u16,
    /// The container port of health checks, if it is another.
    pub health_check_port: Option<u16>,
}

/// A service whose tasks are a virtual node or a virtual gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MeshNode {
    /// The virtual node or virtual gateway.
    pub path: ResourcePath,
    /// The container of the task definition that the local Envoy replaces.
    pub container: String,
    /// Port and protocol of its listeners.
    pub listeners: BTreeMap<u16, Protocol>,
    /// The TCP backends of its applications, as (virtual service, port).
    pub tcp_backends: BTreeSet<(String, u16)>,
    /// The names of virtual services, for its applications. `None` for a virtual gateway, which has no applications.
    pub suffixes: Option<MeshSuffixes>,
    /// The Unix socket of a local secret discovery service: `APPMESH_SDS_SOCKET_PATH`.
    pub sds: Option<PathBuf>,
    /// The task definition's proxy configuration, applied in [`Network::Namespaces`](crate::Network::Namespaces).
    /// Without one, a virtual node uses [`Interception::app_mesh_defaults`], and a virtual gateway has no redirection.
    pub interception: Option<Interception>,
}

/// A Cloud Map service in which tasks register.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CloudMapService {
    /// Its namespace's name.
    pub namespace: String,
    /// Its own name.
    pub service: String,
    /// The DNS records of its name, `service.namespace`. `None` if it is found by Cloud Map's API only.
    pub dns: Option<DnsRecords>,
}

impl CloudMapService {
    /// Its name with that of its namespace, as virtual nodes with Cloud Map discovery have it.
    pub(super) fn full_name(&self) -> String {
        format!("{}.{}", self.service, self.namespace)
    }
}

/// The DNS records of a Cloud Map service: the time to live of each type that it has, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DnsRecords {
    /// Whether a response has the records of one instance, `WEIGHTED`, or of up to eight, `MULTIVALUE`.
    pub is_weighted: bool,
    /// IPv4 addresses.
    pub a: Option<u32>,
    /// IPv6 addresses.
    pub aaaa: Option<u32>,
    /// Ports and host names.
    pub srv: Option<u32>,
    /// Another name.
    pub cname: Option<u32>,
}

impl DnsRecords {
    /// Addresses with this time to live.
    #[must_use]
    pub fn addresses(ttl: u32) -> Self {
        Self {
            is_weighted: false,
            a: Some(ttl),
            aaaa: Some(ttl),
            srv: None,
            cname: None,
        }
    }

    /// The longest time to live.
    #[must_use]
    pub fn longest_ttl(self) -> u32 {
        let all = [self.a, self.aaaa, self.srv, self.cname];
        all.into_iter().flatten().max().unwrap_or(0)
    }
}

/// An instance that no task registers: an `AWS::ServiceDiscovery::Instance`, or a name of this machine's hosts file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FixedInstance {
    /// Its id.
    pub id: String,
    /// Where it is found.
    pub at: FixedInstanceName,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Its attributes in Cloud Map.
    pub attributes: BTreeMap<String, String>,
}

/// Where a fixed instance is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FixedInstanceName {
    /// In a Cloud Map service.
    CloudMap(CloudMapService),
    /// By a host name.
    Host(String),
}

/// The service registry of an ECS service.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistryPlan {
    /// The Cloud Map service.
    pub service: CloudMapService,
    /// The registered port: the registry's own, else the first container port.
    pub port: Option<u16>,
    /// The container whose port that is, if the registry names one.
    pub container: Option<String>,
}

impl Membership {
    /// The Service Connect namespace.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::Namespace(name) => Some(name),
            Self::None | Self::Mesh(_) | Self::LoadBalancer(_) => None,
        }
    }
}

impl CloudMapService {
    /// The host name of its tasks, if it has DNS.
    #[must_use]
    pub fn hostname(&self) -> Option<String> {
        self.dns.map(|_| format!("{}.{}", self.service, self.namespace))
    }
}

/// One container of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContainerPlan {
    /// Its name, unique in its task.
    pub name: String,
    /// The local programs that replace its image.
    pub image: Image,
    /// Whether the image is a stub for an unknown one: it listens on a single port, which receives the calls to all
    /// ports of the container.
    pub is_stub: bool,
    /// Whether the task ends with this container. Default, decided by ECS: true.
    pub essential: bool,
    /// Replaces the image's entry point, unless empty.
    pub entry_point: Vec<String>,
    /// The arguments after the entry point.
    pub command: Vec<String>,
    /// Its environment variables.
    pub environment: BTreeMap<String, String>,
    /// The ports it listens on.
    pub ports: Vec<PortPlan>,
    /// The user that runs it in [`Network::Namespaces`](crate::Network::Namespaces). Default: the user of this process.
    pub user: Option<ContainerUser>,
    /// Conditions on other containers, by name, before it starts.
    pub depends_on: Vec<(String, Condition)>,
    /// Its health check.
    pub health_check: Option<HealthCheckPlan>,
    /// Time between SIGTERM and SIGKILL. Default, decided by ECS: 30 s.
    pub stop_timeout: Duration,
}

/// The numeric user and group of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContainerUser {
    /// The user id.
    pub uid: u32,
    /// The group id. Default, decided by Docker: 0.
    pub gid: u32,
}

/// A port that a container listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PortPlan {
    /// The port mapping of the task definition.
    pub mapping: PortMapping,
    /// The environment variable that contains its listening port.
    pub variable: Option<String>,
}

/// A condition on a container, as in ECS's `dependsOn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It has started.
    Start,
    /// It has ended.
    Complete,
    /// It has ended with exit code 0.
    Success,
    /// Its health check passed.
    Healthy,
}

/// A container's health check.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HealthCheckPlan {
    /// The command, run inside the container.
    pub command: Vec<String>,
    /// Interval between checks. Default, decided by ECS: 30 s.
    pub interval: Duration,
    /// Timeout of one check. Default, decided by ECS: 5 s.
    pub timeout: Duration,
    /// Consecutive failures until unhealthy. Default, decided by ECS: 3.
    pub retries: u32,
    /// Grace period in which failures do not count. Default, decided by ECS: none.
    pub start_period: Duration,
}
