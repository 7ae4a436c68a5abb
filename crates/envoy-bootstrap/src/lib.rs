#![doc = include_str!("../README.md")]
//!
//! Reading order:
//! - [`Identity`]: the node id;
//! - [`NodeMetadata`]: the node metadata: listener ports, application ports, traffic mode;
//! - `platform`: its task and availability zone, also from AWS's Envoy image;
//! - [`Bootstrap`]: the bootstrap file;
//! - [`XdsSecurity`]: its TLS and token for the control plane;
//! - `call_statistics`: its stats sink.

mod api_type;
mod bootstrap;
mod call_statistics;
mod entrance;
mod identity;
mod metadata;
mod platform;
mod xds_security;

pub use api_type::ApiType;
pub use bootstrap::{Admin, Bootstrap, COLLECTOR_CLUSTER, SDS_CLUSTER, Upstream};
pub use call_statistics::NODE_HEADER;
pub use entrance::EntranceBootstrap;
pub use identity::{Identity, NodeError, ServiceIdentity, load_balancer_node_id};
pub use metadata::{
    EGRESS_PORT, Entrance, INGRESS_PORT, LISTENER_PORTS_KEY, MESHWRIGHT_KEY, MeshwrightMetadata, NodeMetadata,
    TRANSPARENT_INGRESS, egress_listener, ingress_listener, tcp_egress_listener,
};
pub use platform::{PLATFORM_INFO_KEY, availability_zone, task_name};
pub use xds_security::{ClientCertificate, TrustedCa, XdsSecurity, XdsTls, token_secret};
