//! Runs a CloudFormation template's services and their Envoys on one machine.
//!
//! ```text
//! template ──Plan::new──► Plan ──LocalMesh::start──► processes
//!            (pure)                                   control plane (in this process)
//!                                                     one Envoy per task, one process per container
//! ```
//!
//! It plays the parts of CloudFormation and ECS: evaluates the template, keeps the desired number of tasks
//! running, registers them in a Cloud Map of its own. It never translates routes, that is `mesh-control`'s, and
//! it is no proxy: requests pass through real Envoys.
//!
//! Reading order:
//! - `evaluate`: a template's intrinsic functions, pure;
//! - [`plan`]: what a template asks this machine to run, pure;
//! - [`image`]: what a container image means here;
//! - `slot` and `ports`: the place of a task on this machine;
//! - `task`: one life of a task, made of `envoy`, `container` and `health`;
//! - `supervisor`: starts it again;
//! - `cloud_map`: who can be reached where;
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
//! | command, entry point, environment, port mappings, `DependsOn`, `HealthCheck`, `Essential`, `StopTimeout` | as ECS does, except that a health check comes quickly until it first succeeds |
//! | parameters, mappings, conditions, intrinsic functions | evaluated |
//! | container ports | each task gets ports of its own; a label says by which variable a container learns its own |
//! | property names | a name that CloudFormation does not know is refused, with the one that was probably meant |
//! | number of tasks | at most 100 altogether; decided here |
//! | `Cpu`, `Memory`, `User`, `WorkingDirectory`, secrets, volumes, log configuration | not simulated: containers are processes of the user who runs them |
//! | `AWS::EC2::*`, `AWS::IAM::*`, `AWS::Logs::*` | listed as not simulated |
//! | every other resource type, `Fn::ImportValue`, transforms | refused by name |
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
pub mod path;
pub mod plan;
mod ports;
mod process;
mod slot;
mod supervisor;
mod task;

pub use event::Event;
pub use image::{Image, Images};
pub use launcher::Launcher;
pub use local_mesh::{LocalMesh, StartError, TaskAddress};
pub use plan::Plan;
