//! A virtual gateway's Envoy: routes requests into the mesh.
//!
//! A request passes it twice, as in App Mesh. At the ingress, gateway routes select a virtual service and rewrite host
//! and path; at the egress, the routes of the virtual service apply to the request as a caller inside the mesh would
//! have sent it. In between, a header names the virtual service, since the host may be any.
//!
//! Ingress and egress have route configurations of their own, which Envoy applies one after the other. So the egress
//! has every virtual service of the mesh, whether it is a target or not: a gateway route can change its target, and a
//! virtual service its port, without a moment of mismatch.

mod target_header;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use envoy_types::pb::envoy::config::accesslog::v3::AccessLog;
use envoy_types::pb::envoy::config::core::v3::TrafficDirection;
use envoy_types::pb::envoy::config::listener::v3::Filter;
use envoy_types::pb::envoy::config::route::v3::route::Action;
use envoy_types::pb::envoy::config::route::v3::route_action::ClusterSpecifier;
use envoy_types::pb::envoy::config::route::v3::{Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost};
use mesh_model::app_mesh::GatewayRouteSpec;
use mesh_model::app_mesh::gateway_route::{GatewayRouteTarget, HostnameMatch};
use mesh_model::app_mesh::listener::Listener;
use mesh_model::app_mesh::matching::HttpMethod;
use mesh_model::app_mesh::topology::VirtualGateway;
use sidecar_contract::LocalReply;

use self::target_header::{TARGET_HEADER, Targets, header_value, http_ports, possible_targets, target_port};
use super::super::Translation;
use super::super::direct_response::{direct_response, match_all, set_header};
use super::super::envoy::duration_or_unlimited;
use super::super::http::Manager;
use super::context::{Backend, NodeContext, default_policy};
use super::timeouts::Timeouts;
use super::tls_filter_chain::{is_permissive, secured};
use super::virtual_service::ServicePort;
use super::{cluster, listeners, logging, matching, names, rewrite, route_precedence, routes};
use crate::node::{EGRESS_PORT, egress_listener, ingress_listener};

pub(super) fn translate<'a>(mut context: NodeContext<'a>, name: &'a str, gateway: &'a VirtualGateway) -> Translation {
    let Some(egress) = context.metadata.listener_ports.get(&egress_listener()).copied() else {
        context.note("the node metadata have no port for `egress`: the gateway cannot forward requests");
        return context.finish();
    };
    let gateway = Gateway {
        name,
        gateway,
        egress: SocketAddr::from((Ipv4Addr::LOCALHOST, egress)),
        access_logs: logging::access_logs(gateway.spec.logging.as_ref()),
    };
    let targets = gateway.ingress(&mut context);
    gateway.egress(&mut context, &targets);
    context.finish()
}

struct Gateway<'a> {
    name: &'a str,
    gateway: &'a VirtualGateway,
    /// The port of its own egress listener.
    egress: SocketAddr,
    access_logs: Vec<AccessLog>,
}

