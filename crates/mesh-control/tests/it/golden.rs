//! The whole configuration of three tasks as Envoy prints it, in `tests/golden`.
//!
//! The files hold Envoy's own `/config_dump`, so nothing here converts protobuf to JSON. Envoy opens its listeners
//! while the test runs; ports are replaced by example ports in the files. Each file is also validated by Envoy's
//! `--mode validate`, as a static configuration.
//!
//! `UPDATE_GOLDEN=1` rewrites the files.

pub(crate) mod dump;
pub(crate) mod validate;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use mesh_control::NodeMetadata;
use mesh_control::XdsProtocol;
use mesh_control::node::{MeshwrightMetadata, egress_listener, ingress_listener, tcp_egress_listener};
use mesh_model::namespace::ServiceConnectService;
use mesh_model::service_connect::AppProtocol;
use serde_json::{Value, json};

use crate::harness::{Envoy, Mesh, ReservedPort, Task, endpoint, in_both_protocols, node_id};

in_both_protocols!(a_client_task, a_server_task, a_task_with_a_transparent_proxy);

/// A task of `green`: no application, and calls to all services of `blue`.
async fn a_client_task(protocol: XdsProtocol) {
    let blue = Blue::new();
    let mesh = blue.mesh(protocol).await;
    let green = Task::with_listeners(&mesh, "green", &[], &[&blue.ledger]).await;
    check("green", &mesh, &green).await;
}

/// A task of `blue`: three services, and no port to call the TCP one.
async fn a_server_task(protocol: XdsProtocol) {
    let blue = Blue::new();
    let mesh = blue.mesh(protocol).await;
    let applications = [&blue.web, &blue.prices, &blue.ledger];
    let applications = applications.map(|endpoint| (endpoint, ([127, 0, 0, 1], endpoint.container_port).into()));
    let task = Task::with_listeners(&mesh, "blue", &applications, &[]).await;
    check("blue", &mesh, &task).await;
}

/// A task of `blue` with a transparent proxy: one service, and virtual addresses for three names, one of which the
/// namespace does not have any more. No traffic is redirected here; the configuration is the same.
async fn a_task_with_a_transparent_proxy(protocol: XdsProtocol) {
    let blue = Blue::new();
    let mesh = blue.mesh(protocol).await;
    mesh.add_ecs_service("blue");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let hops = directory.path().join("hops.log").display().to_string();
    let (egress, ingress) = (ReservedPort::pick(), ReservedPort::pick());
    let virtual_addresses = ["blue", "ledger", "gone"].map(|name| format!("{name}.serviceconnect"));
    let metadata = NodeMetadata {
        listener_ports: BTreeMap::from([
            (egress_listener(), egress.number()),
            (ingress_listener("http"), ingress.number()),
        ]),
        extension: MeshwrightMetadata {
            task: Some("blue/1".to_owned()),
            // For a task with its own address, this is 0.0.0.0.
            ingress_address: [127, 0, 0, 1].into(),
            is_transparent_proxy: true,
            virtual_addresses: virtual_addresses
                .into_iter()
                .zip(1..)
                .map(|(name, number)| (name, [127, 255, 0, number].into()))
                .collect(),
            access_log: Some(hops.clone()),
            ..MeshwrightMetadata::default()
        },
    };
    let xds = mesh.control.addresses().xds;
    let envoy = Envoy::start(directory, &node_id("blue"), metadata, xds, mesh.protocol).await;
    let notes = mesh.node("blue", |node| node.settled).await.notes;
    let mut configuration = dump::read(&envoy).await;
    configuration["notes"] = json!(notes);
    for (resource, actual, example) in [
        ("lds_egress", egress.number(), 40001),
        ("lds_ingress_http_3000", ingress.number(), 40002),
    ] {
        put_example_port(&mut configuration, resource, actual, example);
    }
    dump::replace(&mut configuration, &json!(hops), &json!("hops.log"));
    check_rejected("blue-intercepted", &configuration);
}

/// The services of `blue`: one of each kind.
struct Blue {
    web: ServiceConnectService,
    prices: ServiceConnectService,
    ledger: ServiceConnectService,
}

impl Blue {
    fn new() -> Self {
        let applications = |name: &str, protocol, port| ServiceConnectService {
            service: "blue".to_owned(),
            container_port: port,
            ..endpoint(name, protocol)
        };
        Self {
            web: applications("blue", AppProtocol::Http, 3000),
            prices: ServiceConnectService {
                port: 50051,
                per_request_timeout: None,
                ..applications("prices", AppProtocol::Grpc, 50051)
            },
            ledger: ServiceConnectService {
                port: 5432,
                ..applications("ledger", AppProtocol::Tcp, 5432)
            },
        }
    }

    async fn mesh(&self, protocol: XdsProtocol) -> Mesh {
        let mesh = Mesh::start(protocol, &[self.web.clone(), self.ledger.clone(), self.prices.clone()]).await;
        // Two endpoints each, without calls; the addresses are reserved for documentation (RFC 5737).
        for (name, port) in [("blue", 40002), ("prices", 40003), ("ledger", 40004)] {
            mesh.set_endpoints(name, &[([192, 0, 2, 11], port).into(), ([192, 0, 2, 12], port).into()]);
        }
        mesh
    }
}

/// Compares a task's configuration with its golden file, and validates the file.
async fn check(name: &str, mesh: &Mesh, task: &Task) {
    let notes = mesh.node(name, |node| node.settled).await.notes;
    let mut configuration = dump::read(&task.envoy).await;
    configuration["notes"] = json!(notes);
    put_example_values(&mut configuration, task);
    check_rejected(name, &configuration);
}

/// Compares a configuration with its golden file, and validates the file.
pub(crate) fn check_rejected(name: &str, configuration: &Value) {
    let text = format!("{configuration:#}\n");
    let file = golden_file(name);
    if env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        fs::write(&file, &text).expect("the golden file can be written");
    }
    let golden = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        golden == text,
        "the configuration of {name} is not what {} says; look at the difference and, if it is meant, set \
         UPDATE_GOLDEN=1. Now it is:\n{text}",
        file.display()
    );
    validate::validate(&serde_json::from_str(&golden).expect("JSON"));
}

fn golden_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.json"))
}

/// Replaces this run's ports and path by those of an example.
fn put_example_values(configuration: &mut Value, task: &Task) {
    for (resource, listener, example) in [
        ("lds_egress", egress_listener(), 40001),
        ("lds_ingress_http_3000", ingress_listener("http"), 40002),
        ("lds_ingress_grpc_50051", ingress_listener("grpc"), 40003),
        ("lds_ingress_tcp_5432", ingress_listener("tcp"), 40004),
        (
            "lds_egress_ledger.serviceconnect_5432",
            tcp_egress_listener("ledger.serviceconnect", 5432),
            40005,
        ),
    ] {
        if configuration["listeners"].get(resource).is_some() {
            put_example_port(configuration, resource, task.listener(&listener).port(), example);
        }
    }
    let (hops, example) = (json!(task.access_log()), json!("hops.log"));
    dump::replace(configuration, &hops, &example);
}

fn put_example_port(configuration: &mut Value, resource: &str, actual: u16, example: u16) {
    let port = &mut configuration["listeners"][resource]["address"]["socket_address"]["port_value"];
    assert_eq!(*port, actual, "{resource}");
    *port = json!(example);
}
