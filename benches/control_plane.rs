//! Translation of the whole configuration of one Envoy from scratch, by size of the mesh.
//!
//! A running control plane translates so only what a change touches, once for all equal Envoys; `fleet` measures that.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mesh_control::node::{MeshwrightMetadata, Node, NodeMetadata, egress_listener, ingress_listener};
use mesh_control::{MeshState, ServiceIdentity};
use mesh_model::namespace::{DEFAULT_HTTP_IDLE_TIMEOUT, DEFAULT_PER_REQUEST_TIMEOUT, Namespace, ServiceConnectService};
use mesh_model::service_connect::AppProtocol;

const TASKS_PER_SERVICE: u16 = 3;

fn identity(service: usize) -> ServiceIdentity {
    ServiceIdentity {
        cluster: "demo".to_owned(),
        service: format!("service-{service}"),
    }
}

/// A namespace with one HTTP port per service.
fn mesh_state(services: usize) -> MeshState {
    let service_connect_services = (0..services).map(|service| ServiceConnectService {
        discovery_name: format!("service-{service}"),
        service: format!("service-{service}"),
        port_name: "http".to_owned(),
        container_port: 3000,
        dns_name: format!("service-{service}.mesh"),
        port: 80,
        protocol: AppProtocol::Http,
        ingress_port_override: None,
        idle_timeout: Some(DEFAULT_HTTP_IDLE_TIMEOUT),
        per_request_timeout: Some(DEFAULT_PER_REQUEST_TIMEOUT),
    });
    let endpoints = (0..services).map(|service| {
        let tasks = (0..TASKS_PER_SERVICE).map(|task| mesh_control::Endpoint {
            id: format!("service-{service}/{task}"),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 10_000 + task)),
        });
        (("mesh".to_owned(), format!("service-{service}")), tasks.collect())
    });
    MeshState {
        namespaces: BTreeMap::from([(
            "mesh".to_owned(),
            Namespace {
                name: "mesh".to_owned(),
                services: service_connect_services.collect(),
            },
        )]),
        services: (0..services)
            .map(|service| (identity(service), "mesh".to_owned()))
            .collect(),
        endpoints: endpoints.collect(),
        ..MeshState::default()
    }
}

fn node() -> Node {
    let metadata = NodeMetadata {
        listener_ports: BTreeMap::from([(egress_listener(), 15001), (ingress_listener("http"), 15000)]),
        extension: MeshwrightMetadata::default(),
    };
    let metadata = metadata.to_metadata();
    let metadata = metadata.as_object().cloned().unwrap_or_default();
    Node::new(identity(0).node_id("local", "000000000000", "1"), metadata)
}

fn configure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("configuration of one Envoy");
    let node = node();
    for services in [10, 100, 1000] {
        let state = mesh_state(services);
        group.throughput(Throughput::Elements(services as u64));
        group.bench_with_input(BenchmarkId::new("services", services), &state, |bencher, state| {
            bencher.iter(|| black_box(state.configure(&node)).expect("a consistent mesh state"));
        });
    }
    group.finish();
}

criterion_group!(benches, configure);
criterion_main!(benches);
