//! Runs the services of CloudFormation templates, with their Envoys, on one machine.
//!
//! ```text
//! templates ──Plan::new──► Plan ──LocalMesh::start──► processes
//!             (pure)                                   control plane (in this process)
//!                                                      one Envoy per task, one process per container
//! ```
//!
//! It takes the roles of CloudFormation and ECS: it evaluates templates, keeps the desired number of tasks running, and
//! registers them in a local Cloud Map. Routes are translated by `mesh-control`, and requests pass through real Envoys.
//!
//! Reading order:
//! - [`stack_input`], [`stack_environment`], `values`: input stacks, and what CloudFormation knows of them;
//! - `evaluate`: the evaluated resources of all stacks, pure;
//! - [`plan`]: what the templates run, read from `mesh-infra`'s `TemplateModel` of these resources, pure;
//! - [`links`]: which stacks refer to each other, pure;
//! - [`image`]: container images, mapped to local programs;
//! - `slot` and `ports`: the name, directory and addresses of a task;
//! - `network`: a network namespace for every task;
//! - `task`: one run of a task, with its `envoy`, `container`s and their `health`;
//! - `supervisor`: restarts failed tasks;
//! - `cloud_map`, `certificates` and `mesh_state`: the control plane's input;
//! - [`local_mesh`]: the running mesh, and its updates to another plan;
//! - [`request_path`]: the path of one request, from access logs;
//! - [`traces`]: the timeline of one request, from spans;
//! - [`statistics`]: Envoy statistics of calls to a virtual node;
//! - [`edges`]: Envoy statistics of the calls between all services;
//! - [`inspect`]: the Envoy configuration of a node, without running anything;
//! - [`launcher`] and `process`: child processes that do not outlive their parent;
//! - `run_dir`: the directory of logs and sockets, and removal of stale ones;
//! - [`description`]: the services and tasks of a running mesh, as a document;
//! - [`event`]: events for display.
//!
//! # Example
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use mesh_infra::Template;
//! use mesh_local::{Image, Images, Plan, StackInput};
//!
//! let template = Template::from_text(
//!     "
//! Resources:
//!   Task:
//!     Type: AWS::ECS::TaskDefinition
//!     Properties: {ContainerDefinitions: [{Name: app, Image: team/app}]}
//!   Service:
//!     Type: AWS::ECS::Service
//!     Properties: {TaskDefinition: !Ref Task, ServiceName: blue, DesiredCount: 2}
//! ",
//! )?;
//! let stack = StackInput { name: "demo", template: &template, parameters: &BTreeMap::new() };
//! let images = Images::default().with("team/app", Image::new(["python3", "-m", "http.server"]));
//! let plan = Plan::new(&[stack], &images)?;
//! assert_eq!((plan.services[0].name.as_str(), plan.services[0].desired_count), ("blue", 2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`LocalMesh::start`] runs the plan. The example program `run_template` is a complete host program.
//!
//! # Networks
//!
//! | | [`Network::Shared`] | [`Network::Namespaces`] |
//! |---|---|---|
//! | task addresses | 127.0.0.1 for all tasks, which differ by port | one address per task, constant across restarts; not visible on the machine, and without access to other networks |
//! | traffic mode | explicit proxy: environment variables contain Envoy's addresses | transparent proxy: the iptables rules of AWS's CNI plugins redirect connections to Envoy, even if the template has none; Envoy's own user is excluded |
//! | container ports | one assigned port each, in an environment variable | as in the template |
//! | Cloud Map host names | not resolvable by applications | resolved by a DNS server for tasks, to the records and TTLs (at most 60 s) of the Cloud Map services; it knows no other names. A replaced task serves until the TTL is over |
//! | virtual services | by Host header at the Envoy | each resolves to an address of its own in tasks of its mesh: App Mesh's rules exclude a task's own address, so the address of a task would bypass Envoy in that task. The name of a task itself resolves to that address, unless it is one of its backends |
//! | Service Connect endpoints | by Host header at the Envoy | addresses in 127.255.0.0/16 in `/etc/hosts`, as in ECS |
//! | endpoint discovery of Envoys | EDS | EDS. On AWS it would be DNS, with up to five seconds delay |
//! | IPv6 | no | no |
//! | requirements | none | Linux, `ip`, `iptables-restore`; root, or a user namespace with a range of ids |
//!
//! A killed process leaves only a directory behind, which the next start removes.
//!
//! # Status
//!
//! | template | support |
//! |---|---|
//! | `AWS::ECS::Cluster`, `Service`, `TaskDefinition` | run |
//! | `AWS::ServiceDiscovery::HttpNamespace`, Service Connect | run |
//! | `AWS::AppMesh::*`, and `AWS::SSM::Parameter` under `/meshwright/` | meshes; can be changed while running |
//! | `AWS::ServiceDiscovery::PrivateDnsNamespace`, `Service`, ECS `ServiceRegistries` | healthy tasks are registered, and sent to Envoys by Cloud Map service and DNS name; `Instance` is registered with its address |
//! | `AWS::ElasticLoadBalancingV2::*`, ECS `LoadBalancers` | an Envoy for each load balancer, with a port for each listener: rules, weights, redirects, fixed responses, stickiness, health checks, deregistration delay, TLS |
//! | actions that authenticate, targets that are not tasks, UDP, classic and gateway load balancers | not simulated |
//! | certificates by ARN, and files that this machine does not have | certificates of a local development authority, listed in [`Event::Assumed`], or those of [`GivenCertificates`] |
//! | a container with an Envoy image, named by `ProxyConfiguration`, or with a mesh resource in its environment | replaced by the local Envoy, which is ready before other containers start; its image, command, health check and dependencies are ignored |
//! | environment of that container | `APPMESH_RESOURCE_ARN`, its older names and `APPMESH_SDS_SOCKET_PATH` are supported; the rest is listed as not simulated |
//! | `ProxyConfigurationProperties` | iptables rules in [`Network::Namespaces`]; otherwise not simulated |
//! | an App Mesh Envoy in a Service Connect service | rejected |
//! | command, entry point, environment, port mappings, `DependsOn`, `HealthCheck`, `Essential`, `StopTimeout` | as in ECS, except that health checks run in quick succession until the first success; in [`Network::Shared`], the port is checked in place of one that asks a container port on loopback |
//! | `User` | in [`Network::Namespaces`], a number or root; otherwise not simulated |
//! | spans | collected from Envoys and containers, and kept for watched traces. Containers are configured by OpenTelemetry's `OTEL_…` variables, unless their definition configures an exporter. Only requests with a sampled `traceparent` create spans: the first Envoy adds an unsampled one to others |
//! | port variables | in [`Network::Shared`], a port label names the variable for the assigned port. Without a label, it is the only variable with the number of the only port |
//! | unknown images | rejected, or replaced by a stub; see [`Images::with_stub`] |
//! | parameters, mappings, conditions, intrinsic functions, `AWS::LanguageExtensions` | evaluated, in the region and account of the [`StackEnvironment`] |
//! | `Fn::ImportValue` | evaluated from the exports of the given stacks |
//! | dynamic references, SSM parameter types | the value of an `AWS::SSM::Parameter` of the given stacks, or of [`Values`] |
//! | nested stacks | run, if [`StackEnvironment::nested_templates`] finds their templates |
//! | values that only AWS knows | a stand-in where something here reads them, listed in [`Plan::assumed`], or that of [`Values`] |
//! | clusters, namespaces and backends that no given template has | taken to exist, listed in [`Plan::assumed`] |
//! | property names | unknown ones are rejected, with a suggestion |
//! | number of tasks | at most 100 in total; decided here |
//! | `Cpu`, `Memory`, `WorkingDirectory`, secrets without a value in [`Values`], volumes, log configuration | not simulated: containers are processes of the current user |
//! | other types of `AWS::ECS`, `AWS::AppMesh` and `AWS::ServiceDiscovery`, macros | rejected, except capacity providers and SAM, whose own resources are left out |
//! | all other resource types | listed as not simulated; references to them have placeholder values |
//! | `Rules`, `Metadata`, outputs without imports | ignored |
//! | updates of a running template | [`LocalMesh::apply`] replaces what changed, without losing requests |
//! | Linux | tested; ports stay reserved while a task restarts, and no container or Envoy outlives a killed parent (their own children may) |
//! | macOS | supported, not tested; without port reservation and parent death signal |

