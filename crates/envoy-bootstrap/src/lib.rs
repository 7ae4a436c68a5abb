//! What an Envoy of a mesh starts from: who it is, how its task is wired, and where its control plane is.
//!
//! Three need to agree on it: whoever writes the file that an Envoy starts from (the local runner), whoever writes it
//! into a template (the constructs), and the control plane, which reads from what the Envoy then says of itself all that
//! is particular to its task. Pure: JSON in, JSON out.
//!
//! Reading order:
//! - [`Identity`] and [`Node`]: who an Envoy says it is;
//! - [`NodeMetadata`]: where its listeners are and where its application listens;
//! - [`Bootstrap`]: the file.

mod bootstrap;
mod identity;
mod metadata;
mod xds_protocol;

pub use bootstrap::{Admin, Bootstrap, COLLECTOR_CLUSTER, SDS_CLUSTER, Upstream};
pub use identity::{Identity, Node, NodeError, ServiceIdentity};
pub use metadata::{
    EGRESS_PORT, INGRESS_PORT, LISTENER_PORTS_KEY, MESHWRIGHT_KEY, MeshwrightMetadata, NodeMetadata,
    TRANSPARENT_INGRESS, egress_listener, ingress_listener, tcp_egress_listener,
};
pub use xds_protocol::XdsProtocol;