impl<'a> Gateway<'a> {
    fn ingress(&self, context: &mut NodeContext<'a>) -> Targets<'a> {
        let mut targets = Targets::new();
        for listener in &self.gateway.spec.listeners {
            let port = listener.port_mapping.port;
            let intercepted = context.metadata.extension.is_transparent_proxy;
            let wired = ingress_listener(&port.to_string());
            // A gateway has no transparent proxy: it listens on the ports that callers use.
            let at = context
                .metadata
                .listener_ports
                .get(&wired)
                .copied()
                .or(intercepted.then_some(port));
            let Some(at) = at else {
                context.note(format!(
                    "port {port} is not served: the node metadata have no port for `{wired}`"
                ));
                continue;
            };
            let filter = self.routes_of(context, listener, &mut targets);
            let owner = format!("virtual gateway `{}`", self.name);
            let Some(chains) = secured(context, &owner, listener, listeners::chain(None, filter)) else {
                continue;
            };
            let name = names::ingress_listener("0.0.0.0", port);
            let address = (context.metadata.extension.ingress_address, at);
            let inspected = is_permissive(listener);
            let inbound = TrafficDirection::Inbound;
            context.add_listener(&listeners::explicit(name, address, inbound, chains, inspected));
        }
        targets
    }

    /// The gateway routes of one listener.
    fn routes_of(&self, context: &mut NodeContext<'a>, listener: &Listener, targets: &mut Targets<'a>) -> Filter {
        let mapping = listener.port_mapping;
        let cluster = self.loopback_cluster(context, listener);
        let mut ordered: Vec<(route_precedence::Rank, &GatewayRouteSpec)> = self
            .gateway
            .gateway_routes
            .iter()
            .filter(|(_, route)| matched_port(route).is_none_or(|port| port == mapping.port))
            .map(|(name, route)| (route_precedence::of_gateway_route(name, route), route))
            .collect();
        ordered.sort_by(|(a, _), (b, _)| a.cmp(b));
        // By domain. Once a host has routes of its own, those without a host are not tried for it.
        let mut hosts: BTreeMap<String, Vec<Route>> = BTreeMap::new();
        for ((.., name), route) in ordered {
            let routes = self.translate(context, &name, route, &cluster, targets);
            hosts.entry(domain(route)).or_default().extend(routes);
        }
        hosts.entry("*".to_owned()).or_default();
        let name = names::ingress_routes(mapping.protocol, mapping.port);
        let nothing = format!("no gateway route of virtual gateway {} matches this request", self.name);
        context.add_routes(&RouteConfiguration {
            name: name.clone(),
            virtual_hosts: hosts
                .into_iter()
                .map(|(domain, mut routes)| {
                    routes.push(direct_response(match_all(), 404, LocalReply::NoRoute, nothing.clone()));
                    VirtualHost {
                        name: if domain == "*" {
                            "self_redirect".to_owned()
                        } else {
                            domain.clone()
                        },
                        domains: vec![domain],
                        routes,
                        ..Default::default()
                    }
                })
                .collect(),
            // The host `example.com:8080` matches `example.com`.
            ignore_port_in_host_matching: true,
            ..Default::default()
        });
        let stat_prefix = match self.gateway.spec.listeners.as_slice() {
            [_] => "ingress".to_owned(),
            _ => format!("ingress.{}.{}", mapping.protocol, mapping.port),
        };
        Manager {
            stat_prefix,
            routes: name,
            idle_timeout: Timeouts::of(None).idle,
            access_logs: self.access_logs.clone(),
            normalizes_paths: true,
            filters: Vec::new(),
            header_limits: context.state.header_limits,
            default_host: self.name.to_owned(),
        }
        .filter(&context.metadata.extension)
    }

    /// The cluster from the ingress to the egress, with the listener's limits.
    fn loopback_cluster(&self, context: &mut NodeContext<'a>, listener: &Listener) -> String {
        let mapping = listener.port_mapping;
        let is_only = self.gateway.spec.listeners.len() == 1;
        let listener_port = (!is_only).then_some(mapping.port);
        let name = names::loopback_egress(&context.mesh.name, self.name, mapping.protocol, listener_port);
        context.add_cluster(
            cluster::of_application(name, self.egress, listener, context.state.header_limits),
            None,
            "",
        )
    }

    fn translate(
        &self,
        context: &mut NodeContext<'a>,
        name: &str,
        route: &'a GatewayRouteSpec,
        cluster: &str,
        targets: &mut Targets<'a>,
    ) -> Vec<Route> {
        let Some(target) = route.target() else {
            return Vec::new();
        };
        let service = target.virtual_service.virtual_service_name.as_str();
        let port = match self.port_of(context, target) {
            Ok(port) => port,
            Err(reason) => {
                context.note(format!(
                    "gateway route `{name}`: {reason}; its requests are rejected with 503"
                ));
                None
            }
        };
        let choice = (service, target.port);
        let timeouts = port.as_ref().map_or_else(|| Timeouts::of(None), Timeouts::longest_of);
        let action = RouteAction {
            cluster_specifier: Some(ClusterSpecifier::Cluster(cluster.to_owned())),
            timeout: duration_or_unlimited(timeouts.per_request),
            idle_timeout: duration_or_unlimited(timeouts.idle),
            ..Default::default()
        };
        let header = set_header(TARGET_HEADER, &header_value(choice));
        targets.insert(choice);
        let http = route.http_route.as_ref().or(route.http2_route.as_ref());
        if http.is_some_and(|http| http.matching.method == Some(HttpMethod::Connect)) {
            context.note(format!(
                "gateway route `{name}` is left out: `match.method` is CONNECT, and such requests have no path to match"
            ));
            return Vec::new();
        }
        let rewritten = match (http, &route.grpc_route) {
            (Some(http), _) => {
                let changes = http.action.rewrite.as_ref();
                let host = rewrite::of_host(service, changes.and_then(|changes| changes.hostname));
                let path = rewrite::of_path(&http.matching, changes);
                rewrite::apply(http_match(route), rewrite::with_host(action, host), path)
            }
            (None, Some(grpc)) => {
                let changes = grpc.action.rewrite.and_then(|changes| changes.hostname);
                let action = rewrite::with_host(action, rewrite::of_host(service, changes));
                let matching = matching::grpc(grpc.matching.service_name.as_deref(), None, &grpc.matching.metadata);
                vec![(matching, action)]
            }
            (None, None) => Vec::new(),
        };
        let route = |(matching, action)| Route {
            r#match: Some(matching),
            action: Some(Action::Route(action)),
            request_headers_to_add: vec![header.clone()],
            ..Default::default()
        };
        rewritten.into_iter().map(route).collect()
    }

    /// The port of the target virtual service: the named one, or the only one.
    fn port_of(
        &self,
        context: &NodeContext<'a>,
        target: &'a GatewayRouteTarget,
    ) -> Result<Option<ServicePort<'a>>, String> {
        let name = target.virtual_service.virtual_service_name.as_str();
        if !context.mesh.virtual_services.contains_key(name) {
            return Err(format!("target virtual service `{name}` does not exist"));
        }
        match (target_port(context.mesh, name, target.port), target.port) {
            (Some(port), _) => Ok(Some(port)),
            (None, _) if http_ports(context.mesh, name).is_empty() => Ok(None),
            (None, Some(wanted)) => Err(format!("virtual service `{name}` has no port {wanted}")),
            (None, None) => Err(format!(
                "virtual service `{name}` has several ports; the target must name one"
            )),
        }
    }

