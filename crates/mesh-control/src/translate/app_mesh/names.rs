//! Names of Envoy's resources: those of App Mesh, for existing dashboards and alarms. Sources are in the crate's
//! documentation.
//!
//! The ports in names are App Mesh's, whatever the listener ports in the node metadata.

use mesh_model::app_mesh::{Protocol, Topology};

use crate::node::{EGRESS_PORT, INGRESS_PORT};

/// The outbound listener.
pub(super) fn egress_listener(bind: &str) -> String {
    format!("lds_egress_{bind}_{EGRESS_PORT}")
}

/// The listener for calls to a TCP port of a virtual service. App Mesh had none: it matched the port of the original
/// destination.
pub(super) fn tcp_egress_listener(service: &str, port: u16) -> String {
    format!("lds_egress_{service}_{port}")
}

/// The inbound listener of a transparent proxy.
pub(super) fn transparent_ingress_listener(bind: &str) -> String {
    format!("lds_ingress_{bind}_{INGRESS_PORT}")
}

/// The inbound listener of one port.
pub(super) fn ingress_listener(bind: &str, port: u16) -> String {
    format!("lds_ingress_{bind}_{port}")
}

/// The outbound routes; with a transparent proxy, those of one port.
pub(super) fn egress_routes(port: u16) -> String {
    format!("rds_egress_http_{port}")
}

/// The inbound routes of one port.
pub(super) fn ingress_routes(protocol: Protocol, port: u16) -> String {
    format!("{}{protocol}_{port}", crate::access_log::INBOUND_ROUTES)
}

/// How the clusters of a mesh's virtual nodes begin at their callers.
pub(crate) fn egress_cluster_prefix(mesh: &str) -> String {
    format!("cds_egress_{mesh}_")
}

/// The cluster of a virtual node at its callers.
pub(super) fn egress_cluster(mesh: &str, node: &str, protocol: Protocol, port: u16) -> String {
    format!("{}{node}_{protocol}_{port}", egress_cluster_prefix(mesh))
}

/// The clusters of a virtual node at its callers, one for each listener.
pub(super) fn egress_clusters(mesh: &Topology, node: &str) -> Vec<String> {
    let spec = mesh.virtual_nodes.get(node);
    let listeners = spec.into_iter().flat_map(|spec| &spec.listeners);
    let mappings = listeners.map(|listener| listener.port_mapping);
    mappings
        .map(|mapping| egress_cluster(&mesh.name, node, mapping.protocol, mapping.port))
        .collect()
}

/// The cluster of the application beside an Envoy.
pub(super) fn ingress_cluster(mesh: &str, node: &str, protocol: Protocol, port: u16) -> String {
    format!("cds_ingress_{mesh}_{node}_{protocol}_{port}")
}

/// The cluster of a virtual gateway's own egress listener. `ingress_port` distinguishes several listeners.
pub(super) fn loopback_egress(mesh: &str, gateway: &str, protocol: Protocol, ingress_port: Option<u16>) -> String {
    let listener = ingress_port.map(|port| format!("{port}_")).unwrap_or_default();
    format!("cds_ingress_{mesh}_{gateway}_self_redirect_{listener}{protocol}_{EGRESS_PORT}")
}

/// The original destination.
pub(super) fn allow_all(mesh: &str) -> String {
    format!("cds_egress_{mesh}_mesh-allow-all")
}

/// AWS's own endpoints.
pub(super) fn amazonaws(mesh: &str) -> String {
    format!("cds_egress_{mesh}_amazonaws")
}

/// The cluster without hosts.
pub(super) fn blackhole_cluster(mesh: &str) -> String {
    format!("cds_egress_{mesh}_nowhere")
}
