//! The rules of a listener as routes.

use std::collections::BTreeMap;
use std::time::Duration;

use envoy_bootstrap::Entrance;
use envoy_types::pb::envoy::config::core::v3::data_source::Specifier;
use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{DataSource, HeaderValueOption, TypedExtensionConfig};
use envoy_types::pb::envoy::config::route::v3::route::Action as RouteAction;
use envoy_types::pb::envoy::config::route::v3::route_action::ClusterSpecifier;
use envoy_types::pb::envoy::config::route::v3::weighted_cluster::ClusterWeight;
use envoy_types::pb::envoy::config::route::v3::{
    DirectResponseAction, Route, RouteAction as Forwarding, RouteConfiguration, RouteMatch, VirtualHost,
    WeightedCluster,
};
use envoy_types::pb::envoy::extensions::filters::http::stateful_session::v3::stateful_session_per_route::Override;
use envoy_types::pb::envoy::extensions::filters::http::stateful_session::v3::{
    StatefulSession, StatefulSessionPerRoute,
};
use envoy_types::pb::envoy::extensions::http::stateful_session::cookie::v3::CookieBasedSessionState;
use envoy_types::pb::envoy::r#type::http::v3::Cookie;
use envoy_types::pb::google::protobuf::Any;
use mesh_model::load_balancer::{
    Action, FixedResponse, Forward, ForwardedFor, Listener, LoadBalancer, TargetStickiness,
};
use sidecar_contract::LocalReply;

use super::super::direct_response::{direct_response, match_all, set_header};
use super::super::envoy::{any, duration, uint32};
use super::manager::{SERVER, STATEFUL_SESSION};
use super::source_addresses::Clients;
use super::{cluster, conditions, redirect};
use crate::mesh_state::MeshState;
use crate::node::ingress_listener;

/// The cookie of an application load balancer that keeps a client at a target group.
const TARGET_GROUP_COOKIE: &str = "AWSALBTG";
/// Headers that Envoy adds to requests, and a load balancer does not.
const ENVOY_HEADERS: [&str; 2] = ["x-envoy-external-address", "x-envoy-internal"];

/// The ports of listeners as their clients see them, for redirects to them.
pub(super) enum Ports<'a> {
    /// Those of the listeners themselves.
    Listeners(&'a BTreeMap<String, u16>),
    /// Those of the entrances.
    Entrances(&'a BTreeMap<u16, Entrance>),
}

/// The routes of a listener for some of its clients.
pub(super) struct Routes<'r> {
    pub(super) state: &'r MeshState,
    pub(super) load_balancer: &'r LoadBalancer,
    pub(super) ports: &'r Ports<'r>,
    pub(super) notes: &'r mut Vec<String>,
}

impl<'a> Ports<'a> {
    pub(super) fn of_listeners(ports: &'a BTreeMap<String, u16>) -> Self {
        Self::Listeners(ports)
    }

    pub(super) fn of_entrances(entrances: &'a BTreeMap<u16, Entrance>) -> Self {
        Self::Entrances(entrances)
    }

    /// The port that a client uses for the listener of this port; the same if there is no such listener.
    pub(super) fn as_seen(&self, port: u16) -> u16 {
        let seen = match self {
            Self::Listeners(ports) => ports.get(&ingress_listener(&port.to_string())).copied(),
            Self::Entrances(entrances) => entrances.get(&port).map(|entrance| entrance.port),
        };
        seen.unwrap_or(port)
    }
}

