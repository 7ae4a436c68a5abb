//! A virtual node's Envoy: ingress to the application, egress to backends.

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
use super::super::direct_response::match_all;
use super::super::http::Manager;
use super::super::listener::Tcp;
use super::context::{Backend, NodeContext, backends_of_node};
use super::timeouts::{self, Timeouts};
use super::tls_filter_chain::{is_permissive, secured};
use super::virtual_hosts::{VirtualHosts, default_port};
use super::virtual_service::{PortProvider, ServicePort, is_http_family};
use super::{
    cluster, egress_filter, ip_preference, listeners, logging, names, routes, virtual_hosts, virtual_service,
    weighted_clusters,
};
use crate::node::{EGRESS_PORT, TRANSPARENT_INGRESS, egress_listener, ingress_listener, tcp_egress_listener};

/// The egress listener of an explicit proxy is for the application beside the Envoy only.
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub(super) fn translate(mut context: NodeContext<'_>, name: &str, spec: &VirtualNodeSpec) -> Translation {
    let node = Node {
        name,
        spec,
        access_logs: logging::access_logs(spec.logging.as_ref()),
        bind: ip_preference::bind(ip_preference::of_node(&context.mesh.mesh, spec)),
    };
    if context.metadata.extension.is_transparent_proxy {
        node.transparent_proxy_ingress(&mut context);
        node.transparent_proxy_egress(&mut context);
    } else {
        node.explicit_proxy_ingress(&mut context);
        node.explicit_proxy_egress(&mut context);
    }
    context.finish()
}

struct Node<'a> {
    name: &'a str,
    spec: &'a VirtualNodeSpec,
    access_logs: Vec<AccessLog>,
    /// The listen address of a transparent proxy.
    bind: IpAddr,
}

