//! Routes: which Host leads where, how long it may take, and what is tried again.

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

use super::super::answer::{answer, every_path, some_of};
use super::super::envoy::duration_or_unlimited;
use super::super::retry::retry_elsewhere;
use super::names;

/// The routes behind the egress listener of explicit wiring: everything that HTTP calls.
pub(super) fn egress(namespace: &Namespace) -> RouteConfiguration {
    let endpoints = namespace
        .services
        .iter()
        .filter(|endpoint| endpoint.protocol.is_http_family());
    by_host(names::EGRESS_ROUTES.to_owned(), namespace, endpoints)
}

/// Routes to endpoints that the Host tells apart: one virtual host each, and an explanation for all others.
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

/// Routes to the one endpoint that can be meant, whatever the Host is: the application chose it by its address.
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

/// The routes behind an ingress listener: everything leads to the application. What failed there is the
/// caller's to try again, with another task. Nothing the application says passes for the word of its sidecar.
pub(super) fn ingress(name: String, cluster: String, endpoint: &ServiceConnectService) -> RouteConfiguration {
    RouteConfiguration {
        virtual_hosts: vec![VirtualHost {
            name: "application".to_owned(),
            domains: vec!["*".to_owned()],
            routes: vec![to_cluster(&cluster, endpoint, every_path(), None)],
            response_headers_to_remove: vec![local_reply::HEADER.to_owned()],
            ..Default::default()
        }],
        name,
        ..Default::default()
    }
}

/// The Host headers that mean this endpoint. Port 80 goes without saying in HTTP, others have to be said.
fn domains(endpoint: &ServiceConnectService) -> Vec<String> {
    let with_port = format!("{}:{}", endpoint.dns_name, endpoint.port);
    if endpoint.port == 80 {
        vec![endpoint.dns_name.clone(), with_port]
    } else {
        vec![with_port]
    }
}

/// The routes to an endpoint's tasks: one for requests that do no harm when they are made twice, one for all others.
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
        ..every_path()
    };
    let retries = "connect-failure,refused-stream,retriable-status-codes";
    vec![
        to_cluster(
            cluster,
            endpoint,
            repeatable,
            Some(retry_policy(&format!("{retries},reset"))),
        ),
        to_cluster(cluster, endpoint, every_path(), Some(retry_policy(retries))),
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

/// Two retries that avoid the tasks that failed, as long as there are others. Source: ECS developer guide, Service
/// Connect concepts (read 2026-11-23); that connection failures and 503 are what is retried, whatever the method,
/// was said by AWS staff in the public containers roadmap, item 1963.
///
/// `reset` is our choice, for methods that HTTP calls idempotent. A task that dies with a request in flight looks
/// like a 503 if its application died and like a broken connection if its Envoy did, and callers should not have to
/// care which; but nobody knows how far the request had come, so a POST is not made a second time.
fn retry_policy(retry_on: &str) -> RetryPolicy {
    retry_elsewhere(retry_on, 2, vec![503])
}

/// The answer to every Host that the namespace does not have.
fn unknown_service(namespace: &Namespace) -> VirtualHost {
    VirtualHost {
        name: "unknown-service".to_owned(),
        domains: vec!["*".to_owned()],
        routes: vec![answer(
            every_path(),
            404,
            LocalReply::UnknownService,
            known_names(namespace),
        )],
        ..Default::default()
    }
}

fn known_names(namespace: &Namespace) -> String {
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
        format!("namespace {} has {}", namespace.name, some_of(&names))
    }
}
