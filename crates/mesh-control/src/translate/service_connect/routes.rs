//! Routes: Host, timeouts, retries.

use envoy_types::pb::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier;
use envoy_types::pb::envoy::config::route::v3::route::Action;
use envoy_types::pb::envoy::config::route::v3::route_action::ClusterSpecifier;
use envoy_types::pb::envoy::config::route::v3::{
    HeaderMatcher, RetryPolicy, Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost,
};
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use envoy_types::pb::envoy::r#type::matcher::v3::{RegexMatcher, StringMatcher};
use mesh_model::namespace::{Namespace, ServiceConnectService};
use sidecar_contract::{LocalReply, local_reply};

use super::super::direct_response::{abbreviated, direct_response, match_all};
use super::super::envoy::duration_or_unlimited;
use super::super::retry::retry_other_hosts;
use super::names;

/// The routes of an explicit proxy's egress listener: all HTTP services.
pub(super) fn egress(namespace: &Namespace) -> RouteConfiguration {
    let endpoints = namespace
        .services
        .iter()
        .filter(|endpoint| endpoint.protocol.is_http_family());
    by_host(names::EGRESS_ROUTES.to_owned(), namespace, endpoints)
}

/// Routes by Host: one virtual host for each service, and a local reply for all others.
pub(super) fn by_host<'e>(
    name: String,
    namespace: &Namespace,
    endpoints: impl IntoIterator<Item = &'e ServiceConnectService>,
) -> RouteConfiguration {
    let hosts = endpoints
        .into_iter()
        .map(|endpoint| host_of(namespace, endpoint, domains(endpoint)));
    RouteConfiguration {
        name,
        virtual_hosts: hosts.chain([unknown_service(namespace)]).collect(),
        ..Default::default()
    }
}

/// Routes to one service, whatever the Host is: the application selected it by its address.
pub(super) fn to_endpoint(name: String, namespace: &Namespace, endpoint: &ServiceConnectService) -> RouteConfiguration {
    RouteConfiguration {
        name,
        virtual_hosts: vec![host_of(namespace, endpoint, vec!["*".to_owned()])],
        ..Default::default()
    }
}

fn host_of(namespace: &Namespace, endpoint: &ServiceConnectService, domains: Vec<String>) -> VirtualHost {
    VirtualHost {
        name: format!("{}:{}", endpoint.dns_name, endpoint.port),
        domains,
        routes: to_tasks(&names::egress_cluster(namespace, endpoint), endpoint),
        ..Default::default()
    }
}

/// The routes of an ingress listener, all to the application. Retries are the caller's, on another host. Local-reply
/// headers are removed from the application's responses.
pub(super) fn ingress(name: String, cluster: String, endpoint: &ServiceConnectService) -> RouteConfiguration {
    RouteConfiguration {
        virtual_hosts: vec![VirtualHost {
            name: "application".to_owned(),
            domains: vec!["*".to_owned()],
            routes: vec![to_cluster(&cluster, endpoint, match_all(), None)],
            response_headers_to_remove: vec![local_reply::HEADER.to_owned()],
            ..Default::default()
        }],
        name,
        ..Default::default()
    }
}

/// The Host headers of a service. Port 80 is optional in HTTP, others are required.
fn domains(endpoint: &ServiceConnectService) -> Vec<String> {
    let with_port = format!("{}:{}", endpoint.dns_name, endpoint.port);
    if endpoint.port == 80 {
        vec![endpoint.dns_name.clone(), with_port]
    } else {
        vec![with_port]
    }
}

/// The routes to a service: one for idempotent methods, one for all others.
fn to_tasks(cluster: &str, endpoint: &ServiceConnectService) -> Vec<Route> {
    let repeatable = RouteMatch {
        headers: vec![HeaderMatcher {
            name: ":method".to_owned(),
            header_match_specifier: Some(HeaderMatchSpecifier::StringMatch(StringMatcher {
                match_pattern: Some(MatchPattern::SafeRegex(RegexMatcher {
                    regex: "GET|HEAD|OPTIONS|TRACE|PUT|DELETE".to_owned(),
                    ..Default::default()
                })),
                ..Default::default()
            })),
            ..Default::default()
        }],
        ..match_all()
    };
    let retries = "connect-failure,refused-stream,retriable-status-codes";
    vec![
        to_cluster(
            cluster,
            endpoint,
            repeatable,
            Some(retry_policy(&format!("{retries},reset"))),
        ),
        to_cluster(cluster, endpoint, match_all(), Some(retry_policy(retries))),
    ]
}

fn to_cluster(
    cluster: &str,
    endpoint: &ServiceConnectService,
    matching: RouteMatch,
    retry_policy: Option<RetryPolicy>,
) -> Route {
    Route {
        r#match: Some(matching),
        action: Some(Action::Route(RouteAction {
            cluster_specifier: Some(ClusterSpecifier::Cluster(cluster.to_owned())),
            timeout: duration_or_unlimited(endpoint.per_request_timeout),
            idle_timeout: duration_or_unlimited(endpoint.idle_timeout),
            retry_policy,
            ..Default::default()
        })),
        ..Default::default()
    }
}

/// Two retries on other hosts, as long as there are any. Source: ECS developer guide, Service Connect concepts (read
/// 2026-11-23); that connection failures and 503 are retried, whatever the method, is from AWS staff in the public
/// containers roadmap, item 1963.
///
/// `reset` is our choice, for idempotent methods. A task that dies with a request in flight causes a 503 if its
/// application died and a broken connection if its Envoy did, and callers should see no difference; but it is unknown
/// how far the request had come, so a POST is not retried.
fn retry_policy(retry_on: &str) -> RetryPolicy {
    retry_other_hosts(retry_on, 2, vec![503])
}

/// The local reply for every Host that the namespace does not have.
fn unknown_service(namespace: &Namespace) -> VirtualHost {
    VirtualHost {
        name: "unknown-service".to_owned(),
        domains: vec!["*".to_owned()],
        routes: vec![direct_response(
            match_all(),
            404,
            LocalReply::UnknownService,
            service_names(namespace),
        )],
        ..Default::default()
    }
}

fn service_names(namespace: &Namespace) -> String {
    let names: Vec<String> = namespace
        .services
        .iter()
        .filter(|endpoint| endpoint.protocol.is_http_family())
        .map(|endpoint| match endpoint.port {
            80 => endpoint.dns_name.clone(),
            port => format!("{}:{port}", endpoint.dns_name),
        })
        .collect();
    if names.is_empty() {
        format!("namespace {} has no HTTP service", namespace.name)
    } else {
        format!("namespace {} has {}", namespace.name, abbreviated(&names))
    }
}
