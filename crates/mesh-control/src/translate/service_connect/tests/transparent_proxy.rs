//! Intercepted metadata: which connection belongs to which endpoint.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use envoy_types::pb::envoy::config::listener::v3::filter::ConfigType;
use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;
use prost::Message;

use super::*;

fn tcp(name: &str, port: u16) -> ServiceConnectService {
    ServiceConnectService {
        protocol: AppProtocol::Tcp,
        port_name: "tcp".to_owned(),
        ..endpoint(name, port)
    }
}

fn v4(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 255, 0, last))
}

/// A task in which these names have these virtual addresses.
fn intercepted(virtual_addresses: &[(&str, IpAddr)]) -> NodeMetadata {
    let mut metadata = node_metadata(&[(egress_listener(), 40001)]);
    metadata.extension.is_transparent_proxy = true;
    let named = virtual_addresses.iter().map(|(name, ip)| (format!("{name}.ns"), *ip));
    metadata.extension.virtual_addresses = named.collect();
    metadata
}

/// Listeners of a task of `green`, which offers nothing.
fn translated(endpoints: impl IntoIterator<Item = ServiceConnectService>, metadata: &NodeMetadata) -> Translation {
    let mut state = state(endpoints);
    let green = ServiceIdentity {
        service: "green".to_owned(),
        ..blue()
    };
    state.services.insert(green.clone(), "ns".to_owned());
    let translation = service_connect(&state, &green, metadata).expect("a member");
    assert_eq!(translation.snapshot.check(), Ok(()));
    translation
}

/// The filter chains of the egress listener: for connections to which address and port, what filter.
fn chains(translation: &Translation) -> BTreeMap<String, ConfigType> {
    let Some(listener) = translation.snapshot.get(ResourceType::Listener, "lds_egress") else {
        return BTreeMap::new();
    };
    let listener = Listener::decode(listener.message()).expect("decodes");
    assert!(listener.default_filter_chain.is_none(), "no default filter chain");
    let chains = listener.filter_chains.into_iter().map(|chain| {
        let condition = chain.filter_chain_match.expect("a condition");
        let [range] = condition.prefix_ranges.as_slice() else {
            panic!("one address: {condition:?}")
        };
        let length = range.prefix_len.expect("a length").value;
        let port = condition.destination_port.expect("a port").value;
        let filter = chain.filters.into_iter().next().expect("a filter");
        let matched = format!("{}/{length}:{port}", range.address_prefix);
        (matched, filter.config_type.expect("a configuration"))
    });
    chains.collect()
}

fn http_manager(filter: &ConfigType) -> HttpConnectionManager {
    match filter {
        ConfigType::TypedConfig(any) if any.type_url.ends_with(".HttpConnectionManager") => {
            HttpConnectionManager::decode(any.value.as_slice()).expect("decodes")
        }
        other => panic!("no connection manager: {other:?}"),
    }
}

fn tcp_proxy(filter: &ConfigType) -> TcpProxy {
    match filter {
        ConfigType::TypedConfig(any) if any.type_url.ends_with(".TcpProxy") => {
            TcpProxy::decode(any.value.as_slice()).expect("decodes")
        }
        other => panic!("no TCP proxy: {other:?}"),
    }
}

fn idle_timeout(manager: &HttpConnectionManager) -> i64 {
    let options = manager.common_http_protocol_options.as_ref();
    options
        .and_then(|options| options.idle_timeout)
        .expect("a limit")
        .seconds
}

fn domains(translation: &Translation, routes: &str) -> Vec<(String, Vec<String>)> {
    let routes = translation.snapshot.get(ResourceType::Route, routes).expect("routes");
    let routes = RouteConfiguration::decode(routes.message()).expect("decodes");
    let hosts = routes.virtual_hosts.into_iter();
    hosts.map(|host| (host.name, host.domains)).collect()
}

