//! The control plane on AWS: configuration from Parameter Store, endpoints from Cloud Map, acknowledgements for deploy
//! tools. Behind the feature `aws`.
//!
//! ```text
//! Parameter Store ─► configuration ─┐
//!                                   ├─► state (pure) ─► MeshState ─► Envoys
//! Cloud Map ───────► registered ────┘       │                      │
//!                                        /status      acknowledgement ─► Parameter Store ─► SyncReader
//! ```
//!
//! It keeps nothing between two runs, so it runs in as many copies as one likes. It loads no configuration: clients are
//! passed in. The binary `mesh-control` loads it as every AWS tool does.
//!
//! Reading order:
//! - `configuration`: a mesh from parameters, and what becomes of damaged ones; pure, as all but the last three rows;
//! - `registered`: what a mesh wants to know of Cloud Map, and who serves;
//! - `state`: what was learned, and what is served of it; `source_line`: how well;
//! - [`schedule`]: how often AWS is asked;
//! - [`acknowledgement`]: what a copy says of its Envoys, and what follows from that; `digest`: of which configuration;
//! - `failure`: what became of a call, in one line;
//! - `clients`, `parameters`, `cloud_map`: the calls;
//! - `follow`, `publish`: asking and telling, again and again;
//! - `acknowledgements`, `health`, `replica_id`: for deploy tools, for the health check of a container, for its name.

#![doc = include_str!("docs/aws.md")]

pub mod acknowledgement;
mod acknowledgements;
mod clients;
mod cloud_map;
mod configuration;
mod digest;
mod failure;
mod follow;
mod health;
mod parameters;
mod publish;
mod registered;
mod replica_id;
pub mod schedule;
mod source_line;
mod state;

pub use acknowledgement::{EndpointHealth, ReplicaStatus, SyncStatus};
pub use acknowledgements::SyncReader;
pub use clients::{Clients, http_client};
pub use digest::Digest;
pub use failure::{Failure, Reason};
pub use follow::{Options, serve};
pub use health::check_health;
pub use replica_id::{METADATA_VARIABLE, replica_id};
pub use schedule::PollIntervals;
