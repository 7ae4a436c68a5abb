//! One mesh: its resources, and validation of the references between them.

mod references;
mod service_port;

use std::collections::BTreeMap;
use std::fmt;

use super::listener::Listener;
use super::virtual_node::Backend;
use super::{
    GatewayRouteSpec, Kind, MeshSpec, Protocol, ResourcePath, ResourceSpec, RouteSpec, VirtualGatewaySpec,
    VirtualNodeSpec, VirtualRouterSpec, VirtualServiceSpec,
};

pub use service_port::{PortProvider, ServicePort};

/// One mesh with its resources by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Topology {
    /// The mesh's name.
    pub name: String,
    /// The mesh itself.
    pub mesh: MeshSpec,
    /// Virtual nodes.
    pub virtual_nodes: BTreeMap<String, VirtualNodeSpec>,
    /// Virtual routers with their routes.
    pub virtual_routers: BTreeMap<String, VirtualRouter>,
    /// Virtual services.
    pub virtual_services: BTreeMap<String, VirtualServiceSpec>,
    /// Virtual gateways with their gateway routes.
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

/// A resource that is inconsistent with others of its mesh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopologyError {
    /// The resource.
    pub resource: ResourcePath,
    /// The error, as the end of a sentence that starts with the resource.
    pub message: String,
}

impl fmt::Display for TopologyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.resource.description(), self.message)
    }
}

impl Topology {
    /// Validates references, ports and protocols between resources. Returns all errors:
    ///
    /// references to resources that do not exist; missing ports where there are several, and ports that do not exist;
    /// routes for another protocol than that of their router or targets; TCP backends on the same port, which Envoy
    /// cannot distinguish.
    #[must_use]
    pub fn validate(&self) -> Vec<TopologyError> {
        references::check(self, false)
    }

    /// Validates as [`Topology::validate`], without [missing backends](Topology::missing_backends).
    #[must_use]
    pub fn validate_accepting_missing_backends(&self) -> Vec<TopologyError> {
        references::check(self, true)
    }

    /// The backends of virtual nodes that are not virtual services of the mesh, each as an error of its virtual node. App
    /// Mesh accepts them: calls to them fail as long as the virtual service does not exist.
    #[must_use]
    pub fn missing_backends(&self) -> Vec<TopologyError> {
        references::missing_backends(self)
    }

    /// The specs of all resources, each after the resource that contains it: [`Assembly`](super::Assembly) builds the same
    /// mesh from them.
    #[must_use]
    pub fn specs(&self) -> Vec<(ResourcePath, ResourceSpec)> {
        let mesh = self.name.as_str();
        let of = |kind, name: &str| ResourcePath::new(mesh, kind, name);
        let within = |parent: &str, kind, name: &str| ResourcePath::within(mesh, parent, kind, name);
        let mut specs = vec![(ResourcePath::of_mesh(mesh), ResourceSpec::Mesh(self.mesh.clone()))];
        for (name, spec) in &self.virtual_nodes {
            specs.push((of(Kind::VirtualNode, name), ResourceSpec::VirtualNode(spec.clone())));
        }
        for (name, router) in &self.virtual_routers {
            let spec = ResourceSpec::VirtualRouter(router.spec.clone());
            specs.push((of(Kind::VirtualRouter, name), spec));
            for (route, spec) in &router.routes {
                specs.push((within(name, Kind::Route, route), ResourceSpec::Route(spec.clone())));
            }
        }
        for (name, spec) in &self.virtual_services {
            let spec = ResourceSpec::VirtualService(spec.clone());
            specs.push((of(Kind::VirtualService, name), spec));
        }
        for (name, gateway) in &self.virtual_gateways {
            let spec = ResourceSpec::VirtualGateway(gateway.spec.clone());
            specs.push((of(Kind::VirtualGateway, name), spec));
            for (route, spec) in &gateway.gateway_routes {
                let spec = ResourceSpec::GatewayRoute(spec.clone());
                specs.push((within(name, Kind::GatewayRoute, route), spec));
            }
        }
        specs
    }

    /// The listeners of a virtual node or virtual gateway; none if it does not exist.
    #[must_use]
    pub fn listeners(&self, path: &ResourcePath) -> &[Listener] {
        let gateway = || Some(&self.virtual_gateways.get(&path.name)?.spec.listeners);
        let node = || Some(&self.virtual_nodes.get(&path.name)?.listeners);
        let listeners = match path.kind {
            Kind::VirtualGateway => gateway(),
            Kind::VirtualNode => node(),
            _ => None,
        };
        listeners.map_or(&[], Vec::as_slice)
    }

    /// The TCP backends of a virtual node, as (virtual service, port), in the order of its spec.
    #[must_use]
    pub fn tcp_backends(&self, path: &ResourcePath) -> Vec<(&str, u16)> {
        let node = self.virtual_nodes.get(&path.name);
        let node = node.filter(|_| path.kind == Kind::VirtualNode);
        let backends = node.into_iter().flat_map(|node| &node.backends);
        let ports = backends.flat_map(|Backend::VirtualService(backend)| {
            let name = backend.virtual_service_name.as_str();
            let ports = self.ports_of_service(name).into_iter();
            let tcp = ports.filter(|port| port.protocol == Protocol::Tcp);
            tcp.map(move |port| (name, port.port))
        });
        ports.collect()
    }
}
