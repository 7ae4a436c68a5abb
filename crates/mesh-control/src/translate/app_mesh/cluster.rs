//! Clusters: upstream hosts, connection timeouts, circuit breakers.

use std::net::SocketAddr;
use std::time::Duration;

use envoy_types::pb::envoy::config::cluster::v3::circuit_breakers::Thresholds;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType, LbPolicy};
use envoy_types::pb::envoy::config::cluster::v3::{CircuitBreakers, Cluster};
use envoy_types::pb::envoy::config::core::v3::Http1ProtocolOptions;
use envoy_types::pb::envoy::extensions::upstreams::http::v3 as upstream;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::explicit_http_config::ProtocolConfig;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::{
    ExplicitHttpConfig, UpstreamProtocolOptions, UseDownstreamHttpConfig,
};
use mesh_model::app_mesh::listener::{ConnectionPool, Listener};
use mesh_model::app_mesh::{Protocol, VirtualNodeSpec};
use prost::Name;

use super::super::envoy::{any, duration, load_assignment, uint32};
use super::super::http::{http2_options, upstream_options};
use super::context::{Backend, NodeContext};
use super::discovery::Discovery;
use super::tls::{self, ClientTls};
use super::{health, names};
use crate::mesh_state::HeaderLimits;

/// Source for both: the configuration of a real App Mesh gateway (read 2026-11-23).
const PEER_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const APP_CONNECT_TIMEOUT: Duration = Duration::from_millis(250);
/// Circuit breakers are off unless configured. Source: App Mesh user guide, "Envoy defaults" (read 2026-11-23).
const NO_LIMIT: u32 = i32::MAX as u32;

/// The cluster of a virtual node's listener, as called under this virtual service. Returns the cluster's name.
pub(super) fn of_node(
    context: &mut NodeContext<'_>,
    node: &str,
    spec: &VirtualNodeSpec,
    listener: &Listener,
    backend: Backend<'_>,
) -> String {
    let mapping = listener.port_mapping;
    let name = names::egress_cluster(&context.mesh.name, node, mapping.protocol, mapping.port);
    let discovery = Discovery::of(context, spec, mapping.port);
    let certificates = &context.state.certificates;
    let transport_socket = match tls::of_client(
        backend.policy,
        listener,
        &discovery.name,
        mapping.protocol,
        certificates,
    ) {
        ClientTls::Plain => None,
        ClientTls::Tls(socket) => Some(*socket),
        ClientTls::Impossible(reason) => {
            context.note(format!(
                "virtual node `{node}` cannot be called as `{}` with TLS, and is not called without: {reason}",
                backend.service
            ));
            return blackhole_cluster(context);
        }
    };
    let cluster = Cluster {
        connect_timeout: duration(PEER_CONNECT_TIMEOUT),
        health_checks: listener
            .health_check
            .iter()
            .map(|check| health::check(check, &discovery.name, mapping.port))
            .collect(),
        // A deregistered host is removed, even if its last health check passed. Source: item 213 of App Mesh's public
        // roadmap (read 2026-11-23).
        ignore_health_on_host_removal: discovery.endpoints.is_some(),
        outlier_detection: listener.outlier_detection.as_ref().map(health::outlier_detection),
        transport_socket,
        ..with_circuit_breakers(
            common(name, Some((mapping.protocol, context.state.header_limits))),
            None,
        )
    };
    let (cluster, endpoints) = discovery.apply_to(cluster);
    let has_endpoints = endpoints.is_some();
    let name = context.add_cluster(cluster, endpoints, backend.service);
    if has_endpoints {
        context.add_endpoint_source(&name, node, mapping.port);
    }
    name
}

/// The application of a virtual node, with the limits of the listener.
pub(super) fn of_application(
    name: String,
    application: SocketAddr,
    listener: &Listener,
    limits: HeaderLimits,
) -> Cluster {
    let cluster = Cluster {
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::Static.into())),
        load_assignment: Some(load_assignment(&name, [application])),
        connect_timeout: duration(APP_CONNECT_TIMEOUT),
        ..common(name, Some((listener.port_mapping.protocol, limits)))
    };
    with_circuit_breakers(cluster, listener.connection_pool.as_ref())
}

