//! Intercepted wiring: which connection belongs to which endpoint.

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
    let mut wiring = wiring(&[(egress_listener(), 40001)]);
    wiring.extension.is_transparent_proxy = true;
    let named = virtual_addresses.iter().map(|(name, ip)| (format!("{name}.ns"), *ip));
    wiring.extension.virtual_addresses = named.collect();
    wiring
}

/// What is told to a task of `green`, which offers nothing.
fn translated(endpoints: impl IntoIterator<Item = ServiceConnectService>, wiring: &NodeMetadata) -> Translation {
    let mut world = world(endpoints);
    let green = ServiceIdentity {
        service: "green".to_owned(),
        ..blue()
    };
    world.services.insert(green.clone(), "ns".to_owned());
    let translation = service_connect(&world, &green, wiring).expect("a member");
    assert_eq!(translation.snapshot.check(), Ok(()));
    translation
}

/// The filter chains of the egress listener: for connections to which address and port, what filter.
fn chains(translation: &Translation) -> BTreeMap<String, ConfigType> {
    let Some(listener) = translation.snapshot.get(ResourceType::Listener, "lds_egress") else {
        return BTreeMap::new();
    };
    let listener = Listener::decode(listener.body.value.as_slice()).expect("decodes");
    assert!(listener.default_filter_chain.is_none(), "no connection is anybody's");
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
    let routes = RouteConfiguration::decode(routes.body.value.as_slice()).expect("decodes");
    let hosts = routes.virtual_hosts.into_iter();
    hosts.map(|host| (host.name, host.domains)).collect()
}

#[test]
fn each_endpoint_is_told_apart_by_address_and_port() {
    let slow = ServiceConnectService {
        idle_timeout: Some(Duration::from_secs(900)),
        ..endpoint("slow", 8080)
    };
    let endpoints = [endpoint("a", 80), tcp("ledger", 5432), slow];
    let wiring = intercepted(&[("a", v4(1)), ("ledger", v4(2)), ("slow", v4(3))]);
    let translation = translated(endpoints, &wiring);
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
fn the_listener_asks_where_a_connection_wanted_to_go_and_is_at_the_loopback_address() {
    let translation = translated([endpoint("a", 80)], &intercepted(&[("a", v4(1))]));
    let listener = translation
        .snapshot
        .get(ResourceType::Listener, "lds_egress")
        .expect("there");
    let listener = Listener::decode(listener.body.value.as_slice()).expect("decodes");
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
fn names_that_share_address_and_port_are_told_apart_by_host() {
    let endpoints = [
        endpoint("a", 80),
        endpoint("b", 80),
        tcp("c", 80),
        tcp("d", 90),
        tcp("e", 90),
    ];
    let wiring = intercepted(&["a", "b", "c", "d", "e"].map(|name| (name, v4(1))));
    let translation = translated(endpoints, &wiring);
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
            "`c.ns:80` cannot be called from here: it shares its virtual address and port with `a.ns`, `b.ns`, and TCP does not say which is called",
            "`d.ns:90` cannot be called from here: it shares its virtual address and port with `e.ns`, and TCP does not say which is called",
            "`e.ns:90` cannot be called from here: it shares its virtual address and port with `d.ns`, and TCP does not say which is called",
        ]
    );
}

#[test]
fn what_has_no_virtual_address_here_is_noted() {
    let wiring = intercepted(&[("b", IpAddr::V6(Ipv6Addr::LOCALHOST))]);
    let translation = translated([endpoint("a", 80), endpoint("b", 80)], &wiring);
    assert_eq!(
        translation.notes,
        [
            "`a.ns:80` cannot be called from here: the task's wiring has no virtual address for it; a task learns new names when it is started anew",
            "`b.ns:80` cannot be called from here: its virtual address is ::1, and only IPv4 is redirected to `egress`",
        ]
    );
    // Envoy would refuse a listener that has nothing to do.
    assert_eq!(translation.snapshot.of_type(ResourceType::Listener).count(), 0);
}

#[test]
fn without_a_port_for_the_listener_nothing_can_be_called() {
    let mut wiring = intercepted(&[("a", v4(1))]);
    wiring.listener_ports.clear();
    let translation = translated([endpoint("a", 80)], &wiring);
    assert_eq!(
        translation.notes,
        ["the wiring has no port for `egress`: the application cannot call others"]
    );
}

#[test]
fn requests_are_written_down_as_on_their_way_out() {
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
fn the_application_is_reached_where_the_wiring_says() {
    let mut wiring = wiring(&[(ingress_listener("http"), 40002)]);
    wiring.extension.is_transparent_proxy = true;
    wiring.extension.ingress_address = [0, 0, 0, 0].into();
    for (given, expected) in [(None, "127.0.0.1"), (Some(IpAddr::V6(Ipv6Addr::LOCALHOST)), "::1")] {
        wiring.extension.app_address = given;
        let translation = service_connect(&world([endpoint("a", 80)]), &blue(), &wiring).expect("a member");
        let cluster = translation
            .snapshot
            .get(ResourceType::Cluster, "cds_ingress_ns_a_http_3000");
        let reached = application(&cluster.expect("there").body.value);
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
