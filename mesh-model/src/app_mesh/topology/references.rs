//! What refers to what, and whether it fits.

use std::collections::BTreeMap;

use super::super::virtual_node::Backend;
use super::super::virtual_service::VirtualServiceProvider;
use super::super::{Protocol, RouteSpec, VirtualNodeSpec};
use super::{Topology, VirtualGateway, VirtualRouter};
use crate::problem::Problems;

/// Ports with what they speak.
type Ports = Vec<(u16, Protocol)>;

pub(super) fn check(topology: &Topology, problems: &mut Problems) {
    for (name, spec) in &topology.virtual_services {
        if let Some(provider) = &spec.provider {
            check_provider(topology, name, provider, problems);
        }
    }
    for (name, node) in &topology.virtual_nodes {
        check_backends(topology, name, node, problems);
    }
    for (name, router) in &topology.virtual_routers {
        for (route_name, route) in &router.routes {
            let path = format!("virtual router `{name}`, route `{route_name}`");
            check_route(topology, router, route, &path, problems);
        }
    }
    for (name, gateway) in &topology.virtual_gateways {
        check_gateway(topology, name, gateway, problems);
    }
}

fn check_provider(topology: &Topology, name: &str, provider: &VirtualServiceProvider, problems: &mut Problems) {
    let path = format!("virtual service `{name}`");
    match provider {
        VirtualServiceProvider::VirtualNode(provider) => {
            if !topology.virtual_nodes.contains_key(&provider.virtual_node_name) {
                problems.add(path, missing("virtual node", &provider.virtual_node_name));
            }
        }
        VirtualServiceProvider::VirtualRouter(provider) => {
            if !topology.virtual_routers.contains_key(&provider.virtual_router_name) {
                problems.add(path, missing("virtual router", &provider.virtual_router_name));
            }
        }
    }
}

fn check_backends(topology: &Topology, name: &str, node: &VirtualNodeSpec, problems: &mut Problems) {
    let path = format!("virtual node `{name}`");
    let mut tcp_ports: BTreeMap<u16, &str> = BTreeMap::new();
    for Backend::VirtualService(backend) in &node.backends {
        let service = backend.virtual_service_name.as_str();
        if !topology.virtual_services.contains_key(service) {
            problems.add(
                &path,
                format!("has a backend that does not exist: virtual service `{service}`"),
            );
        }
        let ports = ports_of_service(topology, service);
        for (port, _) in ports.iter().filter(|(_, protocol)| *protocol == Protocol::Tcp) {
            if let Some(other) = tcp_ports.insert(*port, service) {
                problems.add(
                    &path,
                    format!("has two backends on TCP port {port}, `{other}` and `{service}`; TCP is told apart by port alone"),
                );
            }
        }
    }
}

fn check_route(topology: &Topology, router: &VirtualRouter, route: &RouteSpec, path: &str, problems: &mut Problems) {
    let Some((kind, port)) = kind_and_port(route) else {
        return;
    };
    let ports: Ports = router
        .spec
        .listeners
        .iter()
        .map(|listener| (listener.port_mapping.port, listener.port_mapping.protocol))
        .collect();
    if let Some(spoken) = chosen(&ports, port, &format!("{path}, match"), "the router", problems)
        && !fits(kind, spoken)
    {
        problems.add(
            path,
            format!("is a route for {kind}, and the router's listener speaks {spoken}"),
        );
    }
    for target in route.targets() {
        let Some(node) = topology.virtual_nodes.get(&target.virtual_node) else {
            problems.add(path, missing("virtual node", &target.virtual_node));
            continue;
        };
        let whose = format!("virtual node `{}`", target.virtual_node);
        if let Some(spoken) = chosen(&ports_of_node(node), target.port, path, &whose, problems)
            && !fits(kind, spoken)
        {
            problems.add(path, format!("is a route for {kind}, and {whose} speaks {spoken}"));
        }
    }
}

fn check_gateway(topology: &Topology, name: &str, gateway: &VirtualGateway, problems: &mut Problems) {
    let ports: Ports = gateway
        .spec
        .listeners
        .iter()
        .map(|listener| (listener.port_mapping.port, listener.port_mapping.protocol))
        .collect();
    for (route_name, route) in &gateway.gateway_routes {
        let path = format!("virtual gateway `{name}`, gateway route `{route_name}`");
        let http = route.http_route.as_ref().or(route.http2_route.as_ref());
        let port = http
            .and_then(|route| route.matching.port)
            .or_else(|| route.grpc_route.as_ref().and_then(|route| route.matching.port));
        chosen(&ports, port, &format!("{path}, match"), "the gateway", problems);
        let Some(target) = route.target() else { continue };
        let service = &target.virtual_service.virtual_service_name;
        if !topology.virtual_services.contains_key(service) {
            problems.add(path, missing("virtual service", service));
            continue;
        }
        let whose = format!("virtual service `{service}`");
        chosen(
            &ports_of_service(topology, service),
            target.port,
            &path,
            &whose,
            problems,
        );
    }
}

/// What the port speaks that was chosen among `ports`: the given one, or the only one. Without ports there is
/// nothing to choose.
fn chosen(ports: &Ports, given: Option<u16>, path: &str, whose: &str, problems: &mut Problems) -> Option<Protocol> {
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
            problems.add(path, format!("needs a port, since {whose} has several: {}", list()));
            None
        }
        (Some(given), _) => {
            let found = ports.iter().find(|(port, _)| *port == given);
            if found.is_none() {
                problems.add(
                    path,
                    format!("names port {given}, which {whose} does not have; it has {}", list()),
                );
            }
            found.map(|(_, protocol)| *protocol)
        }
    }
}

/// What a route speaks, and the port of the router that it matches.
fn kind_and_port(route: &RouteSpec) -> Option<(Protocol, Option<u16>)> {
    if let Some(route) = &route.http_route {
        return Some((Protocol::Http, route.matching.port));
    }
    if let Some(route) = &route.http2_route {
        return Some((Protocol::Http2, route.matching.port));
    }
    if let Some(route) = &route.grpc_route {
        return Some((Protocol::Grpc, route.matching.port));
    }
    let route = route.tcp_route.as_ref()?;
    Some((Protocol::Tcp, route.matching.and_then(|matching| matching.port)))
}

/// Kinds must agree. App Mesh let them differ, with undefined results (its public roadmap, item 82).
fn fits(route: Protocol, spoken: Protocol) -> bool {
    route == spoken
}

fn ports_of_node(node: &VirtualNodeSpec) -> Ports {
    node.listeners
        .iter()
        .map(|listener| (listener.port_mapping.port, listener.port_mapping.protocol))
        .collect()
}

/// The ports at which applications call a virtual service: those of its router, or of its virtual node.
fn ports_of_service(topology: &Topology, service: &str) -> Ports {
    let provider = topology
        .virtual_services
        .get(service)
        .and_then(|spec| spec.provider.as_ref());
    match provider {
        Some(VirtualServiceProvider::VirtualNode(provider)) => topology
            .virtual_nodes
            .get(&provider.virtual_node_name)
            .map(ports_of_node)
            .unwrap_or_default(),
        Some(VirtualServiceProvider::VirtualRouter(provider)) => topology
            .virtual_routers
            .get(&provider.virtual_router_name)
            .map(|router| {
                let listeners = router.spec.listeners.iter();
                listeners
                    .map(|listener| (listener.port_mapping.port, listener.port_mapping.protocol))
                    .collect()
            })
            .unwrap_or_default(),
        None => Vec::new(),
    }
}

fn missing(kind: &str, name: &str) -> String {
    format!("refers to the {kind} `{name}`, which does not exist")
}
