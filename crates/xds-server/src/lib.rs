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
//! - `stream`: one open stream, between the two; `first_request`: what a client must prove before it is one;
//! - [`access`]: who may open a stream for which node; [`limits`]; [`connections`]; `log_limit`;
//! - [`service`]: the gRPC service;
//! - `accepted`: configurations that Envoys have accepted as a whole;
//! - [`status`]: what each connected Envoy has ACKed and NACKed; [`metrics`]: the same in numbers.

mod accepted;
pub mod access;
mod client_state;
pub mod connections;
mod dependencies;
mod encode;
mod first_request;
pub mod limits;
mod log_limit;
pub mod metrics;
mod nack;
pub mod node;
mod proto;
mod protocol;
mod quote;
pub mod service;
mod session;
pub mod snapshot;
pub mod source;
pub mod status;
mod stream;
mod subscription;

pub use accepted::AcceptedObserver;
pub use access::{Access, Authenticating, AuthenticationError, Authenticator, Credentials, Principal};
pub use connections::{Connection, Connections, Peer};
pub use limits::Limits;
pub use metrics::Metrics;
pub use node::Node;
pub use protocol::XdsProtocol;
pub use service::{AdsServer, AdsService, StreamGuard};
pub use session::{RejectedResource, TypeReport};
pub use snapshot::{InconsistentSnapshot, Interner, Reference, Resource, ResourceType, Snapshot};
pub use source::{Configured, Source, SourceError, View};
pub use status::{NodeStatus, StatusBoard};
