//! Who an Envoy says it is: node id and metadata, as the App Mesh and Service Connect agents send them.

mod metadata;

use envoy_types::pb::envoy::config::core::v3 as core;

pub use envoy_bootstrap::{
    EGRESS_PORT, INGRESS_PORT, Identity, LISTENER_PORTS_KEY, MESHWRIGHT_KEY, MeshwrightMetadata, Node, NodeError,
    NodeMetadata, ServiceIdentity, TRANSPARENT_INGRESS, egress_listener, ingress_listener, tcp_egress_listener,
};

/// Reads Envoy's message.
///
/// # Errors
///
/// If the node id is empty.
pub fn from_envoy(node: &core::Node) -> Result<Node, NodeError> {
    let metadata = node.metadata.as_ref().map(metadata::to_json).unwrap_or_default();
    Node::new(&node.id, metadata)
}
