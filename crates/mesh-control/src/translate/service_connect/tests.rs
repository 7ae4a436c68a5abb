//! Cases that the golden files (`tests/golden`) do not show.

use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::address::Address as AddressKind;
use envoy_types::pb::envoy::config::core::v3::data_source::Specifier;
use envoy_types::pb::envoy::config::core::v3::socket_address::PortSpecifier;
use envoy_types::pb::envoy::config::listener::v3::Listener;
use envoy_types::pb::envoy::config::route::v3::route::Action;
use mesh_model::service_connect::AppProtocol;

use super::*;
use crate::node::{MeshwrightMetadata, ServiceIdentity, egress_listener, ingress_listener};
use xds_server::{Reference, ResourceType};

mod transparent_proxy;

fn endpoint(name: &str, port: u16) -> ServiceConnectService {
    ServiceConnectService {
        discovery_name: name.to_owned(),
        service: "blue".to_owned(),
        port_name: "http".to_owned(),
        container_port: 3000,
        dns_name: format!("{name}.ns"),
        port,
        protocol: AppProtocol::Http,
        ingress_port_override: None,
        idle_timeout: Some(Duration::from_secs(300)),
        per_request_timeout: Some(Duration::from_secs(15)),
    }
}

fn namespace(endpoints: impl IntoIterator<Item = ServiceConnectService>) -> Namespace {
    Namespace {
        name: "ns".to_owned(),
        services: endpoints.into_iter().collect(),
    }
}

fn blue() -> ServiceIdentity {
    ServiceIdentity {
        cluster: "demo".to_owned(),
        service: "blue".to_owned(),
    }
}

fn state(endpoints: impl IntoIterator<Item = ServiceConnectService>) -> MeshState {
    let mut state = MeshState::default();
    state.namespaces.insert("ns".to_owned(), namespace(endpoints));
    state.services.insert(blue(), "ns".to_owned());
    state
}

fn service_connect(state: &MeshState, service: &ServiceIdentity, metadata: &NodeMetadata) -> Option<Translation> {
    let namespace = state.namespaces.get(state.services.get(service)?)?;
    let ingress = translate_ingress(state, namespace, &service.service, metadata);
    Some(translate_egress(state, namespace, metadata).union(ingress))
}

fn node_metadata(listeners: &[(String, u16)]) -> NodeMetadata {
    NodeMetadata {
        listener_ports: listeners.iter().cloned().collect(),
        extension: MeshwrightMetadata {
            access_log: Some("hops.log".to_owned()),
            ..MeshwrightMetadata::default()
        },
    }
}

fn names(translation: &Translation, kind: ResourceType) -> Vec<&str> {
    let resources = translation.snapshot.of_type(kind);
    resources.map(|resource| resource.name()).collect()
}

#[test]
fn a_host_says_its_port_unless_it_is_80() {
    let routes = routes::egress(&namespace([endpoint("a", 80), endpoint("b", 8080)]));
    let domains: Vec<_> = routes.virtual_hosts.iter().map(|host| &host.domains).collect();
    assert_eq!(domains[0], &["a.ns", "a.ns:80"]);
    assert_eq!(domains[1], &["b.ns:8080"]);
    assert_eq!(domains[2], &["*"]);
}

/// The body of the local reply for an unknown Host.
fn explanation(namespace: &Namespace) -> String {
    let routes = routes::egress(namespace);
    let host = routes.virtual_hosts.last().expect("a host for all others");
    let Some(Action::DirectResponse(response)) = &host.routes[0].action else {
        panic!("no direct response: {host:?}");
    };
    match response.body.as_ref().and_then(|body| body.specifier.as_ref()) {
        Some(Specifier::InlineString(text)) => text.clone(),
        other => panic!("no text: {other:?}"),
    }
}

#[test]
fn an_unknown_host_is_told_twenty_names_at_most() {
    let first = |count: usize| namespace((0..count).map(|number| endpoint(&format!("e{number:02}"), 80)));
    assert_eq!(explanation(&first(0)), "namespace ns has no HTTP service");
    assert_eq!(explanation(&first(2)), "namespace ns has e00.ns, e01.ns");
    assert!(explanation(&first(20)).ends_with(", e19.ns"));
    assert!(explanation(&first(23)).ends_with(", e19.ns and 3 more"));
}

#[test]
fn the_longest_explanation_is_short_enough_for_envoy() {
    // The longest client alias of ECS, and the longest namespace name of Cloud Map.
    let endpoints = (0..100).map(|number| ServiceConnectService {
        dns_name: format!("{number:0127}"),
        ..endpoint("e", 65535)
    });
    let namespace = Namespace {
        name: "n".repeat(1024),
        services: endpoints.collect(),
    };
    assert!(explanation(&namespace).len() <= 4096);
}

