//! Rules for gateway routes.

use super::super::cursor::Cursor;
use super::super::gateway_route::{
    GatewayRouteSpec, GrpcGatewayRoute, HostnameMatch, HttpGatewayRoute, HttpGatewayRouteRewrite,
};
use super::exactly_one;
use super::routes::{headers, path, prefix, service_name};

pub(in crate::app_mesh) fn gateway_route(spec: &GatewayRouteSpec, cursor: &mut Cursor<'_>) {
    exactly_one(
        &[
            ("httpRoute", spec.http_route.is_some()),
            ("http2Route", spec.http2_route.is_some()),
            ("grpcRoute", spec.grpc_route.is_some()),
        ],
        cursor,
    );
    if let Some(route) = &spec.http_route {
        http(route, &mut cursor.at("httpRoute"));
    }
    if let Some(route) = &spec.http2_route {
        http(route, &mut cursor.at("http2Route"));
    }
    if let Some(route) = &spec.grpc_route {
        grpc(route, &mut cursor.at("grpcRoute"));
    }
}

fn http(route: &HttpGatewayRoute, cursor: &mut Cursor<'_>) {
    let matching = &route.matching;
    let has_path = matching.prefix.is_some() || matching.path.is_some();
    if !has_path && matching.hostname.is_none() && matching.port.is_none() {
        cursor
            .at("match")
            .diagnostic("has none of prefix, path, hostname and port; at least one is required");
    }
    if matching.prefix.is_some() && matching.path.is_some() {
        cursor
            .at("match")
            .diagnostic("has prefix and path; only one of them is allowed");
    }
    prefix(matching.prefix.as_deref(), &mut cursor.at("match.prefix"));
    path(matching.path.as_ref(), &mut cursor.at("match.path"));
    hostname(matching.hostname.as_ref(), cursor);
    headers(&matching.headers, "match.headers", cursor);
    if let Some(rewrite) = &route.action.rewrite {
        check_rewrites(rewrite, matching.path.is_some(), &mut cursor.at("action.rewrite"));
    }
}

fn check_rewrites(rewrite: &HttpGatewayRouteRewrite, matches_path: bool, cursor: &mut Cursor<'_>) {
    let HttpGatewayRouteRewrite { hostname, prefix, path } = rewrite;
    if hostname.is_none() && prefix.is_none() && path.is_none() {
        cursor.diagnostic("is empty; it requires hostname, prefix or path");
    }
    if prefix.is_some() && path.is_some() {
        cursor.diagnostic("has prefix and path; only one of them is allowed");
    }
    let Some(prefix) = prefix else { return };
    if matches_path {
        cursor
            .at("prefix")
            .diagnostic("requires a prefix match; rewrite the path instead");
    }
    exactly_one(
        &[
            ("defaultPrefix", prefix.default_prefix.is_some()),
            ("value", prefix.value.is_some()),
        ],
        &mut cursor.at("prefix"),
    );
    if let Some(value) = &prefix.value
        && !(value.starts_with('/') && value.ends_with('/'))
    {
        cursor
            .at("prefix.value")
            .diagnostic(format!("is `{value}`; it must start and end with /"));
    }
}

fn grpc(route: &GrpcGatewayRoute, cursor: &mut Cursor<'_>) {
    let matching = &route.matching;
    if matching.service_name.is_none() && matching.hostname.is_none() && matching.port.is_none() {
        cursor
            .at("match")
            .diagnostic("has none of serviceName, hostname and port; at least one is required");
    }
    service_name(matching.service_name.as_deref(), cursor);
    hostname(matching.hostname.as_ref(), cursor);
    headers(&matching.metadata, "match.metadata", cursor);
    if route.action.rewrite.is_some_and(|rewrite| rewrite.hostname.is_none()) {
        cursor.at("action.rewrite").diagnostic("is empty; it requires hostname");
    }
}

fn hostname(hostname: Option<&HostnameMatch>, cursor: &mut Cursor<'_>) {
    if let Some(hostname) = hostname {
        exactly_one(
            &[
                ("exact", hostname.exact.is_some()),
                ("suffix", hostname.suffix.is_some()),
            ],
            &mut cursor.at("match.hostname"),
        );
    }
}
