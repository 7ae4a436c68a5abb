//! Rules for routes.

use super::super::cursor::Cursor;
use super::super::matching::{HeaderMatch, HeaderMatchMethod, HttpPathMatch};

use super::super::route::{GrpcRoute, HttpRetryPolicy, HttpRoute, RouteAction, RouteSpec};
use super::{duration, exactly_one};

/// Path prefixes that App Mesh reserves. Source: user guide, routes and gateway routes (read 2026-11-23).
const RESERVED_PREFIXES: [&str; 2] = ["/aws-appmesh", "/aws-app-mesh"];
/// gRPC services that App Mesh reserves.
const RESERVED_SERVICES: [&str; 2] = ["aws.appmesh", "aws.app-mesh"];

pub(in crate::app_mesh) fn route(spec: &RouteSpec, cursor: &mut Cursor<'_>) {
    exactly_one(
        &[
            ("httpRoute", spec.http_route.is_some()),
            ("http2Route", spec.http2_route.is_some()),
            ("grpcRoute", spec.grpc_route.is_some()),
            ("tcpRoute", spec.tcp_route.is_some()),
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
    if let Some(route) = &spec.tcp_route {
        let mut cursor = cursor.at("tcpRoute");
        weights(&route.action, &mut cursor);
        duration(
            route.timeout.and_then(|timeout| timeout.idle),
            "timeout.idle",
            &mut cursor,
        );
    }
}

fn http(route: &HttpRoute, cursor: &mut Cursor<'_>) {
    let matching = &route.matching;
    exactly_one(
        &[("prefix", matching.prefix.is_some()), ("path", matching.path.is_some())],
        &mut cursor.at("match"),
    );
    prefix(matching.prefix.as_deref(), &mut cursor.at("match.prefix"));
    path(matching.path.as_ref(), &mut cursor.at("match.path"));
    headers(&matching.headers, "match.headers", cursor);
    weights(&route.action, cursor);
    if let Some(policy) = &route.retry_policy {
        retries(policy, cursor);
    }
    timeouts(route.timeout, cursor);
}

fn grpc(route: &GrpcRoute, cursor: &mut Cursor<'_>) {
    if route.matching.method_name.is_some() && route.matching.service_name.is_none() {
        cursor
            .at("match.serviceName")
            .diagnostic("is missing; a method name requires it");
    }
    service_name(route.matching.service_name.as_deref(), cursor);
    headers(&route.matching.metadata, "match.metadata", cursor);
    weights(&route.action, cursor);
    if let Some(policy) = &route.retry_policy {
        retries(&policy.http, cursor);
    }
    timeouts(route.timeout, cursor);
}

fn retries(policy: &HttpRetryPolicy, cursor: &mut Cursor<'_>) {
    const EVENTS: [&str; 4] = ["server-error", "gateway-error", "client-error", "stream-error"];
    duration(Some(policy.per_retry_timeout), "retryPolicy.perRetryTimeout", cursor);
    for (index, event) in policy.http_retry_events.iter().enumerate() {
        if !EVENTS.contains(&event.as_str()) {
            cursor
                .at(&format!("retryPolicy.httpRetryEvents[{index}]"))
                .diagnostic(format!("is `{event}`; allowed are {}", EVENTS.join(", ")));
        }
    }
}

fn timeouts(timeout: Option<super::super::listener::RequestTimeout>, cursor: &mut Cursor<'_>) {
    if let Some(timeout) = timeout {
        duration(timeout.per_request, "timeout.perRequest", cursor);
        duration(timeout.idle, "timeout.idle", cursor);
    }
}

fn weights(action: &RouteAction, cursor: &mut Cursor<'_>) {
    let total: u32 = action.weighted_targets.iter().map(|target| target.weight).sum();
    if total > 100 {
        cursor
            .at("action.weightedTargets")
            .diagnostic(format!("has a sum of weights of {total}; allowed is at most 100"));
    }
}

pub(super) fn prefix(prefix: Option<&str>, cursor: &mut Cursor<'_>) {
    let Some(prefix) = prefix else { return };
    if !prefix.starts_with('/') {
        cursor.diagnostic(format!("is `{prefix}`; it must start with /"));
    }
    if let Some(reserved) = RESERVED_PREFIXES.iter().find(|reserved| prefix.starts_with(**reserved)) {
        cursor.diagnostic(format!("is `{prefix}`; App Mesh reserves {reserved}*"));
    }
}

pub(super) fn path(path: Option<&HttpPathMatch>, cursor: &mut Cursor<'_>) {
    if let Some(path) = path {
        exactly_one(
            &[("exact", path.exact.is_some()), ("regex", path.regex.is_some())],
            cursor,
        );
        if let Some(regex) = &path.regex {
            regular_expression(regex, &mut cursor.at("regex"));
        }
    }
}

pub(super) fn service_name(name: Option<&str>, cursor: &mut Cursor<'_>) {
    let reserved = |name: &&str| RESERVED_SERVICES.iter().any(|reserved| name.starts_with(reserved));
    if let Some(name) = name.filter(reserved) {
        cursor.at("match.serviceName").diagnostic(format!(
            "is `{name}`; App Mesh reserves {}*",
            RESERVED_SERVICES.join("* and ")
        ));
    }
}

pub(super) fn headers(headers: &[HeaderMatch], field: &str, cursor: &mut Cursor<'_>) {
    for (index, header) in headers.iter().enumerate() {
        let mut cursor = cursor.at(&format!("{field}[{index}].match"));
        match &header.method {
            Some(HeaderMatchMethod::Range(range)) if range.end <= range.start => {
                cursor.at("range").diagnostic(format!(
                    "ends at {}, which is not after its start {}",
                    range.end, range.start
                ));
            }
            Some(HeaderMatchMethod::Regex(regex)) => regular_expression(regex, &mut cursor.at("regex")),
            _ => {}
        }
    }
}

fn regular_expression(expression: &str, cursor: &mut Cursor<'_>) {
    if let Err(diagnostic) = re2_syntax::check(expression) {
        cursor.diagnostic(diagnostic);
    }
}
