//! Which virtual service a gateway route chose, as the ingress says it to the egress.

use std::collections::BTreeSet;

use mesh_model::app_mesh::Topology;

use super::super::service::{self, ServicePort, is_http_family};

/// Says which virtual service a gateway route chose, and which port of it. App Mesh's header, which it used for requests
/// whose host stays as it is; here all carry it on their way from the ingress to the egress, and none beyond.
pub(super) const CHOSEN: &str = "x-app-mesh-virtual-service";

/// What gateway routes choose, as the header says it: a virtual service whose only port is meant, or a port of one.
pub(super) type Chosen<'a> = BTreeSet<(&'a str, Option<u16>)>;

/// What the header says of a choice.
pub(super) fn header_of((service, port): (&str, Option<u16>)) -> String {
    match port {
        Some(port) => format!("{service}:{port}"),
        None => service.to_owned(),
    }
}

/// The ports of a virtual service that can be called over HTTP.
pub(super) fn http_ports<'a>(mesh: &'a Topology, service: &str) -> Vec<ServicePort<'a>> {
    let mut ports = service::ports(mesh, service);
    ports.retain(|port| is_http_family(port.protocol));
    ports
}

/// Everything that a gateway route could say of a virtual service.
pub(super) fn choices<'a>(mesh: &'a Topology, service: &'a str) -> impl Iterator<Item = (&'a str, Option<u16>)> {
    let ports = http_ports(mesh, service).into_iter().map(|port| Some(port.port));
    std::iter::once(None).chain(ports).map(move |port| (service, port))
}

/// The port that is meant: this one, or the only one.
pub(super) fn port_of_choice<'a>(mesh: &'a Topology, service: &str, wanted: Option<u16>) -> Option<ServicePort<'a>> {
    let ports = http_ports(mesh, service);
    match (wanted, ports.as_slice()) {
        (Some(wanted), ports) => ports.iter().find(|port| port.port == wanted).copied(),
        (None, [only]) => Some(*only),
        (None, _) => None,
    }
}
