//! Listeners: ports of their own, and settings of the kind they speak.

use std::collections::BTreeSet;

use super::super::Protocol;
use super::super::document::Place;
use super::super::listener::{ConnectionPool, Listener, ListenerTimeout};
use super::duration;

pub(super) fn check(listeners: &[Listener], place: &mut Place<'_>) {
    refuse_ports_used_twice(listeners.iter().map(|listener| listener.port_mapping.port), place);
    for (index, listener) in listeners.iter().enumerate() {
        one(listener, &mut place.at(&format!("listeners[{index}]")));
    }
}

pub(super) fn refuse_ports_used_twice(ports: impl Iterator<Item = u16>, place: &mut Place<'_>) {
    let mut seen = BTreeSet::new();
    for (index, port) in ports.enumerate() {
        if !seen.insert(port) {
            place
                .at(&format!("listeners[{index}].portMapping.port"))
                .diagnostic(format!("is {port}, which another listener has already"));
        }
    }
}

fn one(listener: &Listener, place: &mut Place<'_>) {
    let port = listener.port_mapping.port;
    let protocol = listener.port_mapping.protocol;
    if let Some(check) = &listener.health_check {
        if let Some(checked) = check.port.filter(|checked| *checked != port) {
            place
                .at("healthCheck.port")
                .diagnostic(format!("is {checked}; the only one allowed is the listener's, {port}"));
        }
        if check.path.is_some() && !matches!(check.protocol, Protocol::Http | Protocol::Http2) {
            place.at("healthCheck.path").diagnostic(format!(
                "is there for {}; only http and http2 have paths",
                check.protocol
            ));
        }
    }
    if let Some(timeout) = &listener.timeout {
        let kind = match timeout {
            ListenerTimeout::Http(timeout) => requests(Protocol::Http, timeout.per_request, timeout.idle, place),
            ListenerTimeout::Http2(timeout) => requests(Protocol::Http2, timeout.per_request, timeout.idle, place),
            ListenerTimeout::Grpc(timeout) => requests(Protocol::Grpc, timeout.per_request, timeout.idle, place),
            ListenerTimeout::Tcp(timeout) => requests(Protocol::Tcp, None, timeout.idle, place),
        };
        same_kind("timeout", kind, protocol, place);
    }
    if let Some(pool) = &listener.connection_pool {
        let kind = match pool {
            ConnectionPool::Http(_) => Protocol::Http,
            ConnectionPool::Http2(_) => Protocol::Http2,
            ConnectionPool::Grpc(_) => Protocol::Grpc,
            ConnectionPool::Tcp(_) => Protocol::Tcp,
        };
        same_kind("connectionPool", kind, protocol, place);
    }
    if let Some(outlier) = &listener.outlier_detection {
        duration(Some(outlier.interval), "outlierDetection.interval", place);
        let base = outlier.base_ejection_duration;
        duration(Some(base), "outlierDetection.baseEjectionDuration", place);
    }
}

fn requests(
    kind: Protocol,
    per_request: Option<super::Duration>,
    idle: Option<super::Duration>,
    place: &mut Place<'_>,
) -> Protocol {
    duration(per_request, &format!("timeout.{kind}.perRequest"), place);
    duration(idle, &format!("timeout.{kind}.idle"), place);
    kind
}

fn same_kind(field: &str, kind: Protocol, listener: Protocol, place: &mut Place<'_>) {
    if kind != listener {
        place
            .at(field)
            .diagnostic(format!("is for {kind}, and the listener speaks {listener}"));
    }
}
