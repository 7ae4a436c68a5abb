//! The header with the target of a gateway route, from the ingress to the egress of a virtual gateway.

use std::collections::BTreeSet;

use mesh_model::app_mesh::Topology;

use super::super::virtual_service::{self, ServicePort, is_http_family};

/// The header with the target virtual service and its port. App Mesh used it for requests that keep their host; here
/// all requests carry it from the ingress to the egress, and none beyond.
pub(super) const TARGET_HEADER: &str = "x-app-mesh-virtual-service";

/// Targets of gateway routes: a virtual service with its port; `None` for its only port.
pub(super) type Targets<'a> = BTreeSet<(&'a str, Option<u16>)>;

/// The value of the header.
pub(super) fn header_value((service, port): (&str, Option<u16>)) -> String {
    match port {
        Some(port) => format!("{service}:{port}"),
        None => service.to_owned(),
    }
}

/// The HTTP ports of a virtual service.
pub(super) fn http_ports<'a>(mesh: &'a Topology, service: &str) -> Vec<ServicePort<'a>> {
    let mut ports = virtual_service::ports(mesh, service);
    ports.retain(|port| is_http_family(port.protocol));
    ports
}

/// All possible targets at a virtual service.
pub(super) fn possible_targets<'a>(
    mesh: &'a Topology,
    service: &'a str,
) -> impl Iterator<Item = (&'a str, Option<u16>)> {
    let ports = http_ports(mesh, service).into_iter().map(|port| Some(port.port));
    std::iter::once(None).chain(ports).map(move |port| (service, port))
}

/// The named port, or the only one.
pub(super) fn target_port<'a>(mesh: &'a Topology, service: &str, wanted: Option<u16>) -> Option<ServicePort<'a>> {
    let ports = http_ports(mesh, service);
    match (wanted, ports.as_slice()) {
        (Some(wanted), ports) => ports.iter().find(|port| port.port == wanted).copied(),
        (None, [only]) => Some(*only),
        (None, _) => None,
    }
}
