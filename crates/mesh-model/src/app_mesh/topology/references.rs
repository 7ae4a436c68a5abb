//! Validates references between resources.

use std::collections::BTreeMap;

use super::super::virtual_node::Backend;
use super::super::virtual_service::VirtualServiceProvider;
use super::super::{GatewayRouteSpec, Kind, PortMapping, Protocol, ResourcePath, RouteSpec, VirtualNodeSpec};
use super::{Topology, TopologyError, VirtualGateway, VirtualRouter};

/// Ports with their protocols.
type Ports = Vec<(u16, Protocol)>;

/// The backends that no virtual service of the mesh has, as errors of their virtual nodes.
pub(super) fn missing_backends(topology: &Topology) -> Vec<TopologyError> {
    let nodes = topology.virtual_nodes.iter();
    nodes
        .flat_map(|(name, node)| missing_backends_of(topology, name, node))
        .collect()
}

fn missing_backends_of(topology: &Topology, name: &str, node: &VirtualNodeSpec) -> Vec<TopologyError> {
    let backends = node.backends.iter();
    let services = backends.map(|Backend::VirtualService(backend)| &backend.virtual_service_name);
    let missing = services.filter(|service| !topology.virtual_services.contains_key(*service));
    let errors = missing.map(|service| TopologyError {
        resource: ResourcePath::new(&topology.name, Kind::VirtualNode, name),
        message: format!("has a backend that does not exist: virtual service `{service}`"),
    });
    errors.collect()
}

pub(super) fn check(topology: &Topology, accepts_missing_backends: bool) -> Vec<TopologyError> {
    let mut errors = Vec::new();
    let mesh = &topology.name;
    for (name, spec) in &topology.virtual_services {
        if let Some(provider) = &spec.provider {
            let service = ResourcePath::new(mesh, Kind::VirtualService, name);
            check_provider(topology, provider, &mut ResourceErrors::new(service, &mut errors));
        }
    }
    for (name, node) in &topology.virtual_nodes {
        let path = ResourcePath::new(mesh, Kind::VirtualNode, name);
        if !accepts_missing_backends {
            errors.extend(missing_backends_of(topology, name, node));
        }
        check_backends(topology, node, &mut ResourceErrors::new(path, &mut errors));
    }
    for (name, router) in &topology.virtual_routers {
        for (route_name, route) in &router.routes {
            let path = ResourcePath::within(mesh, name, Kind::Route, route_name);
            check_route(topology, router, route, &mut ResourceErrors::new(path, &mut errors));
        }
    }
    for (name, gateway) in &topology.virtual_gateways {
        for (route_name, route) in &gateway.gateway_routes {
            let path = ResourcePath::within(mesh, name, Kind::GatewayRoute, route_name);
            check_gateway_route(topology, gateway, route, &mut ResourceErrors::new(path, &mut errors));
        }
    }
    errors
}

/// Collects the errors of one resource.
struct ResourceErrors<'m> {
    resource: ResourcePath,
    errors: &'m mut Vec<TopologyError>,
}

impl<'m> ResourceErrors<'m> {
    fn new(resource: ResourcePath, errors: &'m mut Vec<TopologyError>) -> Self {
        Self { resource, errors }
    }

    fn add(&mut self, message: impl Into<String>) {
        self.errors.push(TopologyError {
            resource: self.resource.clone(),
            message: message.into(),
        });
    }
}

fn check_provider(topology: &Topology, provider: &VirtualServiceProvider, errors: &mut ResourceErrors<'_>) {
    match provider {
        VirtualServiceProvider::VirtualNode(provider) => {
            if !topology.virtual_nodes.contains_key(&provider.virtual_node_name) {
                errors.add(missing(Kind::VirtualNode, &provider.virtual_node_name));
            }
        }
        VirtualServiceProvider::VirtualRouter(provider) => {
            if !topology.virtual_routers.contains_key(&provider.virtual_router_name) {
                errors.add(missing(Kind::VirtualRouter, &provider.virtual_router_name));
            }
        }
    }
}

fn check_backends(topology: &Topology, node: &VirtualNodeSpec, errors: &mut ResourceErrors<'_>) {
    let mut tcp_ports: BTreeMap<u16, &str> = BTreeMap::new();
    for Backend::VirtualService(backend) in &node.backends {
        let service = backend.virtual_service_name.as_str();
        let ports = ports_of_service(topology, service);
        for (port, _) in ports.iter().filter(|(_, protocol)| *protocol == Protocol::Tcp) {
            if let Some(other) = tcp_ports.insert(*port, service) {
                errors.add(format!(
                    "has two backends on TCP port {port}, `{other}` and `{service}`; TCP connections are distinguished by port only"
                ));
            }
        }
    }
}

