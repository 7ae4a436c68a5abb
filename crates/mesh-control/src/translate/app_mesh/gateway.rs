//! A virtual gateway's Envoy: a door into the mesh.
//!
//! A request passes it twice, as it did in App Mesh. At the ingress, gateway routes choose a virtual service and rewrite
//! host and path; at the egress, the virtual service's own routes see the request as its callers inside the mesh would
//! have sent it. In between a header says which virtual service was chosen, since the host may be any.
//!
//! The two have tables of their own, and Envoy takes up one after the other. So the egress knows every virtual service of
//! the mesh, whether it is chosen or not: then a gateway route can lead elsewhere, and a virtual service can have another
//! port, without a moment in which one table does not know what the other says.

mod choice;

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

use self::choice::{CHOSEN, Chosen, choices, header_of, http_ports, port_of_choice};
use super::super::Translation;
use super::super::answer::{answer, every_path, set_header};
use super::super::envoy::duration_or_unlimited;
use super::super::http::Manager;
use super::member::{Backend, Member, default_policy};
use super::secured::{is_permissive, secured};
use super::service::ServicePort;
use super::timeouts::Timeouts;
use super::{cluster, listeners, logging, matching, names, order, rewrite, routes};
use crate::node::{EGRESS_PORT, egress_listener, ingress_listener};

pub(super) fn translate<'a>(mut member: Member<'a>, name: &'a str, gateway: &'a VirtualGateway) -> Translation {
    let Some(egress) = member.wiring.listener_ports.get(&egress_listener()).copied() else {
        member.note("the wiring has no port for `egress`: the gateway cannot pass anything on");
        return member.finish();
    };
    let gateway = Gateway {
        name,
        gateway,
        egress: SocketAddr::from((Ipv4Addr::LOCALHOST, egress)),
        access_logs: logging::access_logs(gateway.spec.logging.as_ref()),
    };
    let chosen = gateway.ingress(&mut member);
    gateway.egress(&mut member, &chosen);
    member.finish()
}

struct Gateway<'a> {
    name: &'a str,
    gateway: &'a VirtualGateway,
    /// Where its own egress listener is.
    egress: SocketAddr,
    access_logs: Vec<AccessLog>,
}

