//! Listeners, and the filter of those that pass bytes: what both directions have in common.

use std::net::IpAddr;

use envoy_types::pb::envoy::config::listener::v3::filter::ConfigType;
use envoy_types::pb::envoy::config::listener::v3::{Filter, FilterChain, Listener};
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy::ClusterSpecifier;
use mesh_model::namespace::Endpoint;

use super::super::envoy::{address, any, duration_or_unlimited, uint32};

/// A listener with one filter.
pub(super) fn on(ip: IpAddr, port: u16, name: String, filter: Filter) -> Listener {
    Listener {
        name,
        address: Some(address(ip, port)),
        filter_chains: vec![FilterChain {
            filters: vec![filter],
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// A filter that passes bytes to `cluster`, trying `attempts` times to connect.
pub(super) fn tcp_filter(cluster: String, direction: &str, endpoint: &Endpoint, attempts: u32) -> Filter {
    let proxy = TcpProxy {
        stat_prefix: format!("{direction}.tcp.{}", endpoint.port),
        cluster_specifier: Some(ClusterSpecifier::Cluster(cluster)),
        idle_timeout: duration_or_unlimited(endpoint.idle_timeout),
        max_connect_attempts: uint32(attempts),
        ..Default::default()
    };
    Filter {
        name: "envoy.filters.network.tcp_proxy".to_owned(),
        config_type: Some(ConfigType::TypedConfig(any(&proxy))),
    }
}
