//! The egress listener of a transparent proxy.
//!
//! The task's hosts file gives each service name a virtual IP address, and all traffic to these addresses is redirected
//! to this listener. It reads the original destination from the kernel and has a filter chain for each address and port
//! of a service:
//!
//! - A service that alone has its address and port gets all traffic there, whatever the Host is, with its own idle timeout
//!   towards the application.
//! - Whether two names may share a virtual address is not public. Services that share address and port are distinguished by
//!   Host; TCP services among them are unreachable.
//! - A connection to any other port of a virtual address is closed, as is one to the listener itself.
//!
//! A new or removed service changes single filter chains, and Envoy keeps the connections of all others.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use envoy_types::pb::envoy::config::core::v3::CidrRange;
use envoy_types::pb::envoy::config::listener::v3::listener_filter::ConfigType;
use envoy_types::pb::envoy::config::listener::v3::{Filter, FilterChain, FilterChainMatch, Listener, ListenerFilter};
use envoy_types::pb::envoy::extensions::filters::listener::original_dst::v3::OriginalDst;
use mesh_model::namespace::{DEFAULT_HTTP_IDLE_TIMEOUT, Namespace, ServiceConnectService};

use super::super::Translation;
use super::super::envoy::{address, any, uint32};
use super::super::http::Manager;
use super::super::tracing;
use super::{egress, names, on_demand, routes};
use crate::mesh_state::HeaderLimits;
use crate::node::{NodeMetadata, egress_listener};

/// The listen address: the kernel changes the destination of redirected connections to loopback. Source:
/// iptables-extensions(8), REDIRECT, on locally generated packets (read 2026-11-23).
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The services at one address and port.
type Calls<'n> = BTreeMap<(Ipv4Addr, u16), Vec<&'n ServiceConnectService>>;

pub(super) fn translate(
    namespace: &Namespace,
    metadata: &NodeMetadata,
    limits: HeaderLimits,
    translation: &mut Translation,
) {
    let Some(port) = metadata.listener_ports.get(&egress_listener()) else {
        translation.notes.push(egress::no_port());
        return;
    };
    let mut chains = Vec::new();
    for ((ip, port), endpoints) in calls(namespace, metadata, &mut translation.notes) {
        if let Some(filter) = filter(namespace, (metadata, limits), &endpoints, translation) {
            chains.push(chain(ip, port, filter));
        }
    }
    // Envoy rejects a listener without filter chains.
    if !chains.is_empty() {
        let snapshot = std::mem::take(&mut translation.snapshot);
        translation.snapshot = snapshot.with_listener(&tracing::outbound(listener(*port, chains), &metadata.extension));
    }
}

/// The services with a virtual address, by address and port.
fn calls<'n>(namespace: &'n Namespace, metadata: &NodeMetadata, notes: &mut Vec<String>) -> Calls<'n> {
    let mut calls = Calls::new();
    for endpoint in &namespace.services {
        match metadata.extension.virtual_addresses.get(&endpoint.dns_name) {
            Some(IpAddr::V4(ip)) => calls.entry((*ip, endpoint.port)).or_default().push(endpoint),
            Some(IpAddr::V6(ip)) => notes.push(unreachable(
                endpoint,
                &format!(
                    "its virtual address is {ip}, and only IPv4 is redirected to `{}`",
                    egress_listener()
                ),
            )),
            None => notes.push(unreachable(
                endpoint,
                "the node metadata have no virtual address for it; a restarted task has the new names",
            )),
        }
    }
    calls
}

/// The filter for connections to these services. `None` if the service cannot be determined.
fn filter(
    namespace: &Namespace,
    (metadata, header_limits): (&NodeMetadata, HeaderLimits),
    endpoints: &[&ServiceConnectService],
    translation: &mut Translation,
) -> Option<Filter> {
    if let [only] = endpoints
        && !only.protocol.is_http_family()
    {
        return Some(egress::tcp_filter(namespace, only));
    }
    let (http, tcp): (Vec<&ServiceConnectService>, Vec<&ServiceConnectService>) = endpoints
        .iter()
        .partition(|endpoint| endpoint.protocol.is_http_family());
    for endpoint in tcp {
        let others = endpoints.iter().filter(|other| other.dns_name != endpoint.dns_name);
        let others: Vec<String> = others.map(|other| format!("`{}`", other.dns_name)).collect();
        let reason = format!(
            "it shares its virtual address and port with {}, and TCP has no Host to select one",
            others.join(", ")
        );
        translation.notes.push(unreachable(endpoint, &reason));
    }
    let first = http.first()?;
    let name = names::endpoint_routes(first);
    let (routes, idle_timeout) = match http.as_slice() {
        [only] => (routes::to_endpoint(name.clone(), namespace, only), only.idle_timeout),
        // None of their timeouts can apply to the application's side.
        several => (
            routes::by_host(name.clone(), namespace, several.iter().copied()),
            Some(DEFAULT_HTTP_IDLE_TIMEOUT),
        ),
    };
    translation.snapshot = std::mem::take(&mut translation.snapshot).with_routes(&routes);
    let manager = Manager {
        stat_prefix: format!("egress.{}.{}", first.protocol, first.port),
        routes: name,
        idle_timeout,
        header_limits,
        filters: on_demand::filter(namespace).into_iter().collect(),
        ..Default::default()
    };
    Some(manager.filter(&metadata.extension))
}

fn chain(ip: Ipv4Addr, port: u16, filter: Filter) -> FilterChain {
    FilterChain {
        // Envoy matches chains by name when the listener changes.
        name: format!("{ip}:{port}"),
        filter_chain_match: Some(FilterChainMatch {
            prefix_ranges: vec![CidrRange {
                address_prefix: ip.to_string(),
                prefix_len: uint32(Ipv4Addr::BITS),
            }],
            destination_port: uint32(port.into()),
            ..Default::default()
        }),
        filters: vec![filter],
        ..Default::default()
    }
}

fn listener(port: u16, chains: Vec<FilterChain>) -> Listener {
    Listener {
        name: names::EGRESS_LISTENER.to_owned(),
        address: Some(address(ADDRESS, port)),
        listener_filters: vec![ListenerFilter {
            name: "envoy.filters.listener.original_dst".to_owned(),
            config_type: Some(ConfigType::TypedConfig(any(&OriginalDst {}))),
            ..Default::default()
        }],
        filter_chains: chains,
        ..Default::default()
    }
}

fn unreachable(endpoint: &ServiceConnectService, reason: &str) -> String {
    format!("`{}:{}` cannot be called: {reason}", endpoint.dns_name, endpoint.port)
}