impl Node<'_> {
    fn explicit_proxy_ingress(&self, context: &mut NodeContext<'_>) {
        for listener in &self.spec.listeners {
            let port = listener.port_mapping.port;
            let wired = ingress_listener(&port.to_string());
            let Some(at) = context.metadata.listener_ports.get(&wired).copied() else {
                context.note(format!(
                    "port {port} is not served: the node metadata have no port for `{wired}`"
                ));
                continue;
            };
            let filter = self.to_application(context, listener);
            let Some(chains) = self.secured(context, listener, listeners::chain(None, filter)) else {
                continue;
            };
            let inspected = is_permissive(listener);
            let address = (context.metadata.extension.ingress_address, at);
            let name = names::ingress_listener("0.0.0.0", port);
            let inbound = TrafficDirection::Inbound;
            context.add_listener(&listeners::explicit(name, address, inbound, chains, inspected));
        }
    }

    fn transparent_proxy_ingress(&self, context: &mut NodeContext<'_>) {
        let mut chains = Vec::new();
        let mut inspected = Vec::new();
        for listener in &self.spec.listeners {
            let port = listener.port_mapping.port;
            let filter = self.to_application(context, listener);
            chains.extend(
                self.secured(context, listener, listeners::chain(Some(port), filter))
                    .unwrap_or_default(),
            );
            if is_permissive(listener) {
                inspected.push(port);
            }
        }
        let port = context.metadata.listener_ports.get(TRANSPARENT_INGRESS).copied();
        // Envoy rejects a listener without filter chains, and App Mesh had none for a virtual node without listeners.
        if let (Some(port), false) = (port, chains.is_empty()) {
            let name = names::transparent_ingress_listener(&self.bind.to_string());
            let (address, inbound) = ((self.bind, port), TrafficDirection::Inbound);
            context.add_listener(&listeners::intercepted(name, address, inbound, chains, &inspected));
        }
    }

    /// Routes everything to the application. Retries are the caller's, on another host; and headers of local replies
    /// are removed from the application's responses.
    fn to_application(&self, context: &mut NodeContext<'_>, listener: &Listener) -> Filter {
        let mapping = listener.port_mapping;
        let cluster = self.application_cluster(context, listener);
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
        context.add_routes(&RouteConfiguration {
            virtual_hosts: vec![VirtualHost {
                name: "application".to_owned(),
                domains: vec!["*".to_owned()],
                routes: vec![routes::to_clusters(
                    match_all(),
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
            header_limits: context.state.header_limits.behind_envoy(),
            default_host: self.name.to_owned(),
        }
        .filter(&context.metadata.extension)
    }

    fn application_cluster(&self, context: &mut NodeContext<'_>, listener: &Listener) -> String {
        let mapping = listener.port_mapping;
        let name = names::ingress_cluster(&context.mesh.name, self.name, mapping.protocol, mapping.port);
        let preference = ip_preference::of_node(&context.mesh.mesh, self.spec);
        let own = &context.metadata.extension;
        let application = SocketAddr::new(
            own.app_address
                .unwrap_or_else(|| ip_preference::application(preference)),
            context.metadata.app_port(mapping.port),
        );
        let cluster = cluster::of_application(name, application, listener, context.state.header_limits);
        context.add_cluster(cluster, None, "")
    }

    fn secured(
        &self,
        context: &mut NodeContext<'_>,
        listener: &Listener,
        chain: FilterChain,
    ) -> Option<Vec<FilterChain>> {
        let owner = format!("virtual node `{}`", self.name);
        secured(context, &owner, listener, chain)
    }

    fn explicit_proxy_egress(&self, context: &mut NodeContext<'_>) {
        let backends = backends_of_node(self.spec);
        let mut hosts = VirtualHosts::default();
        for backend in &backends {
            let ports = virtual_service::ports(context.mesh, backend.service);
            if ports.is_empty() {
                let routes = routes::no_provider(backend.service);
                hosts.add(context, backend.service, &[backend.service.to_owned()], routes);
            }
            let default = default_port(&ports);
            for port in &ports {
                if is_http_family(port.protocol) {
                    let routes = routes::to_port(context, *backend, port);
                    let bare = (default == Some(port.port)).then(|| backend.service.to_owned());
                    let with_port = format!("{}:{}", backend.service, port.port);
                    let domains: Vec<String> = bare.into_iter().chain([with_port]).collect();
                    hosts.add(context, &format!("{}:{}", backend.service, port.port), &domains, routes);
                } else {
                    self.explicit_proxy_tcp_egress(context, *backend, port);
                }
            }
        }
        let Some(at) = context.metadata.listener_ports.get(&egress_listener()).copied() else {
            context.note("the node metadata have no port for `egress`: the application cannot call other services");
            return;
        };
        self.add_own_name(context, &mut hosts);
        let manager = self.egress_manager(context, hosts, names::egress_routes(EGRESS_PORT), &backends);
        let name = names::egress_listener("0.0.0.0");
        let chains = vec![listeners::chain(None, manager)];
        let outbound = TrafficDirection::Outbound;
        context.add_listener(&listeners::explicit(name, (LOOPBACK, at), outbound, chains, false));
    }

    /// Routes calls to the node's own host name to its own application. App Mesh's interception leaves connections to a
    /// task's own address alone, so a service reaches itself by its name without having itself as a backend.
    fn add_own_name(&self, context: &mut NodeContext<'_>, hosts: &mut VirtualHosts) {
        let Some(own) = self.spec.host_name() else {
            return;
        };
        let ports = || self.spec.listeners.iter().map(|listener| listener.port_mapping);
        let http: Vec<u16> = ports()
            .filter(|mapping| is_http_family(mapping.protocol))
            .map(|mapping| mapping.port)
            .collect();
        let default = virtual_hosts::default_of(&http);
        for listener in &self.spec.listeners {
            let port = listener.port_mapping.port;
            if !http.contains(&port) {
                continue;
            }
            let cluster = ClusterSpecifier::Cluster(self.application_cluster(context, listener));
            let route = routes::to_clusters(match_all(), cluster, Timeouts::of_listener(listener), None);
            let bare = (default == Some(port)).then(|| own.clone());
            let domains: Vec<String> = bare.into_iter().chain([format!("{own}:{port}")]).collect();
            hosts.add_application(&format!("{own}:{port}"), &domains, vec![route]);
        }
    }

    /// TCP has no host, so each port has a listener of its own.
    fn explicit_proxy_tcp_egress(&self, context: &mut NodeContext<'_>, backend: Backend<'_>, port: &ServicePort<'_>) {
        let wired = tcp_egress_listener(backend.service, port.port);
        let Some(at) = context.metadata.listener_ports.get(&wired).copied() else {
            context.note(format!(
                "TCP port {}:{} cannot be called: the node metadata have no port for `{wired}`",
                backend.service, port.port
            ));
            return;
        };
        let filter = self.to_tcp_port(context, backend, port);
        let name = names::tcp_egress_listener(backend.service, port.port);
        let chains = vec![listeners::chain(None, filter)];
        let outbound = TrafficDirection::Outbound;
        context.add_listener(&listeners::explicit(name, (LOOPBACK, at), outbound, chains, false));
    }

    fn transparent_proxy_egress(&self, context: &mut NodeContext<'_>) {
        let backends = backends_of_node(self.spec);
        let mut by_port: BTreeMap<u16, VirtualHosts> = BTreeMap::new();
        let mut chains = Vec::new();
        let mut tcp_ports: BTreeMap<u16, &str> = BTreeMap::new();
        for backend in &backends {
            let ports = virtual_service::ports(context.mesh, backend.service);
            if ports.is_empty() {
                context.note(format!("`{}` has no provider, so its port is unknown", backend.service));
            }
            for port in &ports {
                if is_http_family(port.protocol) {
                    let routes = routes::to_port(context, *backend, port);
                    let domains = [backend.service.to_owned(), format!("{}:{}", backend.service, port.port)];
                    let hosts = by_port.entry(port.port).or_default();
                    hosts.add(context, backend.service, &domains, routes);
                } else if let Some(other) = tcp_ports.get(&port.port) {
                    context.note(format!(
                        "`{}` cannot be called on TCP port {}: `{other}` has the same port, and TCP connections differ by port only",
                        backend.service, port.port
                    ));
                } else {
                    tcp_ports.insert(port.port, backend.service);
                    let filter = self.to_tcp_port(context, *backend, port);
                    chains.push((port.port, listeners::chain(Some(port.port), filter)));
                }
            }
        }
        for (port, _) in chains.extract_if(.., |(port, _)| by_port.contains_key(port)) {
            context.note(format!(
                "TCP port {port} cannot be called: there are HTTP services on the same port"
            ));
        }
        let mut chains: Vec<FilterChain> = chains.into_iter().map(|(_, chain)| chain).collect();
        for (port, hosts) in by_port {
            let manager = self.egress_manager(context, hosts, names::egress_routes(port), &backends);
            chains.push(listeners::chain(Some(port), manager));
        }
        let (others, anywhere) = egress_filter::unknown_connections(context);
        chains.extend(others);
        let Some(at) = context.metadata.listener_ports.get(&egress_listener()).copied() else {
            context.note("the node metadata have no port for `egress`: the application cannot call other services");
            return;
        };
        let name = names::egress_listener(&self.bind.to_string());
        let (address, outbound) = ((self.bind, at), TrafficDirection::Outbound);
        let mut listener = listeners::intercepted(name, address, outbound, chains, &[egress_filter::HTTPS]);
        listener.default_filter_chain = anywhere;
        context.add_listener(&listener);
    }

    fn egress_manager(
        &self,
        context: &mut NodeContext<'_>,
        hosts: VirtualHosts,
        routes: String,
        backends: &[Backend<'_>],
    ) -> Filter {
        let owner = format!("virtual node {}", self.name);
        let others = egress_filter::unknown_hosts(context, &owner, backends);
        context.add_routes(&RouteConfiguration {
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
            filters: egress_filter::lookup_filter(context).into_iter().collect(),
            header_limits: context.state.header_limits,
            default_host: String::new(),
        }
        .filter(&context.metadata.extension)
    }

    fn to_tcp_port(&self, context: &mut NodeContext<'_>, backend: Backend<'_>, port: &ServicePort<'_>) -> Filter {
        let (to, idle_timeout) = match port.provider {
            PortProvider::VirtualNode(node, listener) => {
                let cluster = weighted_clusters::node_cluster(context, node, listener, backend);
                let to = tcp_proxy::ClusterSpecifier::Cluster(cluster);
                (to, timeouts::of_tcp_listener(listener))
            }
            PortProvider::VirtualRouter(..) => {
                let route = routes::to_tcp_port(port);
                let weighted = route.and_then(|(targets, _)| weighted_clusters::weighted(context, targets, backend));
                let to = match weighted {
                    Some(weighted) => weighted.for_tcp(),
                    // No route, or no target with any weight: connections are closed.
                    None => tcp_proxy::ClusterSpecifier::Cluster(cluster::blackhole_cluster(context)),
                };
                (to, route.map_or_else(|| timeouts::of_tcp(None), |(_, idle)| idle))
            }
        };
        Tcp {
            stat_prefix: format!("egress.tcp.{}", port.port),
            to,
            idle_timeout,
            // A host that refuses connections is left out while others accept them.
            attempts: 3,
            access_logs: self.access_logs.clone(),
        }
        .filter()
    }
}