#[test]
fn each_service_has_a_filter_chain_by_address_and_port() {
    let slow = ServiceConnectService {
        idle_timeout: Some(Duration::from_secs(900)),
        ..endpoint("slow", 8080)
    };
    let endpoints = [endpoint("a", 80), tcp("ledger", 5432), slow];
    let metadata = intercepted(&[("a", v4(1)), ("ledger", v4(2)), ("slow", v4(3))]);
    let translation = translated(endpoints, &metadata);
    assert_eq!(translation.notes, Vec::<String>::new());
    assert_eq!(names(&translation, ResourceType::Listener), ["lds_egress"]);
    let chains = chains(&translation);
    let matched: Vec<&str> = chains.keys().map(String::as_str).collect();
    assert_eq!(
        matched,
        ["127.255.0.1/32:80", "127.255.0.2/32:5432", "127.255.0.3/32:8080"]
    );
    // Each with the timeout of its endpoint, on the application's side too.
    assert_eq!(idle_timeout(&http_manager(&chains["127.255.0.1/32:80"])), 300);
    assert_eq!(idle_timeout(&http_manager(&chains["127.255.0.3/32:8080"])), 900);
    let proxy = tcp_proxy(&chains["127.255.0.2/32:5432"]);
    assert_eq!(proxy.idle_timeout.expect("a limit").seconds, 300);
    assert_eq!(
        domains(&translation, "rds_egress_a.ns_80"),
        [("a.ns:80".to_owned(), vec!["*".to_owned()])],
        "the address says who is called, whatever the Host"
    );
}

#[test]
fn the_listener_reads_the_original_destination_and_binds_loopback() {
    let translation = translated([endpoint("a", 80)], &intercepted(&[("a", v4(1))]));
    let listener = translation
        .snapshot
        .get(ResourceType::Listener, "lds_egress")
        .expect("there");
    let listener = Listener::decode(listener.message()).expect("decodes");
    let filters: Vec<&str> = listener
        .listener_filters
        .iter()
        .map(|filter| filter.name.as_str())
        .collect();
    assert_eq!(filters, ["envoy.filters.listener.original_dst"]);
    match listener.address.and_then(|address| address.address) {
        Some(AddressKind::SocketAddress(at)) => assert_eq!(
            (at.address.as_str(), at.port_specifier),
            ("127.0.0.1", Some(PortSpecifier::PortValue(40001)))
        ),
        other => panic!("no address: {other:?}"),
    }
}

#[test]
fn one_name_has_one_address_for_all_its_ports() {
    let admin = ServiceConnectService {
        discovery_name: "admin".to_owned(),
        ..endpoint("a", 8081)
    };
    let translation = translated([endpoint("a", 80), admin], &intercepted(&[("a", v4(1))]));
    let chains = chains(&translation);
    let routes = |matched: &str| http_manager(&chains[matched]).route_specifier;
    assert_ne!(routes("127.255.0.1/32:80"), routes("127.255.0.1/32:8081"));
}

#[test]
fn services_with_the_same_address_and_port_are_selected_by_host() {
    let endpoints = [
        endpoint("a", 80),
        endpoint("b", 80),
        tcp("c", 80),
        tcp("d", 90),
        tcp("e", 90),
    ];
    let metadata = intercepted(&["a", "b", "c", "d", "e"].map(|name| (name, v4(1))));
    let translation = translated(endpoints, &metadata);
    let chains = chains(&translation);
    assert_eq!(chains.keys().collect::<Vec<_>>(), ["127.255.0.1/32:80"]);
    let hosts = domains(&translation, "rds_egress_a.ns_80");
    let hosts: Vec<&str> = hosts
        .iter()
        .flat_map(|(_, domains)| domains)
        .map(String::as_str)
        .collect();
    assert_eq!(hosts, ["a.ns", "a.ns:80", "b.ns", "b.ns:80", "*"]);
    assert_eq!(
        translation.notes,
        [
            "`c.ns:80` cannot be called: it shares its virtual address and port with `a.ns`, `b.ns`, and TCP has no Host to select one",
            "`d.ns:90` cannot be called: it shares its virtual address and port with `e.ns`, and TCP has no Host to select one",
            "`e.ns:90` cannot be called: it shares its virtual address and port with `d.ns`, and TCP has no Host to select one",
        ]
    );
}

