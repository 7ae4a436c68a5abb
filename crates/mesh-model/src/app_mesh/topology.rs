//! The resources of one mesh together, with every reference resolved.

mod references;
mod service_port;

use std::collections::BTreeMap;
use std::fmt;

use super::{
    GatewayRouteSpec, MeshSpec, ResourcePath, RouteSpec, VirtualGatewaySpec, VirtualNodeSpec, VirtualRouterSpec,
    VirtualServiceSpec,
};

pub use service_port::{PortProvider, ServicePort};

/// One mesh and everything in it, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Topology {
    /// The mesh's name.
    pub name: String,
    /// The mesh itself.
    pub mesh: MeshSpec,
    /// Groups of equal tasks.
    pub virtual_nodes: BTreeMap<String, VirtualNodeSpec>,
    /// Places where routes divide traffic.
    pub virtual_routers: BTreeMap<String, VirtualRouter>,
    /// Names that applications call.
    pub virtual_services: BTreeMap<String, VirtualServiceSpec>,
    /// Doors into the mesh.
    pub virtual_gateways: BTreeMap<String, VirtualGateway>,
}

/// A virtual router with its routes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VirtualRouter {
    /// The router itself.
    pub spec: VirtualRouterSpec,
    /// Its routes.
    pub routes: BTreeMap<String, RouteSpec>,
}

/// A virtual gateway with its routes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VirtualGateway {
    /// The gateway itself.
    pub spec: VirtualGatewaySpec,
    /// Its routes.
    pub gateway_routes: BTreeMap<String, GatewayRouteSpec>,
}

/// Something about a resource that does not fit the others of its mesh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopologyError {
    /// Which resource.
    pub resource: ResourcePath,
    /// What does not fit: the end of a sentence that begins with the resource.
    pub message: String,
}

impl fmt::Display for TopologyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.resource.description(), self.message)
    }
}

impl Topology {
    /// Whether what resources refer to is there, and ports and protocols agree along the way. What does not is
    /// returned; nothing, if all is well:
    ///
    /// every reference to something that does not exist, by the resource that holds it; every port that must be
    /// given because there are several, or that does not exist; every route of a kind that its router or its
    /// targets do not speak; backends over TCP that share a port, which Envoy cannot tell apart.
    #[must_use]
    pub fn validate(&self) -> Vec<TopologyError> {
        references::check(self)
    }
}
