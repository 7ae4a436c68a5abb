//! Egress listeners of an explicit proxy.

use std::net::{IpAddr, Ipv4Addr};

use envoy_types::pb::envoy::config::listener::v3::{Filter, Listener};
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy::ClusterSpecifier;
use mesh_model::namespace::{DEFAULT_HTTP_IDLE_TIMEOUT, Namespace, ServiceConnectService};

use super::super::Translation;
use super::super::http::Manager;
use super::super::listener::{Tcp, on};
use super::super::tracing;
use super::{names, on_demand, routes};
use crate::mesh_state::HeaderLimits;
use crate::node::{MeshwrightMetadata, NodeMetadata, egress_listener, tcp_egress_listener};

/// The egress listener is for the application beside the Envoy only.
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub(super) fn translate(
    namespace: &Namespace,
    metadata: &NodeMetadata,
    limits: HeaderLimits,
    translation: &mut Translation,
) {
    let mut snapshot = std::mem::take(&mut translation.snapshot);
    if let Some(port) = metadata.listener_ports.get(&egress_listener()) {
        snapshot = snapshot
            .with_listener(&http(namespace, *port, limits, &metadata.extension))
            .with_routes(&routes::egress(namespace));
    } else {
        translation.notes.push(no_port());
    }
    for endpoint in namespace
        .services
        .iter()
        .filter(|endpoint| !endpoint.protocol.is_http_family())
    {
        let listener = tcp_egress_listener(&endpoint.dns_name, endpoint.port);
        if let Some(port) = metadata.listener_ports.get(&listener) {
            let name = names::tcp_egress_listener(endpoint);
            snapshot = snapshot.with_listener(&on(ADDRESS, *port, name, tcp_filter(namespace, endpoint)));
        } else {
            translation.notes.push(unreachable_tcp_note(endpoint, &listener));
        }
    }
    translation.snapshot = snapshot;
}

fn http(namespace: &Namespace, port: u16, header_limits: HeaderLimits, own: &MeshwrightMetadata) -> Listener {
    let manager = Manager {
        stat_prefix: "egress".to_owned(),
        routes: names::EGRESS_ROUTES.to_owned(),
        // The listener serves all services, so none of their timeouts can apply to the application's side.
        idle_timeout: Some(DEFAULT_HTTP_IDLE_TIMEOUT),
        header_limits,
        filters: on_demand::filter(namespace).into_iter().collect(),
        ..Default::default()
    };
    let listener = on(ADDRESS, port, names::EGRESS_LISTENER.to_owned(), manager.filter(own));
    tracing::outbound(listener, own)
}

/// The TCP proxy of a TCP service.
pub(super) fn tcp_filter(namespace: &Namespace, endpoint: &ServiceConnectService) -> Filter {
    Tcp {
        stat_prefix: format!("egress.tcp.{}", endpoint.port),
        to: ClusterSpecifier::Cluster(names::egress_cluster(namespace, endpoint)),
        idle_timeout: endpoint.idle_timeout,
        attempts: 3,
        access_logs: Vec::new(),
    }
    .filter()
}

/// The note for metadata without an egress port.
pub(super) fn no_port() -> String {
    "the node metadata have no port for `egress`: the application cannot call other services".to_owned()
}

fn unreachable_tcp_note(endpoint: &ServiceConnectService, listener: &str) -> String {
    format!(
        "TCP endpoint {}:{} cannot be called: the node metadata have no port for `{listener}`",
        endpoint.dns_name, endpoint.port
    )
}
