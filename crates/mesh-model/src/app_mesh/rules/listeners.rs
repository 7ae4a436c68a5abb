//! Rules for listeners: distinct ports, and settings for the listener's protocol.

use std::collections::BTreeSet;

use super::super::Protocol;
use super::super::cursor::Cursor;
use super::super::listener::{ConnectionPool, Listener, ListenerTimeout};
use super::duration;

pub(super) fn check(listeners: &[Listener], cursor: &mut Cursor<'_>) {
    reject_duplicate_ports(listeners.iter().map(|listener| listener.port_mapping.port), cursor);
    for (index, listener) in listeners.iter().enumerate() {
        check_listener(listener, &mut cursor.at(&format!("listeners[{index}]")));
    }
}

pub(super) fn reject_duplicate_ports(ports: impl Iterator<Item = u16>, cursor: &mut Cursor<'_>) {
    let mut seen = BTreeSet::new();
    for (index, port) in ports.enumerate() {
        if !seen.insert(port) {
            cursor
                .at(&format!("listeners[{index}].portMapping.port"))
                .diagnostic(format!("is {port}, which another listener already uses"));
        }
    }
}

fn check_listener(listener: &Listener, cursor: &mut Cursor<'_>) {
    let port = listener.port_mapping.port;
    let protocol = listener.port_mapping.protocol;
    if let Some(check) = &listener.health_check {
        if let Some(checked) = check.port.filter(|checked| *checked != port) {
            cursor
                .at("healthCheck.port")
                .diagnostic(format!("is {checked}; only the listener's port {port} is allowed"));
        }
        if check.path.is_some() && !matches!(check.protocol, Protocol::Http | Protocol::Http2) {
            cursor
                .at("healthCheck.path")
                .diagnostic(format!("is set for {}; only http and http2 have paths", check.protocol));
        }
    }
    if let Some(timeout) = &listener.timeout {
        let kind = match timeout {
            ListenerTimeout::Http(timeout) => check_timeouts(Protocol::Http, timeout.per_request, timeout.idle, cursor),
            ListenerTimeout::Http2(timeout) => {
                check_timeouts(Protocol::Http2, timeout.per_request, timeout.idle, cursor)
            }
            ListenerTimeout::Grpc(timeout) => check_timeouts(Protocol::Grpc, timeout.per_request, timeout.idle, cursor),
            ListenerTimeout::Tcp(timeout) => check_timeouts(Protocol::Tcp, None, timeout.idle, cursor),
        };
        same_protocol("timeout", kind, protocol, cursor);
    }
    if let Some(pool) = &listener.connection_pool {
        let kind = match pool {
            ConnectionPool::Http(_) => Protocol::Http,
            ConnectionPool::Http2(_) => Protocol::Http2,
            ConnectionPool::Grpc(_) => Protocol::Grpc,
            ConnectionPool::Tcp(_) => Protocol::Tcp,
        };
        same_protocol("connectionPool", kind, protocol, cursor);
    }
    if let Some(outlier) = &listener.outlier_detection {
        duration(Some(outlier.interval), "outlierDetection.interval", cursor);
        let base = outlier.base_ejection_duration;
        duration(Some(base), "outlierDetection.baseEjectionDuration", cursor);
    }
}

fn check_timeouts(
    kind: Protocol,
    per_request: Option<super::Duration>,
    idle: Option<super::Duration>,
    cursor: &mut Cursor<'_>,
) -> Protocol {
    duration(per_request, &format!("timeout.{kind}.perRequest"), cursor);
    duration(idle, &format!("timeout.{kind}.idle"), cursor);
    kind
}

fn same_protocol(field: &str, kind: Protocol, listener: Protocol, cursor: &mut Cursor<'_>) {
    if kind != listener {
        cursor
            .at(field)
            .diagnostic(format!("is for {kind}, but the listener's protocol is {listener}"));
    }
}