mod certificates;
mod cloud_map;
mod container;
pub mod description;
pub mod edges;
mod environment;
mod envoy;
mod evaluate;
pub mod event;
mod health;
mod hosts_file;
pub mod image;
pub mod inspect;
pub mod launcher;
pub mod links;
pub mod local_mesh;
mod mesh_state;
mod network;
pub mod plan;
mod ports;
mod process;
pub mod request_path;
mod run_dir;
mod run_state;
mod slot;
pub mod stack_environment;
pub mod stack_input;
pub mod statistics;
mod supervisor;
mod task;
pub mod traces;
mod values;

pub use evaluate::{ACCOUNT, REGION};
pub use event::Event;
pub use hosts_file::parse_hosts_file;
pub use image::{Image, Images};
pub use launcher::Launcher;
pub use links::{Link, StackLinks};
pub use local_mesh::{
    Applied, ApplyError, CallScope, Entrance, LocalMesh, OperationError, Problem, StartError, TaskAddress,
};
pub use mesh_control::{NodeStatus, Status};
pub use network::{AddressesExhausted, NamespacesUnavailable, Network};
pub use plan::{Plan, PublishedPort};
pub use run_dir::{DirAccess, RunDir};
pub use stack_environment::{GivenCertificates, NestedStackRequest, NestedTemplate, Region, StackEnvironment};
pub use stack_input::StackInput;
pub use statistics::{Counts, NodeStatistics, StatisticsError};
pub use values::Values;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