#[test]
fn the_same_world_gives_the_same_versions() {
    // Enough entries for the random order of a map to show.
    let mut state = state((0..5).map(|number| endpoint(&format!("e{number}"), 80 + number)));
    let instances = (1..5).map(|number| crate::mesh_state::Endpoint {
        id: number.to_string(),
        address: ([192, 0, 2, number], 80).into(),
    });
    state
        .endpoints
        .insert(("ns".to_owned(), "e0".to_owned()), instances.collect());
    let metadata = node_metadata(&[(egress_listener(), 40001), (ingress_listener("http"), 40002)]);
    let first = service_connect(&state, &blue(), &metadata).expect("a member");
    for _ in 0..20 {
        let again = service_connect(&state.clone(), &blue(), &metadata).expect("a member");
        assert_eq!(again, first);
    }
}

#[test]
fn a_service_outside_the_namespace_has_no_configuration() {
    let mut state = state([endpoint("a", 80)]);
    state.services.clear();
    assert_eq!(service_connect(&state, &blue(), &node_metadata(&[])), None);
}

#[test]
fn two_endpoints_on_one_port_share_its_listener() {
    let second = ServiceConnectService {
        per_request_timeout: None,
        ..endpoint("b", 81)
    };
    let metadata = node_metadata(&[(egress_listener(), 40001), (ingress_listener("http"), 40002)]);
    let translation = service_connect(&state([endpoint("a", 80), second]), &blue(), &metadata).expect("a member");
    assert_eq!(translation.snapshot.check(), Ok(()));
    assert_eq!(
        names(&translation, ResourceType::Listener),
        ["lds_egress", "lds_ingress_http_3000"]
    );
    assert_eq!(
        names(&translation, ResourceType::Route),
        ["rds_egress", "rds_ingress_http_3000"]
    );
    assert_eq!(
        names(&translation, ResourceType::Cluster),
        [
            "cds_egress_ns_a_http_80",
            "cds_egress_ns_b_http_81",
            "cds_ingress_ns_a_http_3000"
        ]
    );
    let routes = translation.snapshot.get(ResourceType::Route, "rds_ingress_http_3000");
    let application = Reference {
        kind: ResourceType::Cluster,
        name: "cds_ingress_ns_a_http_3000".to_owned(),
    };
    assert_eq!(routes.expect("routes").references(), [application]);
}

#[test]
fn missing_listener_ports_are_noted() {
    let ledger = ServiceConnectService {
        protocol: AppProtocol::Tcp,
        port_name: "tcp".to_owned(),
        ..endpoint("ledger", 5432)
    };
    let state = state([endpoint("a", 80), ledger]);
    let translation = service_connect(&state, &blue(), &node_metadata(&[])).expect("a member");
    assert_eq!(
        translation.notes,
        [
            "the node metadata have no port for `egress`: the application cannot call other services",
            "TCP endpoint ledger.ns:5432 cannot be called: the node metadata have no port for `egress-ledger.ns-5432`",
            "`a` is not served: the node metadata have no port for `ingress-http`",
            "`ledger` is not served: the node metadata have no port for `ingress-tcp`",
        ]
    );
    assert_eq!(translation.snapshot.of_type(ResourceType::Listener).count(), 0);
    assert_eq!(translation.snapshot.check(), Ok(()));
}

#[test]
fn only_ingress_listeners_bind_the_ingress_address() {
    let mut metadata = node_metadata(&[(egress_listener(), 40001), (ingress_listener("http"), 40002)]);
    metadata.extension.ingress_address = [0, 0, 0, 0].into();
    let translation = service_connect(&state([endpoint("a", 80)]), &blue(), &metadata).expect("a member");
    let address = |name| {
        let listener = translation
            .snapshot
            .get(ResourceType::Listener, name)
            .expect("a listener");
        let listener: Listener = prost::Message::decode(listener.message()).expect("decodes");
        match listener.address.and_then(|address| address.address) {
            Some(AddressKind::SocketAddress(at)) => (at.address, at.port_specifier),
            other => panic!("no address: {other:?}"),
        }
    };
    assert_eq!(
        address("lds_egress"),
        ("127.0.0.1".to_owned(), Some(PortSpecifier::PortValue(40001)))
    );
    assert_eq!(
        address("lds_ingress_http_3000"),
        ("0.0.0.0".to_owned(), Some(PortSpecifier::PortValue(40002)))
    );
}
