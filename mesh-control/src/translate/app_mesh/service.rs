//! A virtual service: the ports at which applications call it, and what stands behind each.

use mesh_model::app_mesh::listener::Listener;
use mesh_model::app_mesh::topology::VirtualRouter;
use mesh_model::app_mesh::virtual_service::VirtualServiceProvider;
use mesh_model::app_mesh::{Protocol, RouteSpec, Topology};

/// A port of a virtual service.
#[derive(Clone, Copy)]
pub(super) struct ServicePort<'a> {
    /// The port that applications dial: the virtual router's, or the virtual node's if there is no router.
    pub(super) port: u16,
    pub(super) protocol: Protocol,
    pub(super) behind: Behind<'a>,
}

/// What stands behind a port.
#[derive(Clone, Copy)]
pub(super) enum Behind<'a> {
    /// A listener of a virtual node.
    Node(&'a str, &'a Listener),
    /// The routes of a virtual router, by the router's name.
    Router(&'a str, &'a VirtualRouter),
}

/// The ports of a virtual service. None if it has no provider, or one that does not exist.
pub(super) fn ports<'a>(mesh: &'a Topology, service: &str) -> Vec<ServicePort<'a>> {
    let spec = mesh.virtual_services.get(service);
    match spec.and_then(|spec| spec.provider.as_ref()) {
        Some(VirtualServiceProvider::VirtualNode(provider)) => {
            let Some((name, node)) = mesh.virtual_nodes.get_key_value(&provider.virtual_node_name) else {
                return Vec::new();
            };
            let port = |listener: &'a Listener| ServicePort {
                port: listener.port_mapping.port,
                protocol: listener.port_mapping.protocol,
                behind: Behind::Node(name, listener),
            };
            node.listeners.iter().map(port).collect()
        }
        Some(VirtualServiceProvider::VirtualRouter(provider)) => {
            let Some((name, router)) = mesh.virtual_routers.get_key_value(&provider.virtual_router_name) else {
                return Vec::new();
            };
            let listeners = router.spec.listeners.iter();
            let port = listeners.map(|listener| ServicePort {
                port: listener.port_mapping.port,
                protocol: listener.port_mapping.protocol,
                behind: Behind::Router(name, router),
            });
            port.collect()
        }
        None => Vec::new(),
    }
}

impl<'a> ServicePort<'a> {
    /// The routes of its router that hold for this port, with their names, unordered.
    pub(super) fn routes(&self) -> impl Iterator<Item = (&'a str, &'a RouteSpec)> + use<'a> {
        let (port, router) = match self.behind {
            Behind::Router(_, router) => (self.port, Some(router)),
            Behind::Node(..) => (self.port, None),
        };
        router
            .into_iter()
            .flat_map(|router| &router.routes)
            .map(|(name, route)| (name.as_str(), route))
            .filter(move |(_, route)| matched_port(route).is_none_or(|matched| matched == port))
    }
}

fn matched_port(route: &RouteSpec) -> Option<u16> {
    let http = route.http_route.as_ref().or(route.http2_route.as_ref());
    http.and_then(|route| route.matching.port)
        .or_else(|| route.grpc_route.as_ref()?.matching.port)
        .or_else(|| route.tcp_route.as_ref()?.matching?.port)
}

/// True for everything but TCP.
pub(super) fn is_http_family(protocol: Protocol) -> bool {
    protocol != Protocol::Tcp
}
