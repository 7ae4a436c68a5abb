//! Retry policies. Sources: App Mesh's API, items 229 and 284 of its public roadmap, and a configuration of a real App
//! Mesh gateway (read 2026-11-23).

use std::time::Duration;

use envoy_types::pb::envoy::config::route::v3::RetryPolicy;
use mesh_model::app_mesh::RouteSpec;
use mesh_model::app_mesh::route::{GrpcRetryEvent, GrpcRetryPolicy, HttpRetryPolicy, TcpRetryEvent};

use super::super::envoy::duration;
use super::super::retry::retry_other_hosts;

/// App Mesh's default: two retries after failed connections, refused streams, 503 and gRPC's `UNAVAILABLE`, whatever
/// the method. `maxRetries: 0` on a route disables it.
pub(super) fn default_policy() -> RetryPolicy {
    retry_other_hosts(
        "unavailable,connect-failure,refused-stream,retriable-status-codes",
        2,
        vec![503],
    )
}

/// The retry policy of a route, which replaces the default, or the default. Unknown events go into `notes`.
pub(super) fn of_route(route: &RouteSpec, notes: &mut Vec<String>) -> Option<RetryPolicy> {
    let http = route.http_route.as_ref().or(route.http2_route.as_ref());
    if let Some(policy) = http.and_then(|route| route.retry_policy.as_ref()) {
        return translate(policy, &[], notes);
    }
    match route.grpc_route.as_ref().and_then(|route| route.retry_policy.as_ref()) {
        Some(GrpcRetryPolicy {
            http,
            grpc_retry_events,
        }) => translate(http, grpc_retry_events, notes),
        None => Some(default_policy()),
    }
}

fn translate(policy: &HttpRetryPolicy, grpc: &[GrpcRetryEvent], notes: &mut Vec<String>) -> Option<RetryPolicy> {
    if policy.max_retries == 0 {
        return None;
    }
    let (mut conditions, mut statuses): (Vec<&str>, Vec<u32>) = (Vec::new(), Vec::new());
    for event in &policy.http_retry_events {
        match event.as_str() {
            "server-error" => {
                statuses.extend((500..=508).chain([510, 511]));
                conditions.push("reset");
            }
            "gateway-error" => {
                statuses.extend([502, 503, 504]);
                conditions.push("reset");
            }
            "client-error" => statuses.push(409),
            "stream-error" => conditions.push("refused-stream"),
            other => notes.push(format!(
                "unknown retry event `{other}`; allowed are server-error, gateway-error, client-error, stream-error"
            )),
        }
    }
    for TcpRetryEvent::ConnectionError in &policy.tcp_retry_events {
        conditions.push("connect-failure");
    }
    conditions.extend(grpc.iter().map(|event| match event {
        GrpcRetryEvent::Cancelled => "cancelled",
        GrpcRetryEvent::DeadlineExceeded => "deadline-exceeded",
        GrpcRetryEvent::Internal => "internal",
        GrpcRetryEvent::ResourceExhausted => "resource-exhausted",
        GrpcRetryEvent::Unavailable => "unavailable",
    }));
    if !statuses.is_empty() {
        conditions.push("retriable-status-codes");
    }
    conditions.sort_unstable();
    conditions.dedup();
    statuses.sort_unstable();
    statuses.dedup();
    let each = Duration::from(policy.per_retry_timeout);
    let retries = u32::try_from(policy.max_retries).unwrap_or(u32::MAX);
    Some(RetryPolicy {
        // Without a timeout of its own, an attempt has the rest of the request's.
        per_try_timeout: (!each.is_zero()).then(|| duration(each)).flatten(),
        ..retry_other_hosts(&conditions.join(","), retries, statuses)
    })
}
