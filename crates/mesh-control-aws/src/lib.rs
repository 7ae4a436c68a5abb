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
//! - [`acknowledgement`]: what a copy says of its Envoys, and what follows from that; `config_hash`: of which configuration;
//! - `failure`: what became of a call, in one line;
//! - `clients`, `parameters`, `cloud_map`: the calls;
//! - `follow`, `publish`: asking and telling, again and again;
//! - `acknowledgements`, `health`, `replica_id`: for deploy tools, for the health check of a container, for its name.

#![doc = include_str!("aws.md")]

mod clients;
mod cloud_map;
mod config_hash;
mod configuration;
mod discovery;
mod error;
mod health;
mod parameters;
pub mod poll_budget;
mod poller;
mod publish;
mod replica_id;
mod serve;
mod source_status;
mod state;
mod sync_reader;
pub mod sync_status;

pub use clients::{Clients, http_client};
pub use config_hash::ConfigHash;
pub use error::{AwsError, ErrorKind};
pub use health::check_health;
pub use poll_budget::PollIntervals;
pub use replica_id::{METADATA_VARIABLE, replica_id};
pub use serve::{Options, serve};
pub use sync_reader::SyncReader;
pub use sync_status::{EndpointHealth, ReplicaStatus, SyncStatus};
