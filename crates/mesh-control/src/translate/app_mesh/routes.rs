//! The routes of a virtual service's port, at its callers.

use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::RuntimeFractionalPercent;
use envoy_types::pb::envoy::config::route::v3::route::Action;
use envoy_types::pb::envoy::config::route::v3::route_action::{ClusterSpecifier, RequestMirrorPolicy};
use envoy_types::pb::envoy::config::route::v3::{RetryPolicy, Route, RouteAction, RouteMatch};
use envoy_types::pb::envoy::r#type::v3::FractionalPercent;
use envoy_types::pb::envoy::r#type::v3::fractional_percent::DenominatorType;
use mesh_model::app_mesh::RouteSpec;
use mesh_model::app_mesh::matching::HttpMethod;
use mesh_model::app_mesh::route::{HttpRouteMatch, Mirror, WeightedTarget};
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
    let mirrors: Vec<RequestMirrorPolicy> = http
        .into_iter()
        .flat_map(|http| &http.mirrors)
        .map(|mirror| mirror_policy(weighted_clusters::mirror_cluster(context, mirror, backend), mirror))
        .collect();
    Some(
        match weighted_clusters::weighted(context, &action.weighted_targets, backend) {
            Some(weighted) => {
                let clusters = weighted.for_http();
                with_mirrors(
                    to_clusters(matching, clusters, Timeouts::of_route(route), retries),
                    mirrors,
                )
            }
            None => direct_response(
                matching,
                503,
                LocalReply::NoHealthyEndpoint,
                format!("every target of route {name} of virtual router {router} has weight 0"),
            ),
        },
    )
}

/// Copies a share of the requests, bodies included. Envoy does not wait for the responses. Without a suffix, the host stays
/// that of the original request.
fn mirror_policy(cluster: String, mirror: &Mirror) -> RequestMirrorPolicy {
    RequestMirrorPolicy {
        cluster,
        runtime_fraction: Some(RuntimeFractionalPercent {
            default_value: Some(FractionalPercent {
                numerator: mirror.percentage,
                denominator: DenominatorType::Hundred.into(),
            }),
            ..Default::default()
        }),
        disable_shadow_host_suffix_append: true,
        ..Default::default()
    }
}

fn with_mirrors(mut route: Route, mirrors: Vec<RequestMirrorPolicy>) -> Route {
    if let Some(Action::Route(action)) = &mut route.action {
        action.request_mirror_policies = mirrors;
    }
    route
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
