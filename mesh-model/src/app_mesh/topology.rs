//! The resources of one mesh together, with every reference resolved.

mod references;

use std::collections::BTreeMap;

use super::{
    GatewayRouteSpec, MeshSpec, RouteSpec, VirtualGatewaySpec, VirtualNodeSpec, VirtualRouterSpec, VirtualServiceSpec,
};
use crate::problem::Problems;

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

impl Topology {
    /// Checks that what resources refer to is there, and that ports and protocols agree along the way.
    ///
    /// # Errors
    ///
    /// Every reference to something that does not exist, by the resource that holds it; every port that must be
    /// given because there are several, or that does not exist; every route of a kind that its router or its
    /// targets do not speak; backends over TCP that share a port, which Envoy cannot tell apart.
    pub fn check(&self) -> Result<(), Problems> {
        let mut problems = Problems::none();
        references::check(self, &mut problems);
        problems.or(())
    }
}