/// The original destination of a connection, in the protocol of the caller.
pub(super) fn original_destination(name: String, limits: HeaderLimits) -> Cluster {
    let cluster = Cluster {
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::OriginalDst.into())),
        lb_policy: LbPolicy::ClusterProvided.into(),
        connect_timeout: duration(PEER_CONNECT_TIMEOUT),
        ..downstream_protocol_cluster(name, limits)
    };
    with_circuit_breakers(cluster, None)
}

/// A cluster with the protocol of the downstream connection.
pub(super) fn downstream_protocol_cluster(name: String, limits: HeaderLimits) -> Cluster {
    let options = upstream::HttpProtocolOptions {
        common_http_protocol_options: Some(upstream_options(limits)),
        upstream_protocol_options: Some(UpstreamProtocolOptions::UseDownstreamProtocolConfig(
            UseDownstreamHttpConfig {
                http_protocol_options: Some(Http1ProtocolOptions::default()),
                http2_protocol_options: Some(http2_options()),
                ..Default::default()
            },
        )),
        ..Default::default()
    };
    Cluster {
        typed_extension_protocol_options: [(upstream::HttpProtocolOptions::full_name(), any(&options))].into(),
        ..common(name, None)
    }
}

/// A cluster without hosts for unreachable targets: 503 for requests, closed for connections.
pub(super) fn blackhole_cluster(context: &mut NodeContext<'_>) -> String {
    let name = names::blackhole_cluster(&context.mesh.name);
    let cluster = Cluster {
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::Static.into())),
        load_assignment: Some(load_assignment(&name, [])),
        connect_timeout: duration(PEER_CONNECT_TIMEOUT),
        ..common(name, None)
    };
    context.add_cluster(cluster, None, "")
}

fn common(name: String, protocol: Option<(Protocol, HeaderLimits)>) -> Cluster {
    let protocol = protocol.and_then(|(protocol, limits)| match protocol {
        Protocol::Http => Some((
            ProtocolConfig::HttpProtocolOptions(Http1ProtocolOptions::default()),
            limits,
        )),
        Protocol::Http2 | Protocol::Grpc => Some((ProtocolConfig::Http2ProtocolOptions(http2_options()), limits)),
        Protocol::Tcp => None,
    });
    let options = protocol.map(|(protocol, limits)| upstream::HttpProtocolOptions {
        common_http_protocol_options: Some(upstream_options(limits)),
        upstream_protocol_options: Some(UpstreamProtocolOptions::ExplicitHttpConfig(ExplicitHttpConfig {
            protocol_config: Some(protocol),
        })),
        ..Default::default()
    });
    Cluster {
        name,
        typed_extension_protocol_options: options
            .map(|options| (upstream::HttpProtocolOptions::full_name(), any(&options)))
            .into_iter()
            .collect(),
        ..Default::default()
    }
}

/// The cluster with the limits of a connection pool. Default: no limit.
fn with_circuit_breakers(cluster: Cluster, pool: Option<&ConnectionPool>) -> Cluster {
    let (mut connections, mut pending, mut requests) = (NO_LIMIT, NO_LIMIT, NO_LIMIT);
    match pool {
        Some(ConnectionPool::Http(pool)) => {
            connections = pool.max_connections;
            pending = pool.max_pending_requests.unwrap_or(NO_LIMIT);
        }
        Some(ConnectionPool::Http2(pool) | ConnectionPool::Grpc(pool)) => requests = pool.max_requests,
        Some(ConnectionPool::Tcp(pool)) => connections = pool.max_connections,
        None => {}
    }
    Cluster {
        circuit_breakers: Some(CircuitBreakers {
            thresholds: vec![Thresholds {
                max_connections: uint32(connections),
                max_pending_requests: uint32(pending),
                max_requests: uint32(requests),
                max_retries: uint32(NO_LIMIT),
                ..Default::default()
            }],
            ..Default::default()
        }),
        ..cluster
    }
}
