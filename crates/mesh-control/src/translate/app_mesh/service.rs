//! A virtual service: the ports at which applications call it, and what stands behind each, as the model tells them.

use mesh_model::app_mesh::{Protocol, Topology};

pub(super) use mesh_model::app_mesh::topology::{PortProvider, ServicePort};

/// The ports of a virtual service. None if it has no provider, or one that does not exist.
pub(super) fn ports<'a>(mesh: &'a Topology, service: &str) -> Vec<ServicePort<'a>> {
    mesh.ports_of_service(service)
}

/// True for everything but TCP.
pub(super) fn is_http_family(protocol: Protocol) -> bool {
    protocol != Protocol::Tcp
}