impl<'a> Gateway<'a> {
    fn ingress(&self, member: &mut Member<'a>) -> Chosen<'a> {
        let mut chosen = Chosen::new();
        for listener in &self.gateway.spec.listeners {
            let port = listener.port_mapping.port;
            let intercepted = member.wiring.extension.is_transparent_proxy;
            let wired = ingress_listener(&port.to_string());
            // Nothing is redirected at a gateway: it listens where its callers call.
            let at = member
                .wiring
                .listener_ports
                .get(&wired)
                .copied()
                .or(intercepted.then_some(port));
            let Some(at) = at else {
                member.note(format!(
                    "port {port} cannot be called here: the wiring has no port for `{wired}`"
                ));
                continue;
            };
            let filter = self.routes_of(member, listener, &mut chosen);
            let whose = format!("virtual gateway `{}`", self.name);
            let Some(chains) = secured(member, &whose, listener, listeners::chain(None, filter)) else {
                continue;
            };
            let name = names::ingress_listener("0.0.0.0", port);
            let address = (member.wiring.extension.ingress_address, at);
            let inspected = is_permissive(listener);
            let inbound = TrafficDirection::Inbound;
            member.add_listener(&listeners::explicit(name, address, inbound, chains, inspected));
        }
        chosen
    }

    /// The gateway routes of one listener.
    fn routes_of(&self, member: &mut Member<'a>, listener: &Listener, chosen: &mut Chosen<'a>) -> Filter {
        let mapping = listener.port_mapping;
        let cluster = self.itself(member, listener);
        let mut ordered: Vec<(order::Rank, &GatewayRouteSpec)> = self
            .gateway
            .gateway_routes
            .iter()
            .filter(|(_, route)| matched_port(route).is_none_or(|port| port == mapping.port))
            .map(|(name, route)| (order::of_gateway_route(name, route), route))
            .collect();
        ordered.sort_by(|(a, _), (b, _)| a.cmp(b));
        // By domain. Once a host has routes of its own, others are not tried for it.
        let mut hosts: BTreeMap<String, Vec<Route>> = BTreeMap::new();
        for ((.., name), route) in ordered {
            let routes = self.translate(member, &name, route, &cluster, chosen);
            hosts.entry(domain(route)).or_default().extend(routes);
        }
        hosts.entry("*".to_owned()).or_default();
        let name = names::ingress_routes(mapping.protocol, mapping.port);
        let nothing = format!(
            "no gateway route of virtual gateway {} is for such a request",
            self.name
        );
        member.add_routes(&RouteConfiguration {
            name: name.clone(),
            virtual_hosts: hosts
                .into_iter()
                .map(|(domain, mut routes)| {
                    routes.push(answer(every_path(), 404, LocalReply::NoRoute, nothing.clone()));
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
            // Who calls `example.com:8080` means `example.com`.
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
        }
        .filter(&member.wiring.extension)
    }

    /// The cluster by which the ingress passes requests on to the egress, with the listener's limits.
    fn itself(&self, member: &mut Member<'a>, listener: &Listener) -> String {
        let mapping = listener.port_mapping;
        let is_only = self.gateway.spec.listeners.len() == 1;
        let listener_port = (!is_only).then_some(mapping.port);
        let name = names::self_redirect(&member.mesh.name, self.name, mapping.protocol, listener_port);
        member.add_cluster(cluster::of_application(name, self.egress, listener), None, "")
    }

    fn translate(
        &self,
        member: &mut Member<'a>,
        name: &str,
        route: &'a GatewayRouteSpec,
        cluster: &str,
        chosen: &mut Chosen<'a>,
    ) -> Vec<Route> {
        let Some(target) = route.target() else {
            return Vec::new();
        };
        let service = target.virtual_service.virtual_service_name.as_str();
        let port = match self.port_of(member, target) {
            Ok(port) => port,
            Err(reason) => {
                member.note(format!(
                    "gateway route `{name}`: {reason}; its requests are answered with 503"
                ));
                None
            }
        };
        let choice = (service, target.port);
        let timeouts = port
            .as_ref()
            .map_or_else(|| Timeouts::of(None), Timeouts::of_all_behind);
        let action = RouteAction {
            cluster_specifier: Some(ClusterSpecifier::Cluster(cluster.to_owned())),
            timeout: duration_or_unlimited(timeouts.per_request),
            idle_timeout: duration_or_unlimited(timeouts.idle),
            ..Default::default()
        };
        let header = set_header(CHOSEN, &header_of(choice));
        chosen.insert(choice);
        let http = route.http_route.as_ref().or(route.http2_route.as_ref());
        if http.is_some_and(|http| http.matching.method == Some(HttpMethod::Connect)) {
            member.note(format!(
                "gateway route `{name}` is left out: `match.method` is CONNECT, whose requests have no path to match"
            ));
            return Vec::new();
        }
        let rewritten = match (http, &route.grpc_route) {
            (Some(http), _) => {
                let changes = http.action.rewrite.as_ref();
                let host = rewrite::of_host(service, changes.and_then(|changes| changes.hostname));
                let path = rewrite::of_path(http.matching.prefix.as_deref(), changes);
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

    /// The port of a virtual service that a gateway route leads to: the one it names, or the only one.
    fn port_of(&self, member: &Member<'a>, target: &'a GatewayRouteTarget) -> Result<Option<ServicePort<'a>>, String> {
        let name = target.virtual_service.virtual_service_name.as_str();
        if !member.mesh.virtual_services.contains_key(name) {
            return Err(format!("its target does not exist, virtual service `{name}`"));
        }
        match (port_of_choice(member.mesh, name, target.port), target.port) {
            (Some(port), _) => Ok(Some(port)),
            (None, _) if http_ports(member.mesh, name).is_empty() => Ok(None),
            (None, Some(wanted)) => Err(format!("virtual service `{name}` has no port {wanted}")),
            (None, None) => Err(format!(
                "it must say which port of virtual service `{name}`, which has several"
            )),
        }
    }

    /// The routes of all virtual services, told apart by the header. Those that are chosen come first, as Envoy looks
    /// through them in order.
    fn egress(&self, member: &mut Member<'a>, chosen: &Chosen<'a>) {
        let policy = default_policy(self.gateway.spec.backend_defaults.as_ref());
        let mesh = member.mesh;
        let could_be = mesh.virtual_services.keys().flat_map(|service| choices(mesh, service));
        let others = could_be.filter(|choice| !chosen.contains(choice));
        let mut all = Vec::new();
        for choice in chosen.iter().copied().chain(others) {
            let (service, port) = choice;
            let backend = Backend { service, policy };
            let routes = match port_of_choice(mesh, service, port) {
                Some(port) => routes::to_port(member, backend, &port),
                None => routes::to_nothing(service),
            };
            let key = header_of(choice);
            all.extend(routes.into_iter().map(|route| for_chosen(route, &key)));
        }
        let name = names::egress_routes(EGRESS_PORT);
        member.add_routes(&RouteConfiguration {
            name: name.clone(),
            virtual_hosts: vec![VirtualHost {
                name: "default_backend".to_owned(),
                domains: vec!["*".to_owned()],
                routes: all,
                ..Default::default()
            }],
            request_headers_to_remove: vec![CHOSEN.to_owned()],
            ..Default::default()
        });
        let manager = Manager {
            stat_prefix: "egress".to_owned(),
            routes: name,
            idle_timeout: Timeouts::of(None).idle,
            // The ingress has written each request down already.
            access_logs: Vec::new(),
            normalizes_paths: true,
            filters: Vec::new(),
        };
        let (ip, port) = (IpAddr::V4(Ipv4Addr::LOCALHOST), self.egress.port());
        let chains = vec![listeners::chain(None, manager.filter(&member.wiring.extension))];
        let name = names::egress_listener("0.0.0.0");
        let outbound = TrafficDirection::Outbound;
        member.add_listener(&listeners::explicit(name, (ip, port), outbound, chains, false));
    }
}

/// The route, for requests that were meant for this virtual service.
fn for_chosen(route: Route, key: &str) -> Route {
    let matching = route.r#match.unwrap_or_default();
    let headers = std::iter::once(matching::pseudo_header(CHOSEN, key)).chain(matching.headers);
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

/// The hosts that a gateway route is for, as Envoy writes it. A suffix is one of whole labels: `.example.com` or
/// `*.example.com`. Envoy takes the port off the host of a request before it compares them, so a port here would fit
/// no request at all.
fn domain(route: &GatewayRouteSpec) -> String {
    let http = route.http_route.as_ref().or(route.http2_route.as_ref());
    let hostname: Option<&HostnameMatch> = http
        .and_then(|route| route.matching.hostname.as_ref())
        .or_else(|| route.grpc_route.as_ref()?.matching.hostname.as_ref());
    match hostname {
        Some(HostnameMatch { exact: Some(exact), .. }) => without_port(exact).to_ascii_lowercase(),
        Some(HostnameMatch {
            suffix: Some(suffix), ..
        }) => {
            let labels = without_port(suffix).trim_start_matches(['*', '.']);
            format!("*.{}", labels.to_ascii_lowercase())
        }
        _ => "*".to_owned(),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // More colons without brackets are an IPv6 address.
        Some((name, port)) if port.parse::<u16>().is_ok() && (!name.contains(':') || name.ends_with(']')) => name,
        _ => host,
    }
}
