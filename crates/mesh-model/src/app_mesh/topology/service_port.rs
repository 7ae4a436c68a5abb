//! The ports of a virtual service, and the provider of each.

use super::super::listener::Listener;
use super::super::virtual_service::VirtualServiceProvider;
use super::super::{PortMapping, Protocol, RouteSpec};
use super::{Topology, VirtualRouter};

/// A port of a virtual service.
#[derive(Debug, Clone, Copy)]
pub struct ServicePort<'a> {
    /// The port that applications call: the virtual router's, or the virtual node's without a router.
    pub port: u16,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its provider.
    pub provider: PortProvider<'a>,
}

/// The provider of a port of a virtual service.
#[derive(Debug, Clone, Copy)]
pub enum PortProvider<'a> {
    /// A virtual node's name and listener.
    VirtualNode(&'a str, &'a Listener),
    /// A virtual router's name and routes.
    VirtualRouter(&'a str, &'a VirtualRouter),
}

impl Topology {
    /// The ports of a virtual service, in its provider's order. Empty without such a virtual service or without an
    /// existing provider.
    #[must_use]
    pub fn ports_of_service(&self, service: &str) -> Vec<ServicePort<'_>> {
        let spec = self.virtual_services.get(service);
        match spec.and_then(|spec| spec.provider.as_ref()) {
            Some(VirtualServiceProvider::VirtualNode(provider)) => {
                let node = self.virtual_nodes.get_key_value(&provider.virtual_node_name);
                let listeners = node.into_iter().flat_map(|(name, node)| {
                    let listeners = node.listeners.iter();
                    listeners.map(|listener| (listener.port_mapping, PortProvider::VirtualNode(name, listener)))
                });
                listeners.map(ServicePort::new).collect()
            }
            Some(VirtualServiceProvider::VirtualRouter(provider)) => {
                let router = self.virtual_routers.get_key_value(&provider.virtual_router_name);
                let listeners = router.into_iter().flat_map(|(name, router)| {
                    let listeners = router.spec.listeners.iter();
                    listeners.map(|listener| (listener.port_mapping, PortProvider::VirtualRouter(name, router)))
                });
                listeners.map(ServicePort::new).collect()
            }
            None => Vec::new(),
        }
    }
}

impl<'a> ServicePort<'a> {
    fn new((mapping, provider): (PortMapping, PortProvider<'a>)) -> Self {
        Self {
            port: mapping.port,
            protocol: mapping.protocol,
            provider,
        }
    }

    /// The routes of its router that apply to this port, by name. Empty if the provider is a virtual node.
    pub fn routes(&self) -> impl Iterator<Item = (&'a str, &'a RouteSpec)> + use<'a> {
        let (port, router) = match self.provider {
            PortProvider::VirtualRouter(_, router) => (self.port, Some(router)),
            PortProvider::VirtualNode(..) => (self.port, None),
        };
        router
            .into_iter()
            .flat_map(|router| &router.routes)
            .map(|(name, route)| (name.as_str(), route))
            .filter(move |(_, route)| route.matched_port().is_none_or(|matched| matched == port))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::{Assembly, KeyCasing, ResourcePath};
    use super::*;

    fn mesh() -> Topology {
        let listen = |ports: &[(u16, &str)]| {
            let mapping = |(port, protocol): &(u16, &str)| json!({"portMapping": {"port": port, "protocol": protocol}});
            ports.iter().map(mapping).collect::<Value>()
        };
        let route = |matching: Value| {
            json!({"httpRoute": {"match": matching, "action": {"weightedTargets": [
                {"virtualNode": "blue", "weight": 1, "port": 8080}]}}})
        };
        let mut assembly = Assembly::new();
        for (path, document) in [
            ("mesh/demo", json!({})),
            (
                "mesh/demo/virtualNode/blue",
                json!({"listeners": listen(&[(8080, "http"), (5432, "tcp")]), "serviceDiscovery": {"dns": {"hostname": "b"}}}),
            ),
            (
                "mesh/demo/virtualRouter/split",
                json!({"listeners": listen(&[(80, "http"), (81, "http")])}),
            ),
            (
                "mesh/demo/virtualRouter/split/route/one",
                route(json!({"prefix": "/", "port": 80})),
            ),
            (
                "mesh/demo/virtualRouter/split/route/two",
                route(json!({"prefix": "/x", "port": 81})),
            ),
            (
                "mesh/demo/virtualService/by-node",
                json!({"provider": {"virtualNode": {"virtualNodeName": "blue"}}}),
            ),
            (
                "mesh/demo/virtualService/by-router",
                json!({"provider": {"virtualRouter": {"virtualRouterName": "split"}}}),
            ),
            ("mesh/demo/virtualService/no-provider", json!({})),
        ] {
            let path = ResourcePath::parse(path).expect("a path");
            assembly.add(path.clone(), &document, KeyCasing::Camel, &path.to_string());
        }
        let mut meshes = assembly.finish().unwrap_or_else(|errors| panic!("{errors}"));
        meshes.remove("demo").expect("the mesh")
    }

    fn ports(mesh: &Topology, service: &str) -> Vec<(u16, Protocol)> {
        let ports = mesh.ports_of_service(service);
        ports.iter().map(|port| (port.port, port.protocol)).collect()
    }

    #[test]
    fn a_service_has_the_ports_of_its_provider() {
        let mut mesh = mesh();
        assert_eq!(ports(&mesh, "by-node"), [(8080, Protocol::Http), (5432, Protocol::Tcp)]);
        assert_eq!(ports(&mesh, "by-router"), [(80, Protocol::Http), (81, Protocol::Http)]);
        assert_eq!(ports(&mesh, "no-provider"), []);
        assert_eq!(ports(&mesh, "unknown"), []);
        mesh.virtual_nodes.clear();
        assert_eq!(ports(&mesh, "by-node"), [], "its node does not exist");
    }

    #[test]
    fn a_port_has_the_routes_that_apply_to_it() {
        let mut mesh = mesh();
        let routes = |mesh: &Topology, service: &str, index: usize| -> Vec<String> {
            let ports = mesh.ports_of_service(service);
            ports[index].routes().map(|(name, _)| name.to_owned()).collect()
        };
        assert_eq!(routes(&mesh, "by-router", 0), ["one"]);
        assert_eq!(routes(&mesh, "by-router", 1), ["two"]);
        assert_eq!(routes(&mesh, "by-node", 0), Vec::<String>::new());
        let router = mesh.virtual_routers.get_mut("split").expect("the router");
        let two = router.routes.get_mut("two").expect("the route");
        two.http_route.as_mut().expect("for HTTP").matching.port = None;
        assert_eq!(
            routes(&mesh, "by-router", 0),
            ["one", "two"],
            "route two applies to all ports"
        );
    }
}