impl Routes<'_> {
    /// The rules that hold for these clients, in order, and the default action.
    pub(super) fn configuration(
        &mut self,
        name: &str,
        port: u16,
        listener: &Listener,
        clients: &Clients,
    ) -> RouteConfiguration {
        let rules = listener.rules.iter().filter(|rule| clients.satisfy(rule));
        let mut routes: Vec<Route> = rules
            .flat_map(|rule| self.routes(&conditions::route_match(&rule.conditions), &rule.name, &rule.action))
            .collect();
        let default = format!("the default action of port {port}");
        routes.extend(self.routes(&match_all(), &default, &listener.default_action));
        RouteConfiguration {
            name: name.to_owned(),
            virtual_hosts: vec![VirtualHost {
                name: "all".to_owned(),
                domains: vec!["*".to_owned()],
                routes,
                ..Default::default()
            }],
            request_headers_to_add: vec![set_header("X-Forwarded-Port", &port.to_string())],
            request_headers_to_remove: ENVOY_HEADERS
                .into_iter()
                .chain((self.load_balancer.forwarded_for == ForwardedFor::Remove).then_some("x-forwarded-for"))
                .map(str::to_owned)
                .collect(),
            ..Default::default()
        }
    }

    /// Whether a target group of the listener has stickiness.
    pub(super) fn has_stickiness(&self, listener: &Listener) -> bool {
        listener.actions().any(|action| match action {
            Action::Forward(forward) => forward
                .target_groups
                .iter()
                .any(|(name, _)| self.stickiness(name).is_some()),
            Action::Redirect(_) | Action::FixedResponse(_) => false,
        })
    }

    /// The routes of a rule. A client that stays with a target group has a route of its own, by its cookie.
    fn routes(&mut self, matching: &RouteMatch, rule: &str, action: &Action) -> Vec<Route> {
        match action {
            Action::Forward(forward) => {
                let mut routes = Vec::new();
                if forward.stickiness.is_some() && forward.target_groups.len() > 1 {
                    for (name, _) in &forward.target_groups {
                        let mut matching = matching.clone();
                        matching.headers.push(conditions::cookie(TARGET_GROUP_COOKIE, name));
                        routes.push(self.forward(matching, rule, &Forward::to(name.as_str())));
                    }
                }
                routes.push(self.forward(matching.clone(), rule, forward));
                routes
            }
            Action::Redirect(to) => vec![Route {
                r#match: Some(matching.clone()),
                action: Some(RouteAction::Redirect(redirect::action(
                    to, rule, self.ports, self.notes,
                ))),
                response_headers_to_add: vec![set_header("server", SERVER)],
                ..Default::default()
            }],
            Action::FixedResponse(response) => vec![fixed_response(matching.clone(), response)],
        }
    }

    fn forward(&self, matching: RouteMatch, rule: &str, forward: &Forward) -> Route {
        let total: u32 = forward.target_groups.iter().map(|(_, weight)| *weight).sum();
        let cookie = |name: &str| forward.stickiness.map(|lifetime| target_group_cookie(name, lifetime));
        let to = match forward.target_groups.as_slice() {
            [(only, _)] => ClusterSpecifier::Cluster(cluster::name(only)),
            _ if total == 0 => {
                let explanation = format!("{rule} has no target group with a weight");
                return direct_response(matching, 503, LocalReply::NoHealthyEndpoint, explanation);
            }
            several => ClusterSpecifier::WeightedClusters(WeightedCluster {
                clusters: several
                    .iter()
                    .map(|(name, weight)| ClusterWeight {
                        name: cluster::name(name),
                        weight: uint32(*weight),
                        response_headers_to_add: cookie(name).into_iter().collect(),
                        typed_per_filter_config: self.session(name).into_iter().collect(),
                        ..Default::default()
                    })
                    .collect(),
                ..Default::default()
            }),
        };
        let only = match forward.target_groups.as_slice() {
            [(only, _)] => Some(only.as_str()),
            _ => None,
        };
        Route {
            r#match: Some(matching),
            action: Some(RouteAction::Route(Forwarding {
                cluster_specifier: Some(to),
                // Of a whole response: a load balancer has none.
                timeout: duration(Duration::ZERO),
                idle_timeout: duration(self.load_balancer.idle_timeout),
                ..Default::default()
            })),
            typed_per_filter_config: only.and_then(|name| self.session(name)).into_iter().collect(),
            ..Default::default()
        }
    }

    fn stickiness(&self, target_group: &str) -> Option<&TargetStickiness> {
        self.state.target_groups.get(target_group)?.stickiness.as_ref()
    }

    /// The session of a target group, in which a client stays at a target.
    fn session(&self, target_group: &str) -> Option<(String, Any)> {
        let stickiness = self.stickiness(target_group)?;
        let state = CookieBasedSessionState {
            cookie: Some(Cookie {
                name: stickiness.cookie.to_owned(),
                // Zero is a cookie that ends with the session of the browser.
                ttl: duration(stickiness.duration.unwrap_or_default()),
                path: "/".to_owned(),
                ..Default::default()
            }),
        };
        let session = StatefulSession {
            session_state: Some(TypedExtensionConfig {
                name: "envoy.http.stateful_session.cookie".to_owned(),
                typed_config: Some(any(&state)),
            }),
            ..Default::default()
        };
        let per_route = StatefulSessionPerRoute {
            r#override: Some(Override::StatefulSession(session)),
        };
        Some((STATEFUL_SESSION.to_owned(), any(&per_route)))
    }
}

/// The cookie of a client that stays with a target group.
fn target_group_cookie(name: &str, lifetime: Duration) -> HeaderValueOption {
    let seconds = lifetime.as_secs();
    let cookie = format!("{TARGET_GROUP_COOKIE}={name}; Max-Age={seconds}; Path=/");
    HeaderValueOption {
        // The application may set cookies, too.
        append_action: HeaderAppendAction::AppendIfExistsOrAdd.into(),
        ..set_header("set-cookie", &cookie)
    }
}

fn fixed_response(matching: RouteMatch, response: &FixedResponse) -> Route {
    let content_type = response.content_type.as_deref().unwrap_or("text/plain; charset=utf-8");
    let headers: Vec<HeaderValueOption> = [("content-type", content_type), ("server", SERVER)]
        .map(|(name, value)| set_header(name, value))
        .into();
    Route {
        r#match: Some(matching),
        response_headers_to_add: headers,
        action: Some(RouteAction::DirectResponse(DirectResponseAction {
            status: response.status.into(),
            body: (!response.body.is_empty()).then(|| DataSource {
                specifier: Some(Specifier::InlineString(response.body.clone())),
                ..Default::default()
            }),
            ..Default::default()
        })),
        ..Default::default()
    }
}
