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
//! - `session`, `subscription`, `nack`, `dependencies`: what one Envoy has, and what to push next. Pure;
//! - `proto`: Envoy's messages to and from the session's types;
//! - `stream`: one open stream, between the two; `rejections`: the log of rejected streams;
//! - [`service`]: the gRPC service;
//! - [`status`]: what each connected Envoy has ACKed and NACKed.

mod dependencies;
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

pub use node::Node;
pub use protocol::XdsProtocol;
pub use service::{AdsService, StreamGuard};
pub use session::{RejectedResource, TypeReport};
pub use snapshot::{InconsistentSnapshot, Reference, Resource, ResourceType, Snapshot};
pub use source::{Configured, Source, SourceError};
pub use status::{NodeStatus, StatusBoard};
