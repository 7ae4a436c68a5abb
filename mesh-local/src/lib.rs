//! Runs CloudFormation templates' services and their Envoys on one machine.
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
//! - [`stack_template`]: what is given to be run;
//! - `evaluate`: templates' intrinsic functions, pure;
//! - [`plan`]: what templates ask this machine to run, pure;
//! - [`image`]: what a container image means here;
//! - `slot` and `ports`: the place of a task on this machine, and where its parts listen;
//! - `task`: one life of a task, made of `envoy`, `container` and `health`;
//! - `supervisor`: starts it again;
//! - `cloud_map` and `world`: who can be reached where, as the control plane is told;
//! - [`local_mesh`]: the whole;
//! - [`path`]: which path a request took;
//! - [`launcher`] and `process`: children that never outlive their parent;
//! - [`event`]: what there is to show.
//!
//! # Status
//!
//! | of a template | here |
//! |---|---|
//! | `AWS::ECS::Cluster`, `Service`, `TaskDefinition` | run |
//! | `AWS::ServiceDiscovery::HttpNamespace`, Service Connect | run, in explicit wiring |
//! | `AWS::AppMesh::*`, and `AWS::SSM::Parameter` under `/meshwright/` | meshes, in explicit wiring; can be changed while they run ([`LocalMesh::update_meshes`]) |
//! | `AWS::ServiceDiscovery::PrivateDnsNamespace`, `Service`, ECS `ServiceRegistries` | tasks are registered while they are well; Envoys find them by Cloud Map and by DNS name, applications resolve nothing |
//! | a container with an image of Envoy, or named by `ProxyConfiguration` | the local Envoy runs in its place, and is ready before any other container starts: image, command, health check and what it depends on have no meaning then |
//! | of that container's environment | `APPMESH_RESOURCE_ARN` and its older names say what it belongs to, `APPMESH_SDS_SOCKET_PATH` is honoured; the rest is listed as not simulated |
//! | `ProxyConfigurationProperties` | not simulated: nothing is redirected, services learn of their Envoy from the environment |
//! | a task with an Envoy of App Mesh whose service is in Service Connect | refused |
//! | command, entry point, environment, port mappings, `DependsOn`, `HealthCheck`, `Essential`, `StopTimeout` | as ECS does, except that a health check comes quickly until it first succeeds |
//! | container ports | each task gets ports of its own; a label says by which variable a container learns its own. Without a label, the one variable of a container with one port that is this number |
//! | images that nobody knows | refused, or a stub: [`Images::with_stub`] says what of them it stands for |
//! | parameters, mappings, conditions, intrinsic functions | evaluated; parameters whose value would be looked up in Parameter Store have their name as value |
//! | `Fn::ImportValue` | evaluated, of what the given stacks export |
//! | property names | a name that CloudFormation does not know is refused, with the one that was probably meant |
//! | number of tasks | at most 100 altogether; decided here |
//! | `Cpu`, `Memory`, `User`, `WorkingDirectory`, secrets, volumes, log configuration, load balancers | not simulated: containers are processes of the user who runs them |
//! | other types of `AWS::ECS`, `AWS::AppMesh` and `AWS::ServiceDiscovery`, macros | refused by name, but for capacity providers |
//! | every other resource type | listed as not simulated; what refers to it gets a made-up text |
//! | `Rules`, `Metadata`, outputs that nobody imports | not looked at |
//! | rolling updates | not yet |
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
pub mod launcher;
pub mod local_mesh;
#[expect(
    dead_code,
    unused_imports,
    reason = "nothing starts tasks in networks of their own yet"
)]
mod network;
pub mod path;
pub mod plan;
mod ports;
mod process;
mod slot;
pub mod stack_template;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "a mesh makes its folder itself, and sweeps nothing, yet")
)]
mod state;
mod supervisor;
mod task;
mod world;

pub use event::Event;
pub use image::{Image, Images};
pub use launcher::Launcher;
pub use local_mesh::{LocalMesh, StartError, TaskAddress, UpdateError};
pub use plan::Plan;
pub use stack_template::StackTemplate;
