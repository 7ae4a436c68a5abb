//! How Envoy's resources are called: as App Mesh called them, so that dashboards and alarms made for them go on
//! working. Sources are in the crate's documentation.
//!
//! The ports in names are App Mesh's, also where a task's wiring has its listeners elsewhere.

use mesh_model::app_mesh::{Protocol, Topology};

use crate::node::{EGRESS_PORT, INGRESS_PORT};

/// The listener for calls that go out.
pub(super) fn egress_listener(bind: &str) -> String {
    format!("lds_egress_{bind}_{EGRESS_PORT}")
}

/// The listener for calls to a TCP port of a virtual service. App Mesh had none: it told them apart by the port that
/// was called.
pub(super) fn tcp_egress_listener(service: &str, port: u16) -> String {
    format!("lds_egress_{service}_{port}")
}

/// The listener to which everything is redirected that comes in.
pub(super) fn intercepted_ingress_listener(bind: &str) -> String {
    format!("lds_ingress_{bind}_{INGRESS_PORT}")
}

/// The listener for calls that come in to one port.
pub(super) fn ingress_listener(bind: &str, port: u16) -> String {
    format!("lds_ingress_{bind}_{port}")
}

/// The routes of calls that go out, in intercepted wiring those to one port.
pub(super) fn egress_routes(port: u16) -> String {
    format!("rds_egress_http_{port}")
}

/// The routes of calls that come in to one port.
pub(super) fn ingress_routes(protocol: Protocol, port: u16) -> String {
    format!("{}{protocol}_{port}", crate::access_log::INBOUND_ROUTES)
}

/// The tasks of a virtual node, as those who call them see them.
pub(super) fn egress_cluster(mesh: &str, node: &str, protocol: Protocol, port: u16) -> String {
    format!("cds_egress_{mesh}_{node}_{protocol}_{port}")
}

/// The clusters by which others see the tasks of a virtual node, one for each of its listeners.
pub(super) fn egress_clusters(mesh: &Topology, node: &str) -> Vec<String> {
    let spec = mesh.virtual_nodes.get(node);
    let listeners = spec.into_iter().flat_map(|spec| &spec.listeners);
    let mappings = listeners.map(|listener| listener.port_mapping);
    mappings
        .map(|mapping| egress_cluster(&mesh.name, node, mapping.protocol, mapping.port))
        .collect()
}

/// The application beside an Envoy.
pub(super) fn ingress_cluster(mesh: &str, node: &str, protocol: Protocol, port: u16) -> String {
    format!("cds_ingress_{mesh}_{node}_{protocol}_{port}")
}

/// A virtual gateway's own egress listener, to which its ingress passes everything on. `ingress_port` tells several
/// listeners apart.
pub(super) fn self_redirect(mesh: &str, gateway: &str, protocol: Protocol, ingress_port: Option<u16>) -> String {
    let listener = ingress_port.map(|port| format!("{port}_")).unwrap_or_default();
    format!("cds_ingress_{mesh}_{gateway}_self_redirect_{listener}{protocol}_{EGRESS_PORT}")
}

/// Wherever the application wanted to go.
pub(super) fn allow_all(mesh: &str) -> String {
    format!("cds_egress_{mesh}_mesh-allow-all")
}

/// AWS's own endpoints.
pub(super) fn amazonaws(mesh: &str) -> String {
    format!("cds_egress_{mesh}_amazonaws")
}

/// Where what cannot be reached goes: a cluster without tasks.
pub(super) fn nowhere(mesh: &str) -> String {
    format!("cds_egress_{mesh}_nowhere")
}
