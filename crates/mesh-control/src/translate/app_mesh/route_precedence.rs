//! Route precedence. Envoy takes the first route that matches:
//!
//! 1. the lower `priority`; routes without one come after all that have one;
//! 2. exact paths, then regular expressions, then prefixes, then routes that look at no path;
//! 3. the longer path, prefix or expression;
//! 4. the one with more conditions on headers, metadata, query parameters and the method;
//! 5. the name, in the order of its bytes.
//!
//! The first is App Mesh's, and so is the third between prefixes (its public roadmap, item 77, and the configuration of
//! a real gateway; read 2026-11-23). App Mesh's rules for the rest are not public.

use std::cmp::Reverse;

use mesh_model::app_mesh::gateway_route::{GrpcGatewayRouteMatch, HttpGatewayRouteMatch};
use mesh_model::app_mesh::matching::HttpPathMatch;
use mesh_model::app_mesh::route::{GrpcRouteMatch, HttpRouteMatch};
use mesh_model::app_mesh::{GatewayRouteSpec, RouteSpec};

/// The sort key of a route: smaller comes first.
pub(super) type Rank = (u32, PathKind, Reverse<usize>, Reverse<usize>, String);

/// The kind of path match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PathKind {
    Exact,
    Regex,
    Prefix,
    Any,
}

/// Greater than every valid priority.
const NO_PRIORITY: u32 = 1001;

pub(super) fn of_route(name: &str, route: &RouteSpec) -> Rank {
    let http = route.http_route.as_ref().or(route.http2_route.as_ref());
    let ((kind, length), conditions) = match (http, &route.grpc_route) {
        (Some(http), _) => (http_path(&http.matching), http_conditions(&http.matching)),
        (None, Some(grpc)) => (grpc_path(&grpc.matching), grpc.matching.metadata.len()),
        (None, None) => ((PathKind::Any, 0), 0),
    };
    rank(route.priority, kind, length, conditions, name)
}

pub(super) fn of_gateway_route(name: &str, route: &GatewayRouteSpec) -> Rank {
    let http = route.http_route.as_ref().or(route.http2_route.as_ref());
    let ((kind, length), conditions) = match (http, &route.grpc_route) {
        (Some(http), _) => (gateway_path(&http.matching), gateway_conditions(&http.matching)),
        (None, Some(grpc)) => (gateway_grpc_path(&grpc.matching), grpc.matching.metadata.len()),
        (None, None) => ((PathKind::Any, 0), 0),
    };
    rank(route.priority, kind, length, conditions, name)
}

fn rank(priority: Option<u32>, kind: PathKind, length: usize, conditions: usize, name: &str) -> Rank {
    (
        priority.unwrap_or(NO_PRIORITY),
        kind,
        Reverse(length),
        Reverse(conditions),
        name.to_owned(),
    )
}

fn http_path(matching: &HttpRouteMatch) -> (PathKind, usize) {
    path(matching.path.as_ref(), matching.prefix.as_deref())
}

fn gateway_path(matching: &HttpGatewayRouteMatch) -> (PathKind, usize) {
    path(matching.path.as_ref(), matching.prefix.as_deref())
}

fn path(path: Option<&HttpPathMatch>, prefix: Option<&str>) -> (PathKind, usize) {
    match (path, prefix) {
        (Some(HttpPathMatch { exact: Some(exact), .. }), _) => (PathKind::Exact, exact.len()),
        (Some(HttpPathMatch { regex: Some(regex), .. }), _) => (PathKind::Regex, regex.len()),
        (_, Some(prefix)) => (PathKind::Prefix, prefix.len()),
        _ => (PathKind::Any, 0),
    }
}

/// In gRPC, a method is an exact path and a service is a prefix.
fn grpc_path(matching: &GrpcRouteMatch) -> (PathKind, usize) {
    match (&matching.service_name, &matching.method_name) {
        (Some(service), Some(method)) => (PathKind::Exact, service.len() + method.len()),
        (Some(service), None) => (PathKind::Prefix, service.len()),
        (None, _) => (PathKind::Any, 0),
    }
}

fn gateway_grpc_path(matching: &GrpcGatewayRouteMatch) -> (PathKind, usize) {
    match &matching.service_name {
        Some(service) => (PathKind::Prefix, service.len()),
        None => (PathKind::Any, 0),
    }
}

fn http_conditions(matching: &HttpRouteMatch) -> usize {
    let method = usize::from(matching.method.is_some()) + usize::from(matching.scheme.is_some());
    method + matching.headers.len() + matching.query_parameters.len()
}

fn gateway_conditions(matching: &HttpGatewayRouteMatch) -> usize {
    usize::from(matching.method.is_some()) + matching.headers.len() + matching.query_parameters.len()
}

#[cfg(test)]
mod tests {
    use mesh_model::app_mesh::{KeyCasing, Spec};
    use serde_json::{Value, json};

    use super::*;

    fn route(matching: &Value, priority: Option<u32>) -> RouteSpec {
        let mut document = json!({"httpRoute": {"match": matching, "action": {"weightedTargets": [
            {"virtualNode": "blue", "weight": 1}]}}});
        if let Some(priority) = priority {
            document["priority"] = json!(priority);
        }
        RouteSpec::read(&document, KeyCasing::Camel, "route").expect("a route")
    }

    #[test]
    fn route_precedence_is_total() {
        let header = json!([{"name": "a"}]);
        let in_order = [
            ("p0", route(&json!({"prefix": "/"}), Some(0))),
            ("p1", route(&json!({"path": {"exact": "/a"}}), Some(1))),
            ("exact-long", route(&json!({"path": {"exact": "/abc"}}), None)),
            ("exact", route(&json!({"path": {"exact": "/a"}}), None)),
            ("regex", route(&json!({"path": {"regex": "/a.*"}}), None)),
            ("prefix-long", route(&json!({"prefix": "/abc"}), None)),
            (
                "prefix-header",
                route(&json!({"prefix": "/a", "headers": header}), None),
            ),
            ("prefix-x", route(&json!({"prefix": "/a"}), None)),
            ("prefix-y", route(&json!({"prefix": "/a"}), None)),
        ];
        let mut sorted: Vec<Rank> = in_order
            .iter()
            .rev()
            .map(|(name, route)| of_route(name, route))
            .collect();
        sorted.sort();
        let names: Vec<&str> = sorted.iter().map(|rank| rank.4.as_str()).collect();
        assert_eq!(names, in_order.each_ref().map(|(name, _)| *name));
    }
}
