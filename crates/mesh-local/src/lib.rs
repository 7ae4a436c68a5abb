//! ContainerSource CloudFormation templates' services and their Envoys on one machine.
//!
//! ```text
//! templates ──Plan::new──► Plan ──LocalMesh::start──► processes
//!             (pure)                                   control plane (in this process)
//!                                                      one Envoy per task, one process per container
//! ```
//!
//! It plays the parts of CloudFormation and ECS: evaluates templates, keeps the desired number of tasks
//! running, registers them in a Cloud Map of its own. It never translates routes, that is `mesh-control`'s, and
//! it is no proxy: requests pass through real Envoys.
//!
//! Reading order:
//! - [`stack_input`]: what is given to be run;
//! - `evaluate`: templates' intrinsic functions, pure;
//! - [`plan`]: what templates ask this machine to run, pure;
//! - [`image`]: what a container image means here;
//! - `slot` and `ports`: the place of a task on this machine, and where its parts listen;
//! - `network`: a network of its own for every task;
//! - `task`: one life of a task, made of `envoy`, `container` and `health`;
//! - `supervisor`: starts it again;
//! - `cloud_map` and `mesh_state`: who can be reached where, as the control plane is told;
//! - [`local_mesh`]: the whole;
//! - [`request_path`]: which path a request took;
//! - [`traces`]: and what took how long on it;
//! - [`statistics`]: what Envoys counted of calls to a virtual node;
//! - [`inspect`]: what one node's Envoy would be told, without running anything;
//! - [`launcher`] and `process`: children that never outlive their parent;
//! - `run_dir`: the folder of logs and sockets, and those that others left behind;
//! - [`event`]: what there is to show.
//!
//! # Networks
//!
//! | | [`Network::Shared`] | [`Network::Namespaces`] |
//! |---|---|---|
//! | addresses | all tasks have 127.0.0.1 and are told apart by port | each task has its own, the same in all its lives; nothing of it is visible on the machine, and nothing outside can be reached |
//! | wiring | explicit: services learn of their Envoy from the environment | intercepted: the rules that AWS's plugins apply lead connections to Envoy, also where a template does not ask for it; Envoy is the user whose connections are left alone |
//! | container ports | each container is told a port | as in the template |
//! | host names of Cloud Map | applications resolve nothing | a DNS server for the tasks, and no other names |
//! | virtual services | by Host at the Envoy | tasks of their mesh resolve each to an address of its own that is no task's: App Mesh's rules leave alone what a task sends to its own address, so a name that leads there would lead past Envoy |
//! | endpoints of Service Connect | by Host at the Envoy | addresses in 127.255.0.0/16 in `/etc/hosts`, as ECS gives them out |
//! | Envoys find tasks | by what the control plane tells them | the same. On AWS DNS would tell them, up to five seconds later |
//! | IPv6 | no | no |
//! | needs | nothing | Linux, `ip`, `iptables-restore`; root, or a user namespace with a range of ids |
//!
//! What a runner that was killed outright leaves behind is a folder, which the next start removes.
//!
//! # Status
//!
//! | of a template | here |
//! |---|---|
//! | `AWS::ECS::Cluster`, `Service`, `TaskDefinition` | run |
//! | `AWS::ServiceDiscovery::HttpNamespace`, Service Connect | run |
//! | `AWS::AppMesh::*`, and `AWS::SSM::Parameter` under `/meshwright/` | meshes; can be changed while they run |
//! | `AWS::ServiceDiscovery::PrivateDnsNamespace`, `Service`, ECS `ServiceRegistries` | tasks are registered while they are well; Envoys are told of them by Cloud Map service and by DNS name |
//! | a container with an image of Envoy, or named by `ProxyConfiguration` | the local Envoy runs in its place, and is ready before any other container starts: image, command, health check and what it depends on have no meaning then |
//! | of that container's environment | `APPMESH_RESOURCE_ARN` and its older names say what it belongs to, `APPMESH_SDS_SOCKET_PATH` is honoured; the rest is listed as not simulated |
//! | `ProxyConfigurationProperties` | the rules of a task with a network of its own, see below; elsewhere not simulated: nothing is redirected, services learn of their Envoy from the environment |
//! | a task with an Envoy of App Mesh whose service is in Service Connect | refused |
//! | command, entry point, environment, port mappings, `DependsOn`, `HealthCheck`, `Essential`, `StopTimeout` | as ECS does, except that a health check comes quickly until it first succeeds |
//! | spans | a collector takes those that Envoys and containers send, and keeps the traces that somebody watches. Containers learn of it by OpenTelemetry's `OTEL_…` variables, unless their definition says where spans go. Only requests whose caller samples them leave any: a request without a `traceparent` gets one from its first Envoy that says it is not sampled |
//! | container ports | where tasks share an address, each task gets ports of its own; a label says by which variable a container learns its own. Without a label, the one variable of a container with one port that is this number |
//! | images that nobody knows | refused, or a stub: [`Images::with_stub`] says what of them it stands for |
//! | parameters, mappings, conditions, intrinsic functions | evaluated; parameters whose value would be looked up in Parameter Store have their name as value |
//! | `Fn::ImportValue` | evaluated, of what the given stacks export |
//! | property names | a name that CloudFormation does not know is refused, with the one that was probably meant |
//! | number of tasks | at most 100 altogether; decided here |
//! | `Cpu`, `Memory`, `User`, `WorkingDirectory`, secrets, volumes, log configuration, load balancers | not simulated: containers are processes of the user who runs them |
//! | other types of `AWS::ECS`, `AWS::AppMesh` and `AWS::ServiceDiscovery`, macros | refused by name, but for capacity providers |
//! | every other resource type | listed as not simulated; what refers to it gets a made-up text |
//! | `Rules`, `Metadata`, outputs that nobody imports | not looked at |
//! | another template while one runs | [`LocalMesh::apply`] replaces what changed, and loses no request |
//! | Linux | tested; ports stay reserved while a task restarts, and no container or Envoy outlives a runner that is killed outright (what a container itself started may) |
//! | macOS | built for, not tested; neither of the two is possible there |

mod cloud_map;
mod container;
mod environment;
mod envoy;
mod evaluate;
pub mod event;
mod health;
pub mod image;
pub mod inspect;
pub mod launcher;
pub mod local_mesh;
mod mesh_state;
mod network;
pub mod plan;
mod ports;
mod process;
pub mod request_path;
mod run_dir;
mod slot;
pub mod stack_input;
pub mod statistics;
mod supervisor;
mod task;
pub mod traces;

pub use event::Event;
pub use image::{Image, Images};
pub use launcher::Launcher;
pub use local_mesh::{Applied, ApplyError, CallScope, LocalMesh, StartError, TaskAddress};
pub use network::{AddressesExhausted, NamespacesUnavailable, Network};
pub use plan::Plan;
pub use run_dir::{DirAccess, RunDir};
pub use stack_input::StackInput;
pub use statistics::{Counts, NodeStatistics};
