//! A virtual node's Envoy: what comes in goes to the application, what goes out goes to backends.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use envoy_types::pb::envoy::config::accesslog::v3::AccessLog;
use envoy_types::pb::envoy::config::core::v3::TrafficDirection;
use envoy_types::pb::envoy::config::listener::v3::{Filter, FilterChain};
use envoy_types::pb::envoy::config::route::v3::route_action::ClusterSpecifier;
use envoy_types::pb::envoy::config::route::v3::{RouteConfiguration, VirtualHost};
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy;
use mesh_model::app_mesh::VirtualNodeSpec;
use mesh_model::app_mesh::listener::Listener;
use sidecar_contract::local_reply;

use super::super::Translation;
use super::super::answer::every_path;
use super::super::http::Manager;
use super::super::listener::Tcp;
use super::hosts::{Hosts, default_port};
use super::member::{Backend, Member, backends_of_node};
use super::secured::{is_permissive, secured};
use super::service::{PortProvider, ServicePort, is_http_family};
use super::timeouts::{self, Timeouts};
use super::{cluster, egress_filter, family, listeners, logging, names, routes, service, targets};
use crate::node::{EGRESS_PORT, TRANSPARENT_INGRESS, egress_listener, ingress_listener, tcp_egress_listener};

/// The egress listener of explicit wiring is for the application beside the Envoy and for nobody else.
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub(super) fn translate(mut member: Member<'_>, name: &str, spec: &VirtualNodeSpec) -> Translation {
    let node = Node {
        name,
        spec,
        access_logs: logging::access_logs(spec.logging.as_ref()),
        bind: family::bind(family::of_node(&member.mesh.mesh, spec)),
    };
    if member.wiring.extension.is_transparent_proxy {
        node.intercepted_ingress(&mut member);
        node.intercepted_egress(&mut member);
    } else {
        node.explicit_ingress(&mut member);
        node.explicit_egress(&mut member);
    }
    member.finish()
}

struct Node<'a> {
    name: &'a str,
    spec: &'a VirtualNodeSpec,
    access_logs: Vec<AccessLog>,
    /// What intercepted listeners bind.
    bind: IpAddr,
}

