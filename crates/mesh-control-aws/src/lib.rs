#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! ```text
//! Parameter Store ─► configuration ─┐
//!                                   ├─► state (pure) ─► MeshState ─► Envoys
//! Cloud Map ───────► discovery ─────┘       │                          │
//!                                        /status             sync_status ─► Parameter Store ─► SyncReader
//! ```
//!
//! Reading order:
//! - `parameter`, `configuration`, `config_hash`: a mesh from its parameters, and invalid ones; pure;
//! - `discovery`: the Cloud Map services that a mesh requires, and their endpoints; pure;
//! - `state`, `source_status`: the state read from AWS, and the status of each source; pure;
//! - [`poll_budget`]: poll intervals and quotas; pure;
//! - `revision_markers`, `parameter_plan`, `service_plan`, `usage`: what to read next, and which services connected Envoys
//!   use; pure;
//! - [`sync_status`]: the status of a replica, and of all together; pure;
//! - `error`: a failed call, in one line;
//! - `clients`, `parameters`, `cloud_map`: the calls;
//! - `split`, [`call_report`]: the calls to virtual nodes that share a route, in the status of a replica; pure;
//! - `options`, `poller`, `publish`, `serve`: the work; `endpoint_discovery`: a part of it, for other sources of meshes;
//! - [`task_role`]: roles of tasks as identities on the xDS port;
//! - `known_configuration`, `sync_reader`, `health`, `replica_id`: for deploy tools and containers.

#![doc = include_str!("aws.md")]

pub mod call_report;
mod clients;
mod cloud_map;
mod config_hash;
mod config_store;
mod configuration;
mod discovery;
mod endpoint_discovery;
mod endpoint_policy;
mod error;
mod health;
mod known_configuration;
mod options;
mod parameter;
mod parameter_plan;
mod parameters;
pub mod poll_budget;
mod poller;
mod publish;
mod replica_id;
mod revision_markers;
mod serve;
mod service_plan;
mod source_status;
mod split;
mod state;
mod sync_reader;
pub mod sync_status;
pub mod task_role;
mod usage;

pub use call_report::{CallReport, NodeCalls, ReportedCalls};
pub use clients::{Clients, http_client};
pub use config_hash::ConfigHash;
pub use config_store::ConfigStore;
pub use endpoint_discovery::{ApiMeshes, EndpointDiscovery};
pub use endpoint_policy::EndpointPolicy;
pub use error::{AwsError, ErrorKind};
pub use health::check_health;
pub use options::Options;
pub use poll_budget::PollIntervals;
pub use replica_id::{METADATA_VARIABLE, replica_id};
pub use serve::serve;
pub use sync_reader::SyncReader;
pub use sync_status::{EndpointHealth, ReplicaStatus, SyncStatus};
pub use task_role::{StsEndpoint, TaskRoleAuthenticator, write_token_file};
