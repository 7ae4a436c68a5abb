#![doc = include_str!("../README.md")]
//!
//! Reading order:
//! - [`Identity`]: the node id;
//! - [`NodeMetadata`]: the node metadata: listener ports, application ports, traffic mode;
//! - [`Bootstrap`]: the bootstrap file;
//! - `call_statistics`: its stats sink.

mod api_type;
mod bootstrap;
mod call_statistics;
mod identity;
mod metadata;

pub use api_type::ApiType;
pub use bootstrap::{Admin, Bootstrap, COLLECTOR_CLUSTER, SDS_CLUSTER, Upstream};
pub use identity::{Identity, NodeError, ServiceIdentity};
pub use metadata::{
    EGRESS_PORT, INGRESS_PORT, LISTENER_PORTS_KEY, MESHWRIGHT_KEY, MeshwrightMetadata, NodeMetadata,
    TRANSPARENT_INGRESS, egress_listener, ingress_listener, task_name, tcp_egress_listener,
};
