#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! ```text
//! Source ──Snapshot──► Session ──push──► Envoy
//!          (checked)   (pure)   ◄ACK/NACK─
//! ```
//!
//! Reading order:
//! - [`snapshot`]: the resources of one Envoy, named, versioned, checked against each other;
//! - [`source`]: gives each Envoy its snapshot, now and after each change;
//! - `session`, `subscription`, `client_state`, `nack`, `dependencies`: what one Envoy has, and what to push next. Pure;
//! - `proto`, `encode`: Envoy's requests, and responses as bytes that streams share;
//! - `stream`: one open stream, between the two; `rejections`: the log of rejected streams; [`limits`];
//! - [`service`]: the gRPC service;
//! - [`status`]: what each connected Envoy has ACKed and NACKed; [`metrics`]: the same in numbers.

mod client_state;
mod dependencies;
mod encode;
pub mod limits;
pub mod metrics;
mod nack;
pub mod node;
mod proto;
mod protocol;
mod rejections;
pub mod service;
mod session;
pub mod snapshot;
pub mod source;
pub mod status;
mod stream;
mod subscription;

pub use limits::Limits;
pub use metrics::Metrics;
pub use node::Node;
pub use protocol::XdsProtocol;
pub use service::{AdsServer, AdsService, StreamGuard};
pub use session::{RejectedResource, TypeReport};
pub use snapshot::{InconsistentSnapshot, Interner, Reference, Resource, ResourceType, Snapshot};
pub use source::{Configured, Source, SourceError, View};
pub use status::{NodeStatus, StatusBoard};
