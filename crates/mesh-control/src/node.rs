//! Node id and node metadata, from `envoy-bootstrap` and `xds-server`.

pub use envoy_bootstrap::{
    ApiType, EGRESS_PORT, Entrance, INGRESS_PORT, Identity, LISTENER_PORTS_KEY, MESHWRIGHT_KEY, MeshwrightMetadata,
    NodeError, NodeMetadata, ServiceIdentity, TRANSPARENT_INGRESS, egress_listener, ingress_listener,
    load_balancer_node_id, tcp_egress_listener,
};
pub use xds_server::Node;
