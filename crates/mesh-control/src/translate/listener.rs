//! Listeners and the TCP proxy filter, for both models and both directions.

use std::net::IpAddr;
use std::time::Duration;

use envoy_types::pb::envoy::config::accesslog::v3::AccessLog;
use envoy_types::pb::envoy::config::listener::v3::filter::ConfigType;
use envoy_types::pb::envoy::config::listener::v3::{Filter, FilterChain, Listener};
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy::ClusterSpecifier;

use super::envoy::{address, any, duration_or_unlimited, uint32};

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

/// Settings of a TCP proxy.
pub(super) struct Tcp {
    /// The prefix of its metrics.
    pub(super) stat_prefix: String,
    /// The upstream clusters.
    pub(super) to: ClusterSpecifier,
    /// The idle timeout; `None` for no limit.
    pub(super) idle_timeout: Option<Duration>,
    /// The maximum number of connection attempts.
    pub(super) attempts: u32,
    /// Configured access logs.
    pub(super) access_logs: Vec<AccessLog>,
}

impl Tcp {
    pub(super) fn filter(self) -> Filter {
        let proxy = TcpProxy {
            stat_prefix: self.stat_prefix,
            cluster_specifier: Some(self.to),
            idle_timeout: duration_or_unlimited(self.idle_timeout),
            max_connect_attempts: uint32(self.attempts),
            access_log: self.access_logs,
            ..Default::default()
        };
        Filter {
            name: "envoy.filters.network.tcp_proxy".to_owned(),
            config_type: Some(ConfigType::TypedConfig(any(&proxy))),
        }
    }
}
