//! The routes of a virtual service's port, at its callers.

use std::time::Duration;

use envoy_types::pb::envoy::config::route::v3::route::Action;
use envoy_types::pb::envoy::config::route::v3::route_action::ClusterSpecifier;
use envoy_types::pb::envoy::config::route::v3::{RetryPolicy, Route, RouteAction, RouteMatch};
use mesh_model::app_mesh::RouteSpec;
use mesh_model::app_mesh::matching::HttpMethod;
use mesh_model::app_mesh::route::{HttpRouteMatch, WeightedTarget};
use sidecar_contract::LocalReply;

use super::super::direct_response::{direct_response, match_all};
use super::super::envoy::duration_or_unlimited;
use super::context::{Backend, NodeContext};
use super::timeouts::Timeouts;
use super::virtual_service::{PortProvider, ServicePort};
use super::{matching, retries, route_precedence, weighted_clusters};

/// The routes of a port of the HTTP family in order of precedence; the last one matches everything.
pub(super) fn to_port(context: &mut NodeContext<'_>, backend: Backend<'_>, port: &ServicePort<'_>) -> Vec<Route> {
    match port.provider {
        PortProvider::VirtualNode(node, listener) => {
            let cluster = weighted_clusters::node_cluster(context, node, listener, backend);
            vec![to_clusters(
                match_all(),
                ClusterSpecifier::Cluster(cluster),
                Timeouts::of_listener(listener),
                Some(retries::default_policy()),
            )]
        }
        PortProvider::VirtualRouter(router, _) => {
            let mut ordered: Vec<(route_precedence::Rank, &RouteSpec)> = port
                .routes()
                .map(|(name, route)| (route_precedence::of_route(name, route), route))
                .collect();
            ordered.sort_by(|(a, _), (b, _)| a.cmp(b));
            let mut routes: Vec<Route> = ordered
                .into_iter()
                .filter_map(|((.., name), route)| translate(context, backend, router, &name, route))
                .collect();
            let explanation = format!("no route of virtual router {router} matches this request");
            routes.push(direct_response(match_all(), 404, LocalReply::NoRoute, explanation));
            routes
        }
    }
}

/// The response for a virtual service without a provider.
pub(super) fn no_provider(service: &str) -> Vec<Route> {
    let explanation = format!("virtual service {service} has no provider");
    vec![direct_response(
        match_all(),
        503,
        LocalReply::NoHealthyEndpoint,
        explanation,
    )]
}

/// The targets of a TCP port, and the idle timeout. `None` if there is no route.
pub(super) fn to_tcp_port<'a>(port: &ServicePort<'a>) -> Option<(&'a [WeightedTarget], Option<Duration>)> {
    let route = port
        .routes()
        .filter_map(|(name, route)| Some((route_precedence::of_route(name, route), route.tcp_route.as_ref()?)))
        .min_by(|(a, _), (b, _)| a.cmp(b));
    let (_, route) = route?;
    Some((&route.action.weighted_targets, super::timeouts::of_tcp(route.timeout)))
}

fn translate(
    context: &mut NodeContext<'_>,
    backend: Backend<'_>,
    router: &str,
    name: &str,
    route: &RouteSpec,
) -> Option<Route> {
    let http = route.http_route.as_ref().or(route.http2_route.as_ref());
    let (matching, action) = match (http, &route.grpc_route) {
        (Some(http), _) => (http_match(&http.matching), &http.action),
        (None, Some(grpc)) => {
            let wanted = &grpc.matching;
            let matching = matching::grpc(
                wanted.service_name.as_deref(),
                wanted.method_name.as_deref(),
                &wanted.metadata,
            );
            (matching, &grpc.action)
        }
        // A TCP route on a port of another protocol, which is an error in the mesh specification.
        (None, None) => return None,
    };
    if http.is_some_and(|http| http.matching.method == Some(HttpMethod::Connect)) {
        context.note(format!(
            "route `{name}` of virtual router `{router}` is left out: `match.method` is CONNECT, and such requests have no path to match"
        ));
        return None;
    }
    let mut notes = Vec::new();
    let retries = retries::of_route(route, &mut notes);
    for note in notes {
        context.note(format!("route `{name}` of virtual router `{router}`: {note}"));
    }
    Some(
        match weighted_clusters::weighted(context, &action.weighted_targets, backend) {
            Some(weighted) => to_clusters(matching, weighted.for_http(), Timeouts::of_route(route), retries),
            None => direct_response(
                matching,
                503,
                LocalReply::NoHealthyEndpoint,
                format!("every target of route {name} of virtual router {router} has weight 0"),
            ),
        },
    )
}

fn http_match(wanted: &HttpRouteMatch) -> RouteMatch {
    matching::Http {
        prefix: wanted.prefix.as_deref(),
        path: wanted.path.as_ref(),
        method: wanted.method,
        scheme: wanted.scheme,
        headers: &wanted.headers,
        query_parameters: &wanted.query_parameters,
    }
    .translate()
}

/// A route to clusters.
pub(super) fn to_clusters(
    matching: RouteMatch,
    clusters: ClusterSpecifier,
    timeouts: Timeouts,
    retry_policy: Option<RetryPolicy>,
) -> Route {
    Route {
        r#match: Some(matching),
        action: Some(Action::Route(RouteAction {
            cluster_specifier: Some(clusters),
            timeout: duration_or_unlimited(timeouts.per_request),
            idle_timeout: duration_or_unlimited(timeouts.idle),
            retry_policy,
            ..Default::default()
        })),
        ..Default::default()
    }
}