    /// The routes of all virtual services, matched by the header. Targets come first, as Envoy tries routes in order.
    fn egress(&self, context: &mut NodeContext<'a>, targets: &Targets<'a>) {
        let policy = default_policy(self.gateway.spec.backend_defaults.as_ref());
        let mesh = context.mesh;
        let could_be = mesh
            .virtual_services
            .keys()
            .flat_map(|service| possible_targets(mesh, service));
        let others = could_be.filter(|choice| !targets.contains(choice));
        let mut all = Vec::new();
        for choice in targets.iter().copied().chain(others) {
            let (service, port) = choice;
            let backend = Backend { service, policy };
            let routes = match target_port(mesh, service, port) {
                Some(port) => routes::to_port(context, backend, &port),
                None => routes::no_provider(service),
            };
            let key = header_value(choice);
            all.extend(routes.into_iter().map(|route| match_target(route, &key)));
        }
        let name = names::egress_routes(EGRESS_PORT);
        context.add_routes(&RouteConfiguration {
            name: name.clone(),
            virtual_hosts: vec![VirtualHost {
                name: "default_backend".to_owned(),
                domains: vec!["*".to_owned()],
                routes: all,
                ..Default::default()
            }],
            request_headers_to_remove: vec![TARGET_HEADER.to_owned()],
            ..Default::default()
        });
        let manager = Manager {
            stat_prefix: "egress".to_owned(),
            routes: name,
            idle_timeout: Timeouts::of(None).idle,
            // The ingress has logged each request already.
            access_logs: Vec::new(),
            normalizes_paths: true,
            filters: Vec::new(),
            header_limits: context.state.header_limits.behind_envoy(),
            default_host: String::new(),
        };
        let (ip, port) = (IpAddr::V4(Ipv4Addr::LOCALHOST), self.egress.port());
        let chains = vec![listeners::chain(None, manager.filter(&context.metadata.extension))];
        let name = names::egress_listener("0.0.0.0");
        let outbound = TrafficDirection::Outbound;
        context.add_listener(&listeners::explicit(name, (ip, port), outbound, chains, false));
    }
}

/// The route, for requests with this target.
fn match_target(route: Route, key: &str) -> Route {
    let matching = route.r#match.unwrap_or_default();
    let headers = std::iter::once(matching::pseudo_header(TARGET_HEADER, key)).chain(matching.headers);
    Route {
        r#match: Some(RouteMatch {
            headers: headers.collect(),
            ..matching
        }),
        ..route
    }
}

fn http_match(route: &GatewayRouteSpec) -> RouteMatch {
    let http = route.http_route.as_ref().or(route.http2_route.as_ref());
    http.map(|http| &http.matching)
        .map(|wanted| {
            matching::Http {
                prefix: wanted.prefix.as_deref(),
                path: wanted.path.as_ref(),
                method: wanted.method,
                scheme: None,
                headers: &wanted.headers,
                query_parameters: &wanted.query_parameters,
            }
            .translate()
        })
        .unwrap_or_default()
}

fn matched_port(route: &GatewayRouteSpec) -> Option<u16> {
    let http = route.http_route.as_ref().or(route.http2_route.as_ref());
    http.and_then(|route| route.matching.port)
        .or_else(|| route.grpc_route.as_ref()?.matching.port)
}

/// The domain of a gateway route, in Envoy's form. A suffix is one of whole labels: `.example.com` or `*.example.com`.
/// Envoy strips the port of the host before it compares, so a domain with a port would never match.
fn domain(route: &GatewayRouteSpec) -> String {
    let http = route.http_route.as_ref().or(route.http2_route.as_ref());
    let hostname: Option<&HostnameMatch> = http
        .and_then(|route| route.matching.hostname.as_ref())
        .or_else(|| route.grpc_route.as_ref()?.matching.hostname.as_ref());
    match hostname {
        Some(HostnameMatch { exact: Some(exact), .. }) => strip_port(exact).to_ascii_lowercase(),
        Some(HostnameMatch {
            suffix: Some(suffix), ..
        }) => {
            let labels = strip_port(suffix).trim_start_matches(['*', '.']);
            format!("*.{}", labels.to_ascii_lowercase())
        }
        _ => "*".to_owned(),
    }
}

fn strip_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // Several colons without brackets are an IPv6 address.
        Some((name, port)) if port.parse::<u16>().is_ok() && (!name.contains(':') || name.ends_with(']')) => name,
        _ => host,
    }
}
