//! The ports of a virtual service and their providers, from the model.

use mesh_model::app_mesh::{Protocol, Topology};

pub(super) use mesh_model::app_mesh::topology::{PortProvider, ServicePort};

/// The ports of a virtual service. Empty without a provider.
pub(super) fn ports<'a>(mesh: &'a Topology, service: &str) -> Vec<ServicePort<'a>> {
    mesh.ports_of_service(service)
}

/// True for all protocols but TCP.
pub(super) fn is_http_family(protocol: Protocol) -> bool {
    protocol != Protocol::Tcp
}
