//! Constructors of Envoy's messages.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::address::Address as AddressKind;
use envoy_types::pb::envoy::config::core::v3::config_source::ConfigSourceSpecifier;
use envoy_types::pb::envoy::config::core::v3::socket_address::PortSpecifier;
use envoy_types::pb::envoy::config::core::v3::{
    Address, AggregatedConfigSource, ApiVersion, ConfigSource, SocketAddress,
};
use envoy_types::pb::envoy::config::endpoint::v3::lb_endpoint::HostIdentifier;
use envoy_types::pb::envoy::config::endpoint::v3::{ClusterLoadAssignment, Endpoint, LbEndpoint, LocalityLbEndpoints};
use envoy_types::pb::google::protobuf::{self, Any, UInt32Value};
use prost::Name;

pub(super) fn any<M: Name>(message: &M) -> Any {
    Any {
        type_url: M::type_url(),
        value: message.encode_to_vec(),
    }
}

pub(super) fn uint32(value: u32) -> Option<UInt32Value> {
    Some(UInt32Value { value })
}

/// In seconds: 136 years. Envoy rejects durations of more than 64 bits of nanoseconds, and the whole resource with
/// them.
const MAX_SECONDS: i64 = u32::MAX as i64;

pub(super) fn duration(duration: Duration) -> Option<protobuf::Duration> {
    Some(protobuf::Duration {
        seconds: i64::try_from(duration.as_secs())
            .unwrap_or(MAX_SECONDS)
            .min(MAX_SECONDS),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or(0),
    })
}

/// A duration with zero for "no limit".
pub(super) fn duration_or_unlimited(limit: Option<Duration>) -> Option<protobuf::Duration> {
    duration(limit.unwrap_or(Duration::ZERO))
}

pub(super) fn address(ip: IpAddr, port: u16) -> Address {
    named_address(&ip.to_string(), port)
}

fn named_address(host: &str, port: u16) -> Address {
    Address {
        address: Some(AddressKind::SocketAddress(SocketAddress {
            address: host.to_owned(),
            port_specifier: Some(PortSpecifier::PortValue(port.into())),
            ..Default::default()
        })),
    }
}

/// A listen address: `::` is for both families.
pub(super) fn listening(ip: IpAddr, port: u16) -> Address {
    Address {
        address: Some(AddressKind::SocketAddress(SocketAddress {
            address: ip.to_string(),
            port_specifier: Some(PortSpecifier::PortValue(port.into())),
            ipv4_compat: ip == IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            ..Default::default()
        })),
    }
}

pub(super) fn over_ads() -> ConfigSource {
    ConfigSource {
        resource_api_version: ApiVersion::V3.into(),
        config_source_specifier: Some(ConfigSourceSpecifier::Ads(AggregatedConfigSource {})),
        ..Default::default()
    }
}

pub(super) fn load_assignment(cluster: &str, addresses: impl IntoIterator<Item = SocketAddr>) -> ClusterLoadAssignment {
    let addresses = addresses.into_iter().map(|at| address(at.ip(), at.port()));
    assignment(cluster, addresses.map(endpoint).collect())
}

/// One endpoint with a host name.
pub(super) fn named_endpoint(cluster: &str, hostname: &str, port: u16) -> ClusterLoadAssignment {
    assignment(cluster, vec![endpoint(named_address(hostname, port))])
}

fn endpoint(address: Address) -> LbEndpoint {
    LbEndpoint {
        host_identifier: Some(HostIdentifier::Endpoint(Endpoint {
            address: Some(address),
            ..Default::default()
        })),
        ..Default::default()
    }
}

fn assignment(cluster: &str, lb_endpoints: Vec<LbEndpoint>) -> ClusterLoadAssignment {
    ClusterLoadAssignment {
        cluster_name: cluster.to_owned(),
        endpoints: vec![LocalityLbEndpoints {
            lb_endpoints,
            ..Default::default()
        }],
        ..Default::default()
    }
}
