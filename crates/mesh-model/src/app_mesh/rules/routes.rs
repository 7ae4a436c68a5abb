//! Routes.

use super::super::document::Place;
use super::super::matching::{HeaderMatch, HeaderMatchMethod, HttpPathMatch};

use super::super::route::{GrpcRoute, HttpRetryPolicy, HttpRoute, RouteAction, RouteSpec};
use super::{duration, exactly_one};

/// Paths that App Mesh keeps to itself. Source: user guide, routes and gateway routes (read 2026-11-23).
const RESERVED_PREFIXES: [&str; 2] = ["/aws-appmesh", "/aws-app-mesh"];
/// gRPC services that App Mesh keeps to itself.
const RESERVED_SERVICES: [&str; 2] = ["aws.appmesh", "aws.app-mesh"];

pub(in crate::app_mesh) fn route(spec: &RouteSpec, place: &mut Place<'_>) {
    exactly_one(
        &[
            ("httpRoute", spec.http_route.is_some()),
            ("http2Route", spec.http2_route.is_some()),
            ("grpcRoute", spec.grpc_route.is_some()),
            ("tcpRoute", spec.tcp_route.is_some()),
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
    if let Some(route) = &spec.tcp_route {
        let mut place = place.at("tcpRoute");
        weights(&route.action, &mut place);
        duration(
            route.timeout.and_then(|timeout| timeout.idle),
            "timeout.idle",
            &mut place,
        );
    }
}

fn http(route: &HttpRoute, place: &mut Place<'_>) {
    let matching = &route.matching;
    exactly_one(
        &[("prefix", matching.prefix.is_some()), ("path", matching.path.is_some())],
        &mut place.at("match"),
    );
    prefix(matching.prefix.as_deref(), &mut place.at("match.prefix"));
    path(matching.path.as_ref(), &mut place.at("match.path"));
    headers(&matching.headers, "match.headers", place);
    weights(&route.action, place);
    if let Some(policy) = &route.retry_policy {
        retries(policy, place);
    }
    timeouts(route.timeout, place);
}

fn grpc(route: &GrpcRoute, place: &mut Place<'_>) {
    if route.matching.method_name.is_some() && route.matching.service_name.is_none() {
        place
            .at("match.serviceName")
            .diagnostic("is missing; a method name needs it");
    }
    service_name(route.matching.service_name.as_deref(), place);
    headers(&route.matching.metadata, "match.metadata", place);
    weights(&route.action, place);
    if let Some(policy) = &route.retry_policy {
        retries(&policy.http, place);
    }
    timeouts(route.timeout, place);
}

fn retries(policy: &HttpRetryPolicy, place: &mut Place<'_>) {
    const EVENTS: [&str; 4] = ["server-error", "gateway-error", "client-error", "stream-error"];
    duration(Some(policy.per_retry_timeout), "retryPolicy.perRetryTimeout", place);
    for (index, event) in policy.http_retry_events.iter().enumerate() {
        if !EVENTS.contains(&event.as_str()) {
            place
                .at(&format!("retryPolicy.httpRetryEvents[{index}]"))
                .diagnostic(format!("is `{event}`; allowed are {}", EVENTS.join(", ")));
        }
    }
}

fn timeouts(timeout: Option<super::super::listener::RequestTimeout>, place: &mut Place<'_>) {
    if let Some(timeout) = timeout {
        duration(timeout.per_request, "timeout.perRequest", place);
        duration(timeout.idle, "timeout.idle", place);
    }
}

fn weights(action: &RouteAction, place: &mut Place<'_>) {
    let total: u32 = action.weighted_targets.iter().map(|target| target.weight).sum();
    if total > 100 {
        place
            .at("action.weightedTargets")
            .diagnostic(format!("have weights that add up to {total}; allowed is 100"));
    }
}

pub(super) fn prefix(prefix: Option<&str>, place: &mut Place<'_>) {
    let Some(prefix) = prefix else { return };
    if !prefix.starts_with('/') {
        place.diagnostic(format!("is `{prefix}`; it must begin with /"));
    }
    if let Some(reserved) = RESERVED_PREFIXES.iter().find(|reserved| prefix.starts_with(**reserved)) {
        place.diagnostic(format!("is `{prefix}`; App Mesh keeps {reserved}* to itself"));
    }
}

pub(super) fn path(path: Option<&HttpPathMatch>, place: &mut Place<'_>) {
    if let Some(path) = path {
        exactly_one(
            &[("exact", path.exact.is_some()), ("regex", path.regex.is_some())],
            place,
        );
        if let Some(regex) = &path.regex {
            regular_expression(regex, &mut place.at("regex"));
        }
    }
}

pub(super) fn service_name(name: Option<&str>, place: &mut Place<'_>) {
    let reserved = |name: &&str| RESERVED_SERVICES.iter().any(|reserved| name.starts_with(reserved));
    if let Some(name) = name.filter(reserved) {
        place.at("match.serviceName").diagnostic(format!(
            "is `{name}`; App Mesh keeps {} to itself",
            RESERVED_SERVICES.join("* and ")
        ));
    }
}

pub(super) fn headers(headers: &[HeaderMatch], field: &str, place: &mut Place<'_>) {
    for (index, header) in headers.iter().enumerate() {
        let mut place = place.at(&format!("{field}[{index}].match"));
        match &header.method {
            Some(HeaderMatchMethod::Range(range)) if range.end <= range.start => {
                place.at("range").diagnostic(format!(
                    "ends at {}, which is not after its start {}",
                    range.end, range.start
                ));
            }
            Some(HeaderMatchMethod::Regex(regex)) => regular_expression(regex, &mut place.at("regex")),
            _ => {}
        }
    }
}

fn regular_expression(expression: &str, place: &mut Place<'_>) {
    if let Err(diagnostic) = re2_syntax::check(expression) {
        place.diagnostic(diagnostic);
    }
}
