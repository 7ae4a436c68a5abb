//! Gateway routes.

use super::super::document::Place;
use super::super::gateway_route::{
    GatewayRouteSpec, GrpcGatewayRoute, HostnameMatch, HttpGatewayRoute, HttpGatewayRouteRewrite,
};
use super::exactly_one;
use super::routes::{headers, path, prefix, service_name};

pub(in crate::app_mesh) fn gateway_route(spec: &GatewayRouteSpec, place: &mut Place<'_>) {
    exactly_one(
        &[
            ("httpRoute", spec.http_route.is_some()),
            ("http2Route", spec.http2_route.is_some()),
            ("grpcRoute", spec.grpc_route.is_some()),
        ],
        place,
    );
    if let Some(route) = &spec.http_route {
        http(route, &mut place.at("httpRoute"));
    }
    if let Some(route) = &spec.http2_route {
        http(route, &mut place.at("http2Route"));
    }
    if let Some(route) = &spec.grpc_route {
        grpc(route, &mut place.at("grpcRoute"));
    }
}

fn http(route: &HttpGatewayRoute, place: &mut Place<'_>) {
    let matching = &route.matching;
    if matching.prefix.is_none() && matching.path.is_none() && matching.hostname.is_none() {
        place
            .at("match")
            .diagnostic("has none of prefix, path and hostname; one at least is needed");
    }
    if matching.prefix.is_some() && matching.path.is_some() {
        place
            .at("match")
            .diagnostic("has prefix and path; only one of them is allowed");
    }
    prefix(matching.prefix.as_deref(), &mut place.at("match.prefix"));
    path(matching.path.as_ref(), &mut place.at("match.path"));
    hostname(matching.hostname.as_ref(), place);
    headers(&matching.headers, "match.headers", place);
    if let Some(rewrite) = &route.action.rewrite {
        rewrites(rewrite, matching.path.is_some(), &mut place.at("action.rewrite"));
    }
}

fn rewrites(rewrite: &HttpGatewayRouteRewrite, matches_path: bool, place: &mut Place<'_>) {
    let HttpGatewayRouteRewrite { hostname, prefix, path } = rewrite;
    if hostname.is_none() && prefix.is_none() && path.is_none() {
        place.diagnostic("is empty; it needs hostname, prefix or path");
    }
    if prefix.is_some() && path.is_some() {
        place.diagnostic("has prefix and path; only one of them is allowed");
    }
    let Some(prefix) = prefix else { return };
    if matches_path {
        place
            .at("prefix")
            .diagnostic("cannot be rewritten where a whole path is matched; rewrite the path");
    }
    exactly_one(
        &[
            ("defaultPrefix", prefix.default_prefix.is_some()),
            ("value", prefix.value.is_some()),
        ],
        &mut place.at("prefix"),
    );
    if let Some(value) = &prefix.value
        && !(value.starts_with('/') && value.ends_with('/'))
    {
        place
            .at("prefix.value")
            .diagnostic(format!("is `{value}`; it must begin and end with /"));
    }
}

fn grpc(route: &GrpcGatewayRoute, place: &mut Place<'_>) {
    let matching = &route.matching;
    if matching.service_name.is_none() && matching.hostname.is_none() {
        place
            .at("match")
            .diagnostic("has neither serviceName nor hostname; one at least is needed");
    }
    service_name(matching.service_name.as_deref(), place);
    hostname(matching.hostname.as_ref(), place);
    headers(&matching.metadata, "match.metadata", place);
    if route.action.rewrite.is_some_and(|rewrite| rewrite.hostname.is_none()) {
        place.at("action.rewrite").diagnostic("is empty; it needs hostname");
    }
}

fn hostname(hostname: Option<&HostnameMatch>, place: &mut Place<'_>) {
    if let Some(hostname) = hostname {
        exactly_one(
            &[
                ("exact", hostname.exact.is_some()),
                ("suffix", hostname.suffix.is_some()),
            ],
            &mut place.at("match.hostname"),
        );
    }
}
