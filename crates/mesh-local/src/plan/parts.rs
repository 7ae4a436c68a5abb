//! The parts of a plan: services, what makes them members of something, and their containers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use mesh_model::app_mesh::{Protocol, ResourcePath};
use mesh_model::namespace::PortMapping;
use sidecar_contract::MeshSuffixes;

use super::Interception;
use crate::image::Image;

/// One ECS service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePlan {
    /// Its name: as in the template, or made from the stack and the logical id. Unique in a plan.
    pub name: String,
    /// The cluster it runs in.
    pub cluster: String,
    /// How many tasks it keeps running.
    pub desired_count: u32,
    /// What its tasks belong to, and so which Envoy they have.
    pub membership: Membership,
    /// The Cloud Map service under which ECS registers its tasks.
    pub registry: Option<RegistryPlan>,
    /// The family of its task definition.
    pub family: String,
    /// The containers of each task, in an order in which they can be started. The Envoy is none of them.
    pub containers: Vec<ContainerPlan>,
}

/// What the tasks of a service belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Membership {
    /// Nothing: they have no Envoy.
    None,
    /// A Service Connect namespace, by name.
    Namespace(String),
    /// A mesh of App Mesh.
    Mesh(Box<MeshNode>),
}

/// A service whose tasks are a virtual node or a virtual gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeshNode {
    /// The virtual node or virtual gateway.
    pub path: ResourcePath,
    /// The container of the task definition in whose place the local Envoy runs.
    pub container: String,
    /// The ports of its listeners, and what is spoken there.
    pub listeners: BTreeMap<u16, Protocol>,
    /// The TCP ports that its applications call, each with the virtual service it belongs to.
    pub tcp_backends: BTreeSet<(String, u16)>,
    /// The names by which its applications call virtual services. None for a virtual gateway, which nobody calls from
    /// inside.
    pub suffixes: Option<MeshSuffixes>,
    /// The socket of a secret discovery service beside it: `APPMESH_SDS_SOCKET_PATH`.
    pub sds: Option<PathBuf>,
    /// Which connections are redirected to its Envoy where tasks have networks of their own, as far as its task
    /// definition says so. A virtual node's that says nothing are redirected as [`Interception::usual`] has it, a
    /// virtual gateway's are not.
    pub interception: Option<Interception>,
}

/// A Cloud Map service, in which tasks register.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CloudMapService {
    /// Its namespace's name.
    pub namespace: String,
    /// Its own name.
    pub service: String,
    /// Whether it is found by DNS as well, as `service.namespace`.
    pub has_dns: bool,
}

/// How ECS registers a service's tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryPlan {
    /// Where.
    pub service: CloudMapService,
    /// The port that they are registered with: as the service says, else the first of its containers.
    pub port: Option<u16>,
}

impl Membership {
    /// The Service Connect namespace.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::Namespace(name) => Some(name),
            Self::None | Self::Mesh(_) => None,
        }
    }
}

impl CloudMapService {
    /// The host name of its tasks, if it has one.
    #[must_use]
    pub fn hostname(&self) -> Option<String> {
        self.has_dns.then(|| format!("{}.{}", self.service, self.namespace))
    }
}

/// One container of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerPlan {
    /// Its name, unique in its task.
    pub name: String,
    /// What runs it here.
    pub image: Image,
    /// Whether that is a stub in place of an image that is not known: it listens on one port, and takes the calls to
    /// all of the container's ports.
    pub is_stub: bool,
    /// Whether the whole task ends with it. Default, decided by ECS: it does.
    pub essential: bool,
    /// Replaces the image's entry point, unless empty.
    pub entry_point: Vec<String>,
    /// The arguments after the entry point.
    pub command: Vec<String>,
    /// Its environment variables.
    pub environment: BTreeMap<String, String>,
    /// The ports it listens on.
    pub ports: Vec<PortPlan>,
    /// What must have happened to which other container before it starts.
    pub depends_on: Vec<(String, Condition)>,
    /// How to find out whether it is well.
    pub health_check: Option<HealthCheckPlan>,
    /// How long it may take to stop. Default, decided by ECS: 30 s.
    pub stop_timeout: Duration,
}

/// A port that a container listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortPlan {
    /// What is said of it.
    pub mapping: PortMapping,
    /// The environment variable by which the container learns on which port to listen.
    pub variable: Option<String>,
}

/// What must have happened to a container. The words are those of ECS's `dependsOn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It was started.
    Start,
    /// It has ended.
    Complete,
    /// It has ended with exit code 0.
    Success,
    /// Its health check passed.
    Healthy,
}

/// How to find out whether a container is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheckPlan {
    /// The command, to be run inside the container.
    pub command: Vec<String>,
    /// Time between checks. Default, decided by ECS: 30 s.
    pub interval: Duration,
    /// How long a check may take. Default, decided by ECS: 5 s.
    pub timeout: Duration,
    /// How many checks must fail in a row. Default, decided by ECS: 3.
    pub retries: u32,
    /// Failures this early do not count. Default, decided by ECS: none.
    pub start_period: Duration,
}
