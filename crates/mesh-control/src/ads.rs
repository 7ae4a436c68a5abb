//! How a snapshot is told: the aggregated discovery service, xDS v3, in both protocols.
//!
//! - `session`, `subscription`, `refusals` and `in_use`: what was told, what was answered, what comes next. Pure.
//! - `wire`: Envoy's messages to and from the session's words.
//! - `stream`: one open stream, between the two.
//! - `service`: the gRPC service.
//! - `status`: what the connected Envoys have and what they refused, for people.

mod in_use;
mod refusals;
pub(crate) mod service;
pub(crate) mod session;
pub(crate) mod status;
mod stream;
mod subscription;
mod wire;

pub use envoy_bootstrap::XdsProtocol;
pub use session::{RejectedResource, TypeReport};
pub use status::{NodeStatus, SourceStatus, Status};