impl Node<'_> {
    fn explicit_ingress(&self, member: &mut Member<'_>) {
        for listener in &self.spec.listeners {
            let port = listener.port_mapping.port;
            let wired = ingress_listener(&port.to_string());
            let Some(at) = member.wiring.listener_ports.get(&wired).copied() else {
                member.note(format!(
                    "port {port} cannot be called here: the wiring has no port for `{wired}`"
                ));
                continue;
            };
            let filter = self.to_application(member, listener);
            let Some(chains) = self.secured(member, listener, listeners::chain(None, filter)) else {
                continue;
            };
            let inspected = is_permissive(listener);
            let address = (member.wiring.extension.ingress_address, at);
            let name = names::ingress_listener("0.0.0.0", port);
            let inbound = TrafficDirection::Inbound;
            member.add_listener(&listeners::explicit(name, address, inbound, chains, inspected));
        }
    }

    fn intercepted_ingress(&self, member: &mut Member<'_>) {
        let mut chains = Vec::new();
        let mut inspected = Vec::new();
        for listener in &self.spec.listeners {
            let port = listener.port_mapping.port;
            let filter = self.to_application(member, listener);
            chains.extend(
                self.secured(member, listener, listeners::chain(Some(port), filter))
                    .unwrap_or_default(),
            );
            if is_permissive(listener) {
                inspected.push(port);
            }
        }
        let port = member.wiring.listener_ports.get(TRANSPARENT_INGRESS).copied();
        // Envoy refuses a listener without chains, and App Mesh had none for a virtual node without listeners.
        if let (Some(port), false) = (port, chains.is_empty()) {
            let name = names::intercepted_ingress_listener(&self.bind.to_string());
            let (address, inbound) = ((self.bind, port), TrafficDirection::Inbound);
            member.add_listener(&listeners::intercepted(name, address, inbound, chains, &inspected));
        }
    }

    /// Everything that passes goes to the application. What failed there is the caller's to try again, with another
    /// task; and nothing the application says passes for the word of its sidecar.
    fn to_application(&self, member: &mut Member<'_>, listener: &Listener) -> Filter {
        let mapping = listener.port_mapping;
        let name = names::ingress_cluster(&member.mesh.name, self.name, mapping.protocol, mapping.port);
        let preference = family::of_node(&member.mesh.mesh, self.spec);
        let own = &member.wiring.extension;
        let application = SocketAddr::new(
            own.app_address.unwrap_or_else(|| family::application(preference)),
            member.wiring.app_port(mapping.port),
        );
        let cluster = member.add_cluster(cluster::of_application(name, application, listener), None, "");
        let stat_prefix = match self.spec.listeners.as_slice() {
            [_] => "ingress".to_owned(),
            _ => format!("ingress.{}.{}", mapping.protocol, mapping.port),
        };
        if !is_http_family(mapping.protocol) {
            return Tcp {
                stat_prefix,
                to: tcp_proxy::ClusterSpecifier::Cluster(cluster),
                idle_timeout: timeouts::of_tcp_listener(listener),
                attempts: 1,
                access_logs: self.access_logs.clone(),
            }
            .filter();
        }
        let name = names::ingress_routes(mapping.protocol, mapping.port);
        let timeouts = Timeouts::of_listener(listener);
        member.add_routes(&RouteConfiguration {
            virtual_hosts: vec![VirtualHost {
                name: "application".to_owned(),
                domains: vec!["*".to_owned()],
                routes: vec![routes::to_clusters(
                    every_path(),
                    ClusterSpecifier::Cluster(cluster),
                    timeouts,
                    None,
                )],
                response_headers_to_remove: vec![local_reply::HEADER.to_owned()],
                ..Default::default()
            }],
            name: name.clone(),
            ..Default::default()
        });
        Manager {
            stat_prefix,
            routes: name,
            idle_timeout: timeouts.idle,
            access_logs: self.access_logs.clone(),
            normalizes_paths: true,
            filters: Vec::new(),
        }
        .filter(&member.wiring.extension)
    }

    fn secured(&self, member: &mut Member<'_>, listener: &Listener, chain: FilterChain) -> Option<Vec<FilterChain>> {
        let whose = format!("virtual node `{}`", self.name);
        secured(member, &whose, listener, chain)
    }

    fn explicit_egress(&self, member: &mut Member<'_>) {
        let backends = backends_of_node(self.spec);
        let mut hosts = Hosts::default();
        for backend in &backends {
            let ports = service::ports(member.mesh, backend.service);
            if ports.is_empty() {
                let routes = routes::to_nothing(backend.service);
                hosts.add(member, backend.service, &[backend.service.to_owned()], routes);
            }
            let default = default_port(&ports);
            for port in &ports {
                if is_http_family(port.protocol) {
                    let routes = routes::to_port(member, *backend, port);
                    let bare = (default == Some(port.port)).then(|| backend.service.to_owned());
                    let with_port = format!("{}:{}", backend.service, port.port);
                    let domains: Vec<String> = bare.into_iter().chain([with_port]).collect();
                    hosts.add(member, &format!("{}:{}", backend.service, port.port), &domains, routes);
                } else {
                    self.explicit_tcp_egress(member, *backend, port);
                }
            }
        }
        let Some(at) = member.wiring.listener_ports.get(&egress_listener()).copied() else {
            member.note("the wiring has no port for `egress`: the application cannot call others");
            return;
        };
        let manager = self.egress_manager(member, hosts, names::egress_routes(EGRESS_PORT), &backends);
        let name = names::egress_listener("0.0.0.0");
        let chains = vec![listeners::chain(None, manager)];
        let outbound = TrafficDirection::Outbound;
        member.add_listener(&listeners::explicit(name, (LOOPBACK, at), outbound, chains, false));
    }

    /// TCP carries no host, so each port has a listener of its own.
    fn explicit_tcp_egress(&self, member: &mut Member<'_>, backend: Backend<'_>, port: &ServicePort<'_>) {
        let wired = tcp_egress_listener(backend.service, port.port);
        let Some(at) = member.wiring.listener_ports.get(&wired).copied() else {
            member.note(format!(
                "TCP port {}:{} cannot be called from here: the wiring has no port for `{wired}`",
                backend.service, port.port
            ));
            return;
        };
        let filter = self.to_tcp_port(member, backend, port);
        let name = names::tcp_egress_listener(backend.service, port.port);
        let chains = vec![listeners::chain(None, filter)];
        let outbound = TrafficDirection::Outbound;
        member.add_listener(&listeners::explicit(name, (LOOPBACK, at), outbound, chains, false));
    }

    fn intercepted_egress(&self, member: &mut Member<'_>) {
        let backends = backends_of_node(self.spec);
        let mut by_port: BTreeMap<u16, Hosts> = BTreeMap::new();
        let mut chains = Vec::new();
        let mut tcp_ports: BTreeMap<u16, &str> = BTreeMap::new();
        for backend in &backends {
            let ports = service::ports(member.mesh, backend.service);
            if ports.is_empty() {
                member.note(format!(
                    "`{}` has no provider, so nobody knows at which port it would be called",
                    backend.service
                ));
            }
            for port in &ports {
                if is_http_family(port.protocol) {
                    let routes = routes::to_port(member, *backend, port);
                    let domains = [backend.service.to_owned(), format!("{}:{}", backend.service, port.port)];
                    let hosts = by_port.entry(port.port).or_default();
                    hosts.add(member, backend.service, &domains, routes);
                } else if let Some(other) = tcp_ports.get(&port.port) {
                    member.note(format!(
                        "`{}` cannot be called on TCP port {}: `{other}` is called there, and TCP is told apart by port alone",
                        backend.service, port.port
                    ));
                } else {
                    tcp_ports.insert(port.port, backend.service);
                    let filter = self.to_tcp_port(member, *backend, port);
                    chains.push((port.port, listeners::chain(Some(port.port), filter)));
                }
            }
        }
        for (port, _) in chains.extract_if(.., |(port, _)| by_port.contains_key(port)) {
            member.note(format!(
                "TCP port {port} cannot be called: there are HTTP services on the same port"
            ));
        }
        let mut chains: Vec<FilterChain> = chains.into_iter().map(|(_, chain)| chain).collect();
        for (port, hosts) in by_port {
            let manager = self.egress_manager(member, hosts, names::egress_routes(port), &backends);
            chains.push(listeners::chain(Some(port), manager));
        }
        let (others, anywhere) = egress_filter::other_connections(member);
        chains.extend(others);
        let Some(at) = member.wiring.listener_ports.get(&egress_listener()).copied() else {
            member.note("the wiring has no port for `egress`: the application cannot call others");
            return;
        };
        let name = names::egress_listener(&self.bind.to_string());
        let (address, outbound) = ((self.bind, at), TrafficDirection::Outbound);
        let mut listener = listeners::intercepted(name, address, outbound, chains, &[egress_filter::HTTPS]);
        listener.default_filter_chain = anywhere;
        member.add_listener(&listener);
    }

    fn egress_manager(
        &self,
        member: &mut Member<'_>,
        hosts: Hosts,
        routes: String,
        backends: &[Backend<'_>],
    ) -> Filter {
        let whose = format!("virtual node {}", self.name);
        let others = egress_filter::other_hosts(member, &whose, backends);
        member.add_routes(&RouteConfiguration {
            name: routes.clone(),
            virtual_hosts: hosts.hosts.into_iter().chain([others]).collect(),
            ..Default::default()
        });
        Manager {
            stat_prefix: "egress".to_owned(),
            routes,
            // The listener serves all backends, so none of their timeouts can apply to the application's side.
            idle_timeout: Timeouts::of(None).idle,
            access_logs: self.access_logs.clone(),
            normalizes_paths: true,
            filters: egress_filter::lookup_filter(member).into_iter().collect(),
        }
        .filter(&member.wiring.extension)
    }

    fn to_tcp_port(&self, member: &mut Member<'_>, backend: Backend<'_>, port: &ServicePort<'_>) -> Filter {
        let (to, idle_timeout) = match port.provider {
            PortProvider::VirtualNode(node, listener) => {
                let cluster = targets::node_cluster(member, node, listener, backend);
                let to = tcp_proxy::ClusterSpecifier::Cluster(cluster);
                (to, timeouts::of_tcp_listener(listener))
            }
            PortProvider::VirtualRouter(..) => {
                let route = routes::to_tcp_port(port);
                let weighted = route.and_then(|(targets, _)| targets::weighted(member, targets, backend));
                let to = match weighted {
                    Some(weighted) => weighted.for_tcp(),
                    // No route, or no target with any weight: connections are closed.
                    None => tcp_proxy::ClusterSpecifier::Cluster(cluster::nowhere(member)),
                };
                (to, route.map_or_else(|| timeouts::of_tcp(None), |(_, idle)| idle))
            }
        };
        Tcp {
            stat_prefix: format!("egress.tcp.{}", port.port),
            to,
            idle_timeout,
            // A task that cannot be connected to is left out while others can.
            attempts: 3,
            access_logs: self.access_logs.clone(),
        }
        .filter()
    }
}
