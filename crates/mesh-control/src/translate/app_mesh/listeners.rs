//! Listeners and filter chains, in both traffic modes.
//!
//! A transparent proxy has one listener for inbound and one for outbound traffic; filter chains match the port of the
//! original destination. An explicit proxy has a listener for each port, at the address in the node metadata.

use std::net::IpAddr;

use envoy_types::pb::envoy::config::core::v3::{TrafficDirection, TransportSocket};
use envoy_types::pb::envoy::config::listener::v3::listener_filter::ConfigType;
use envoy_types::pb::envoy::config::listener::v3::listener_filter_chain_match_predicate::{MatchSet, Rule};
use envoy_types::pb::envoy::config::listener::v3::{
    Filter, FilterChain, FilterChainMatch, Listener, ListenerFilter, ListenerFilterChainMatchPredicate,
};
use envoy_types::pb::envoy::extensions::filters::listener::original_dst::v3::OriginalDst;
use envoy_types::pb::envoy::extensions::filters::listener::tls_inspector::v3::TlsInspector;
use envoy_types::pb::envoy::r#type::v3::Int32Range;
use prost::Name;

use super::super::envoy::{any, listening, uint32};

/// A chain for connections to this port, or to any if there is none.
pub(super) fn chain(port: Option<u16>, filter: Filter) -> FilterChain {
    FilterChain {
        filter_chain_match: port.map(|port| FilterChainMatch {
            destination_port: uint32(port.into()),
            ..Default::default()
        }),
        filters: vec![filter],
        ..Default::default()
    }
}

/// The chain with TLS.
pub(super) fn with_tls(chain: FilterChain, socket: TransportSocket) -> FilterChain {
    FilterChain {
        transport_socket: Some(socket),
        ..chain
    }
}

/// The chain for one transport protocol: `tls` or `raw_buffer`.
pub(super) fn for_transport(chain: FilterChain, transport_protocol: &str) -> FilterChain {
    FilterChain {
        filter_chain_match: Some(FilterChainMatch {
            transport_protocol: transport_protocol.to_owned(),
            ..chain.filter_chain_match.unwrap_or_default()
        }),
        ..chain
    }
}

/// A listener of an explicit proxy.
pub(super) fn explicit(
    name: String,
    at: (IpAddr, u16),
    direction: TrafficDirection,
    chains: Vec<FilterChain>,
    inspected: bool,
) -> Listener {
    let (ip, port) = at;
    Listener {
        name,
        address: Some(listening(ip, port)),
        traffic_direction: direction.into(),
        listener_filters: inspected.then(|| tls_inspector(None)).into_iter().collect(),
        filter_chains: chains,
        ..Default::default()
    }
}

/// A listener of a transparent proxy. Only connections to `inspected` ports are inspected for TLS: others may be of
/// protocols in which the server speaks first.
pub(super) fn intercepted(
    name: String,
    at: (IpAddr, u16),
    direction: TrafficDirection,
    chains: Vec<FilterChain>,
    inspected: &[u16],
) -> Listener {
    let (ip, port) = at;
    let original_destination = listener_filter("envoy.filters.listener.original_dst", &OriginalDst {});
    let inspector = (!inspected.is_empty()).then(|| tls_inspector(Some(inspected)));
    Listener {
        name,
        address: Some(listening(ip, port)),
        traffic_direction: direction.into(),
        listener_filters: std::iter::once(original_destination).chain(inspector).collect(),
        // A peer that sends nothing is not a TLS client; its connection is served as plaintext.
        continue_on_listener_filters_timeout: true,
        filter_chains: chains,
        ..Default::default()
    }
}

fn tls_inspector(only: Option<&[u16]>) -> ListenerFilter {
    ListenerFilter {
        filter_disabled: only.map(|ports| predicate(Rule::NotMatch(Box::new(any_of(ports))))),
        ..listener_filter("envoy.filters.listener.tls_inspector", &TlsInspector::default())
    }
}

fn any_of(ports: &[u16]) -> ListenerFilterChainMatchPredicate {
    let port = |port: &u16| {
        predicate(Rule::DestinationPortRange(Int32Range {
            start: i32::from(*port),
            end: i32::from(*port) + 1,
        }))
    };
    match ports {
        [only] => port(only),
        several => predicate(Rule::OrMatch(MatchSet {
            rules: several.iter().map(port).collect(),
        })),
    }
}

fn predicate(rule: Rule) -> ListenerFilterChainMatchPredicate {
    ListenerFilterChainMatchPredicate { rule: Some(rule) }
}

fn listener_filter<M: Name>(name: &str, config: &M) -> ListenerFilter {
    ListenerFilter {
        name: name.to_owned(),
        config_type: Some(ConfigType::TypedConfig(any(config))),
        ..Default::default()
    }
}
