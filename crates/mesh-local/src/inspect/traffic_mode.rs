//! Deterministic listener ports of a task that is not running.
//!
//! The same input must result in the same configuration, so no ports are picked or bound; and the listeners of a task
//! must not share a port, which Envoy would reject.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use mesh_control::node::{EGRESS_PORT, MeshwrightMetadata, egress_listener, ingress_listener, tcp_egress_listener};
use mesh_control::{Identity, NodeMetadata};
use mesh_model::app_mesh::{Kind, Protocol, ResourcePath, Topology};
use mesh_model::load_balancer::LoadBalancer;
use mesh_model::namespace::Namespace;

/// How a task's connections reach its Envoy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrafficMode {
    /// Applications call listeners on loopback. The ports are placeholders for those assigned at start: a TCP
    /// endpoint's listener has the called port, egress has 15001, and ingress listeners have the ports after it, in the
    /// order of their container ports. Applications have their container ports.
    ExplicitProxy,
    /// Connections are redirected to the listeners: 15000 and 15001 for a virtual node or a virtual gateway. Under
    /// Service Connect, ports are as for an explicit proxy, and endpoints have ECS's addresses, from 127.255.0.1 in the
    /// order of their names.
    TransparentProxy,
}

/// The bootstrap metadata of a load balancer, which listens on the ports of the template.
pub(super) fn of_load_balancer(load_balancer: Option<&LoadBalancer>) -> NodeMetadata {
    let ports = load_balancer.into_iter().flat_map(|known| known.listeners.keys());
    NodeMetadata {
        listener_ports: ports.map(|port| (ingress_listener(&port.to_string()), *port)).collect(),
        extension: MeshwrightMetadata {
            ingress_address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            ..MeshwrightMetadata::default()
        },
    }
}

/// The bootstrap metadata of a task of this node.
pub(super) fn node_metadata(
    node: &Identity,
    kind: TrafficMode,
    mesh: Option<&Topology>,
    namespace: Option<&Namespace>,
) -> NodeMetadata {
    match (node, kind) {
        // It has metadata of its own.
        (Identity::LoadBalancer(_), _) | (Identity::MeshNode(_), TrafficMode::TransparentProxy) => {
            NodeMetadata::transparent_proxy()
        }
        (Identity::MeshNode(path), TrafficMode::ExplicitProxy) => NodeMetadata {
            listener_ports: mesh.map(|mesh| in_mesh(mesh, path)).unwrap_or_default(),
            extension: MeshwrightMetadata {
                // As for running local tasks, whatever IP version the mesh prefers.
                app_address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                ..MeshwrightMetadata::default()
            },
        },
        (Identity::Service(service), kind) => {
            let is_intercepted = kind == TrafficMode::TransparentProxy;
            let addresses = namespace.filter(|_| is_intercepted).map(virtual_addresses);
            NodeMetadata {
                listener_ports: namespace
                    .map(|namespace| in_namespace(namespace, &service.service))
                    .unwrap_or_default(),
                extension: MeshwrightMetadata {
                    is_transparent_proxy: is_intercepted,
                    virtual_addresses: addresses.unwrap_or_default(),
                    ..MeshwrightMetadata::default()
                },
            }
        }
    }
}

/// The listener ports of a virtual node or a virtual gateway. A virtual node's backends never share a TCP port, so each
/// listener has the called port.
fn in_mesh(mesh: &Topology, path: &ResourcePath) -> BTreeMap<String, u16> {
    let own = match path.kind {
        Kind::VirtualGateway => mesh
            .virtual_gateways
            .get(&path.name)
            .map(|gateway| &gateway.spec.listeners),
        _ => mesh.virtual_nodes.get(&path.name).map(|node| &node.listeners),
    };
    let own: BTreeSet<u16> = own
        .into_iter()
        .flatten()
        .map(|listener| listener.port_mapping.port)
        .collect();
    let nodes = mesh
        .virtual_nodes
        .values()
        .flat_map(|node| &node.listeners)
        .map(|listener| listener.port_mapping);
    let routers = mesh.virtual_routers.values().flat_map(|router| &router.spec.listeners);
    let mappings = nodes.chain(routers.map(|listener| listener.port_mapping));
    let tcp: BTreeSet<u16> = mappings
        .filter(|mapping| mapping.protocol == Protocol::Tcp)
        .map(|mapping| mapping.port)
        .collect();
    let of_services = mesh
        .virtual_services
        .keys()
        .flat_map(|service| tcp.iter().map(move |port| (tcp_egress_listener(service, *port), *port)));
    let mut ports = Ports(tcp.clone());
    let others = ports.of_listeners(own.iter().map(ToString::to_string));
    others.into_iter().chain(of_services).collect()
}

/// The listener ports of a task of this service. Endpoints may share a TCP port and differ by address.
fn in_namespace(namespace: &Namespace, service: &str) -> BTreeMap<String, u16> {
    let mut ports = Ports(BTreeSet::new());
    let endpoints = namespace.services.iter();
    let tcp = endpoints.filter(|endpoint| !endpoint.protocol.is_http_family());
    let called: BTreeSet<(u16, &str)> = tcp
        .map(|endpoint| (endpoint.port, endpoint.dns_name.as_str()))
        .collect();
    let called: Vec<(String, u16)> = called
        .into_iter()
        .map(|(port, name)| (tcp_egress_listener(name, port), ports.from(port)))
        .collect();
    let offered: BTreeMap<u16, &str> = namespace
        .services_of(service)
        .map(|endpoint| (endpoint.container_port, endpoint.port_name.as_str()))
        .collect();
    let others = ports.of_listeners(offered.into_values().map(str::to_owned));
    others.into_iter().chain(called).collect()
}

fn virtual_addresses(namespace: &Namespace) -> BTreeMap<String, IpAddr> {
    let names: BTreeSet<&String> = namespace.services.iter().map(|endpoint| &endpoint.dns_name).collect();
    let first = u32::from(Ipv4Addr::new(127, 255, 0, 1));
    names
        .into_iter()
        .cloned()
        .zip((first..).map(|address| Ipv4Addr::from(address).into()))
        .collect()
}

/// The used ports.
struct Ports(BTreeSet<u16>);

impl Ports {
    /// This port, or the next free one.
    fn from(&mut self, port: u16) -> u16 {
        let free = (port..=u16::MAX).find(|port| !self.0.contains(port)).unwrap_or(port);
        self.0.insert(free);
        free
    }

    /// The egress listener, and ingress listeners with these names.
    fn of_listeners(&mut self, ingress: impl Iterator<Item = String>) -> Vec<(String, u16)> {
        let mut listeners = vec![(egress_listener(), self.from(EGRESS_PORT))];
        for name in ingress {
            listeners.push((ingress_listener(&name), self.from(EGRESS_PORT)));
        }
        listeners
    }
}