fn check_route(topology: &Topology, router: &VirtualRouter, route: &RouteSpec, errors: &mut ResourceErrors<'_>) {
    let Some(protocol) = protocol_of(route) else { return };
    let ports = ports(router.spec.listeners.iter().map(|listener| listener.port_mapping));
    if let Some(listener_protocol) = resolve_port(&ports, route.matched_port(), "its match ", "the router", errors)
        && !protocol_matches(protocol, listener_protocol)
    {
        errors.add(format!(
            "is a route for {protocol}, but the router's listener has the protocol {listener_protocol}"
        ));
    }
    let targets = route.targets().map(|target| (&target.virtual_node, target.port));
    let mirrors = route.mirrors().map(|mirror| (&mirror.virtual_node, mirror.port));
    for (name, port) in targets.chain(mirrors) {
        let Some(node) = topology.virtual_nodes.get(name) else {
            errors.add(missing(Kind::VirtualNode, name));
            continue;
        };
        let owner = format!("virtual node `{name}`");
        let ports = self::ports(node.listeners.iter().map(|listener| listener.port_mapping));
        if let Some(listener_protocol) = resolve_port(&ports, port, "", &owner, errors)
            && !protocol_matches(protocol, listener_protocol)
        {
            errors.add(format!(
                "is a route for {protocol}, but {owner} has the protocol {listener_protocol}"
            ));
        }
    }
}

fn check_gateway_route(
    topology: &Topology,
    gateway: &VirtualGateway,
    route: &GatewayRouteSpec,
    errors: &mut ResourceErrors<'_>,
) {
    let ports = ports(gateway.spec.listeners.iter().map(|listener| listener.port_mapping));
    let http = route.http_route.as_ref().or(route.http2_route.as_ref());
    let port = http
        .and_then(|route| route.matching.port)
        .or_else(|| route.grpc_route.as_ref().and_then(|route| route.matching.port));
    resolve_port(&ports, port, "its match ", "the gateway", errors);
    let Some(target) = route.target() else { return };
    let service = &target.virtual_service.virtual_service_name;
    if !topology.virtual_services.contains_key(service) {
        errors.add(missing(Kind::VirtualService, service));
        return;
    }
    let owner = format!("virtual service `{service}`");
    resolve_port(&ports_of_service(topology, service), target.port, "", &owner, errors);
}

/// The protocol of the given port, or of the only port. `None` without ports. `prefix` starts the error message, `owner`
/// has the ports.
fn resolve_port(
    ports: &Ports,
    given: Option<u16>,
    prefix: &str,
    owner: &str,
    errors: &mut ResourceErrors<'_>,
) -> Option<Protocol> {
    let list = || {
        ports
            .iter()
            .map(|(port, _)| port.to_string())
            .collect::<Vec<_>>()
            .join(", ")
    };
    match (given, ports.as_slice()) {
        (_, []) => None,
        (None, [(_, protocol)]) => Some(*protocol),
        (None, _) => {
            errors.add(format!("{prefix}needs a port, since {owner} has several: {}", list()));
            None
        }
        (Some(given), _) => {
            let port = ports.iter().find(|(port, _)| *port == given);
            if port.is_none() {
                errors.add(format!(
                    "{prefix}names port {given}, which {owner} does not have; it has {}",
                    list()
                ));
            }
            port.map(|(_, protocol)| *protocol)
        }
    }
}

/// The protocol of a route.
fn protocol_of(route: &RouteSpec) -> Option<Protocol> {
    let protocols = [
        (Protocol::Http, route.http_route.is_some()),
        (Protocol::Http2, route.http2_route.is_some()),
        (Protocol::Grpc, route.grpc_route.is_some()),
        (Protocol::Tcp, route.tcp_route.is_some()),
    ];
    protocols
        .into_iter()
        .find(|(_, is_set)| *is_set)
        .map(|(protocol, _)| protocol)
}

/// Protocols must be equal. App Mesh accepted different ones, with undefined results (its public roadmap, item 82).
fn protocol_matches(route: Protocol, listener: Protocol) -> bool {
    route == listener
}

fn ports(mappings: impl Iterator<Item = PortMapping>) -> Ports {
    mappings.map(|mapping| (mapping.port, mapping.protocol)).collect()
}

fn ports_of_service(topology: &Topology, service: &str) -> Ports {
    let ports = topology.ports_of_service(service);
    ports.iter().map(|port| (port.port, port.protocol)).collect()
}

fn missing(kind: Kind, name: &str) -> String {
    format!("refers to the {kind} `{name}`, which does not exist")
}