#[test]
fn a_missing_virtual_address_is_noted() {
    let metadata = intercepted(&[("b", IpAddr::V6(Ipv6Addr::LOCALHOST))]);
    let translation = translated([endpoint("a", 80), endpoint("b", 80)], &metadata);
    assert_eq!(
        translation.notes,
        [
            "`a.ns:80` cannot be called: the node metadata have no virtual address for it; a restarted task has the new names",
            "`b.ns:80` cannot be called: its virtual address is ::1, and only IPv4 is redirected to `egress`",
        ]
    );
    // Envoy would refuse a listener that has nothing to do.
    assert_eq!(translation.snapshot.of_type(ResourceType::Listener).count(), 0);
}

#[test]
fn a_missing_egress_port_is_noted() {
    let mut metadata = intercepted(&[("a", v4(1))]);
    metadata.listener_ports.clear();
    let translation = translated([endpoint("a", 80)], &metadata);
    assert_eq!(
        translation.notes,
        ["the node metadata have no port for `egress`: the application cannot call other services"]
    );
}

#[test]
fn egress_requests_are_logged_as_outbound() {
    let translation = translated([endpoint("a", 80)], &intercepted(&[("a", v4(1))]));
    let manager = http_manager(&chains(&translation)["127.255.0.1/32:80"]);
    assert_eq!(manager.access_log.len(), 1);
    let line = crate::access_log::line_format("rds_egress_a.ns_80")
        .replace("%RESPONSE_CODE%", "200")
        .replace("%DURATION%", "1");
    let hop = crate::access_log::AccessLogEntry::parse(&line).expect("a hop");
    assert!(!hop.is_inbound());
}

#[test]
fn the_application_address_is_that_of_the_metadata() {
    let mut metadata = node_metadata(&[(ingress_listener("http"), 40002)]);
    metadata.extension.is_transparent_proxy = true;
    metadata.extension.ingress_address = [0, 0, 0, 0].into();
    for (given, expected) in [(None, "127.0.0.1"), (Some(IpAddr::V6(Ipv6Addr::LOCALHOST)), "::1")] {
        metadata.extension.app_address = given;
        let translation = service_connect(&state([endpoint("a", 80)]), &blue(), &metadata).expect("a member");
        let cluster = translation
            .snapshot
            .get(ResourceType::Cluster, "cds_ingress_ns_a_http_3000");
        let reached = application(cluster.expect("there").message());
        assert_eq!(reached, (expected.to_owned(), 3000));
    }
}

/// The one endpoint of a cluster.
fn application(cluster: &[u8]) -> (String, u32) {
    use envoy_types::pb::envoy::config::cluster::v3::Cluster;
    use envoy_types::pb::envoy::config::endpoint::v3::lb_endpoint::HostIdentifier;

    let cluster = Cluster::decode(cluster).expect("decodes");
    let assignment = cluster.load_assignment.expect("static endpoints");
    let endpoint = &assignment.endpoints[0].lb_endpoints[0];
    match &endpoint.host_identifier {
        Some(HostIdentifier::Endpoint(endpoint)) => match endpoint.address.clone().and_then(|at| at.address) {
            Some(AddressKind::SocketAddress(at)) => match at.port_specifier {
                Some(PortSpecifier::PortValue(port)) => (at.address, port),
                other => panic!("no port: {other:?}"),
            },
            other => panic!("no address: {other:?}"),
        },
        other => panic!("no endpoint: {other:?}"),
    }
}
