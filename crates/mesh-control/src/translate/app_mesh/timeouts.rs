//! Request timeouts and idle timeouts, with App Mesh's defaults.
//!
//! A request passes two Envoys: the timeout of the route holds at the caller's, that of the listener at the callee's;
//! the smaller one wins. More than the default therefore has to be configured at both, as in App Mesh. A caller with a
//! shorter deadline cancels, and cannot extend it: see the router in `translate::http`.

use std::time::Duration;

use mesh_model::app_mesh::listener::{IdleTimeout, Listener, ListenerTimeout, RequestTimeout};
use mesh_model::app_mesh::{self, RouteSpec};

use super::virtual_service::{PortProvider, ServicePort};

/// For a complete response, retries included. Source: App Mesh user guide, "Routes" and "Virtual nodes" (read
/// 2026-11-23).
const PER_REQUEST: Duration = Duration::from_secs(15);
/// For a request or a connection without activity. The user guide specifies 300 s, the API reference none; the former
/// is also Envoy's default for requests.
const IDLE: Duration = Duration::from_secs(300);

/// Two timeouts; `None` for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timeouts {
    pub(super) per_request: Option<Duration>,
    pub(super) idle: Option<Duration>,
}

impl Timeouts {
    pub(super) fn of(configured: Option<&RequestTimeout>) -> Self {
        let RequestTimeout { per_request, idle } = configured.copied().unwrap_or_default();
        Self {
            per_request: limit(per_request, PER_REQUEST),
            idle: limit(idle, IDLE),
        }
    }

    /// The timeouts of a listener of the HTTP family.
    pub(super) fn of_listener(listener: &Listener) -> Self {
        match &listener.timeout {
            Some(ListenerTimeout::Http(given) | ListenerTimeout::Http2(given) | ListenerTimeout::Grpc(given)) => {
                Self::of(Some(given))
            }
            Some(ListenerTimeout::Tcp(_)) | None => Self::of(None),
        }
    }

    /// The timeouts of a route of the HTTP family.
    pub(super) fn of_route(route: &RouteSpec) -> Self {
        let http = route.http_route.as_ref().or(route.http2_route.as_ref());
        let given = http.and_then(|route| route.timeout.as_ref());
        Self::of(given.or_else(|| route.grpc_route.as_ref()?.timeout.as_ref()))
    }

    /// The timeouts of a virtual gateway's route to this port: the longest of all its routes, since App Mesh does not
    /// let users configure them. Source: the walkthrough "howto-timeout-policy" among App Mesh's public examples (read
    /// 2026-11-23).
    pub(super) fn longest_of(port: &ServicePort<'_>) -> Self {
        let all: Vec<Self> = match port.provider {
            PortProvider::VirtualNode(_, listener) => vec![Self::of_listener(listener)],
            PortProvider::VirtualRouter(..) => port.routes().map(|(_, route)| Self::of_route(route)).collect(),
        };
        let longest = |limits: Vec<Option<Duration>>, default: Duration| {
            if limits.contains(&None) {
                None
            } else {
                limits.into_iter().flatten().max().or(Some(default))
            }
        };
        Self {
            per_request: longest(all.iter().map(|timeouts| timeouts.per_request).collect(), PER_REQUEST),
            idle: longest(all.iter().map(|timeouts| timeouts.idle).collect(), IDLE),
        }
    }
}

/// The idle timeout of TCP connections.
pub(super) fn of_tcp(configured: Option<IdleTimeout>) -> Option<Duration> {
    limit(configured.unwrap_or_default().idle, IDLE)
}

/// The idle timeout of a TCP listener.
pub(super) fn of_tcp_listener(listener: &Listener) -> Option<Duration> {
    match &listener.timeout {
        Some(ListenerTimeout::Tcp(given)) => of_tcp(Some(*given)),
        _ => of_tcp(None),
    }
}

/// The configured value, with 0 for no limit, or the default.
fn limit(configured: Option<app_mesh::Duration>, default: Duration) -> Option<Duration> {
    let limit = configured.map_or(default, Duration::from);
    (!limit.is_zero()).then_some(limit)
}

#[cfg(test)]
mod tests {
    use mesh_model::app_mesh::DurationUnit;

    use super::*;

    #[test]
    fn unset_is_the_default_and_zero_is_no_limit() {
        let zero = app_mesh::Duration {
            value: Some(0),
            unit: Some(DurationUnit::Seconds),
        };
        let nothing = Timeouts::of(None);
        assert_eq!((nothing.per_request, nothing.idle), (Some(PER_REQUEST), Some(IDLE)));
        let unlimited = Timeouts::of(Some(&RequestTimeout {
            per_request: Some(zero),
            idle: None,
        }));
        assert_eq!((unlimited.per_request, unlimited.idle), (None, Some(IDLE)));
    }
}
