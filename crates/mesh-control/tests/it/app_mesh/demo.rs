//! The mesh of these tests.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mesh_control::{Addresses, MeshState, NodeEndpoint};
use mesh_control::{NodeStatus, XdsProtocol};
use mesh_model::app_mesh::{Assembly, KeyCasing, ResourcePath};
use serde_json::{Value, json};

use crate::harness::{Answer, Mesh};

/// The mesh `demo`, which can be told more and more.
pub(super) struct Demo {
    pub(super) mesh: Mesh,
    documents: Mutex<BTreeMap<String, Value>>,
}

impl Demo {
    /// A mesh of these documents, by their resource's path within it; the mesh's own is `mesh`.
    pub(super) async fn start(documents: &[(&str, Value)]) -> Self {
        Self::start_in(XdsProtocol::Delta, documents).await
    }

    /// The same, with Envoys that speak this protocol of the protocol.
    pub(super) async fn start_in(protocol: XdsProtocol, documents: &[(&str, Value)]) -> Self {
        let demo = Self {
            mesh: Mesh::start_at(Addresses::default(), protocol, MeshState::default()).await,
            documents: Mutex::new([("mesh".to_owned(), json!({}))].into()),
        };
        demo.describe(documents);
        demo
    }

    /// A mesh in which `caller` may call `shop.demo`, a virtual router with these routes to the nodes `blue` and `green`.
    pub(super) async fn with_routes(routes: &[(&str, Value)]) -> Self {
        Self::speaking("http", routes).await
    }

    /// The same mesh, whose nodes and router speak this protocol.
    pub(super) async fn speaking(protocol: &str, routes: &[(&str, Value)]) -> Self {
        let demo = Self::start(&[
            ("virtualNode/caller", caller(&["shop.demo"])),
            ("virtualNode/blue", node("blue", protocol)),
            ("virtualNode/green", node("green", protocol)),
            ("virtualService/shop.demo", by_router("shop")),
            ("virtualRouter/shop", router(protocol)),
        ])
        .await;
        for (name, route) in routes {
            demo.describe(&[(&format!("virtualRouter/shop/route/{name}"), route.clone())]);
        }
        demo
    }

    /// Adds documents, or replaces those of the same resources.
    pub(super) fn describe(&self, documents: &[(&str, Value)]) {
        self.change(|all| {
            let documents = documents.iter();
            all.extend(documents.map(|(path, document)| ((*path).to_owned(), document.clone())));
        });
    }

    /// Takes the documents of these resources away.
    pub(super) fn forget(&self, paths: &[&str]) {
        self.change(|all| all.retain(|path, _| !paths.contains(&path.as_str())));
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Value>)) {
        let mut all = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut all);
        let mut assembly = Assembly::new();
        for (path, document) in all.iter() {
            let path = if path == "mesh" {
                "mesh/demo".to_owned()
            } else {
                format!("mesh/demo/{path}")
            };
            let resource = ResourcePath::parse(&path).expect("a path");
            assembly.add(resource, document, KeyCasing::Camel, &path);
        }
        let meshes = assembly.finish().unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
        self.mesh.control.update(|world| world.meshes = meshes);
    }

    /// Waits until so many Envoys have, or have refused, what was described. Gives what they refused, by name.
    pub(super) async fn settled(&self, envoys: usize) -> Vec<String> {
        let settled = self.mesh.control.settled(envoys);
        tokio::time::timeout(Duration::from_secs(20), settled)
            .await
            .unwrap_or_else(|_| panic!("not settled: {:#?}", self.mesh.control.status()));
        let status = self.mesh.control.status();
        let refused = status.nodes.iter().flat_map(NodeStatus::rejected);
        refused.map(|resource| resource.name.clone()).collect()
    }

    /// What could not be translated for a member, by its path, whose Envoy runs.
    pub(super) async fn notes(&self, member: &str) -> Vec<String> {
        let id = format!("mesh/demo/{member}");
        self.settled(1).await;
        let status = self.mesh.control.status();
        let node = status.nodes.into_iter().find(|node| node.id == id);
        node.expect("its Envoy runs").notes
    }

    /// Says where the tasks of a virtual node take requests.
    pub(super) fn serve(&self, node: &str, at: &[SocketAddr]) {
        let tasks = at.iter().map(|at| instance(*at, &[])).collect();
        let host = format!("{node}.demo");
        self.mesh
            .control
            .update(|world| drop(world.dns_endpoints.insert(host, tasks)));
    }
}

/// The port of every virtual node.
pub(super) const PORT: u16 = 8080;

/// A task that takes requests for [`PORT`] there.
pub(super) fn instance(at: SocketAddr, attributes: &[(&str, &str)]) -> NodeEndpoint {
    NodeEndpoint {
        id: at.to_string(),
        addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
        attributes: attributes
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        ingress: [(PORT, at)].into(),
    }
}

/// A virtual node that only calls.
pub(super) fn caller(services: &[&str]) -> Value {
    let backends: Vec<Value> = services
        .iter()
        .map(|service| json!({"virtualService": {"virtualServiceName": service}}))
        .collect();
    json!({"backends": backends})
}

/// A virtual node that is called.
pub(super) fn node(name: &str, protocol: &str) -> Value {
    json!({
        "listeners": [{"portMapping": {"port": PORT, "protocol": protocol}}],
        "serviceDiscovery": {"dns": {"hostname": format!("{name}.demo")}},
    })
}

/// The same, with more said of its listener, which speaks HTTP/1.1.
pub(super) fn node_with(name: &str, more: &Value) -> Value {
    node_speaking(name, "http", more)
}

/// The same, whatever it speaks.
pub(super) fn node_speaking(name: &str, protocol: &str, more: &Value) -> Value {
    let mut document = node(name, protocol);
    for (key, value) in more.as_object().expect("an object") {
        document["listeners"][0][key] = value.clone();
    }
    document
}

/// A virtual router with one port, 80 or 9000.
pub(super) fn router(protocol: &str) -> Value {
    let port = if protocol == "tcp" { 9000 } else { 80 };
    json!({"listeners": [{"portMapping": {"port": port, "protocol": protocol}}]})
}

pub(super) fn by_router(name: &str) -> Value {
    json!({"provider": {"virtualRouter": {"virtualRouterName": name}}})
}

pub(super) fn by_node(name: &str) -> Value {
    json!({"provider": {"virtualNode": {"virtualNodeName": name}}})
}

/// The action of a route.
pub(super) fn to(weights: &[(&str, u32)]) -> Value {
    let targets: Vec<Value> = weights
        .iter()
        .map(|(node, weight)| json!({"virtualNode": node, "weight": weight}))
        .collect();
    json!({"weightedTargets": targets})
}

/// A route of HTTP.
pub(super) fn http(matching: Value, weights: &[(&str, u32)]) -> Value {
    json!({"httpRoute": {"match": matching, "action": to(weights)}})
}

/// A route of HTTP/2.
pub(super) fn http2(matching: Value, weights: &[(&str, u32)]) -> Value {
    json!({"http2Route": {"match": matching, "action": to(weights)}})
}

/// A route of gRPC.
pub(super) fn grpc(matching: Value, weights: &[(&str, u32)]) -> Value {
    json!({"grpcRoute": {"match": matching, "action": to(weights)}})
}

/// The route with one thing more said of it, whatever its kind.
pub(super) fn with(mut route: Value, key: &str, value: Value) -> Value {
    for kind in ["httpRoute", "http2Route", "grpcRoute", "tcpRoute"] {
        if let Some(route) = route.get_mut(kind) {
            route[key] = value.clone();
        }
    }
    route
}

/// Conditions on headers or metadata, each in a plain and in an inverted form: the kind of condition, the condition
/// itself, a value that fits, and one that does not.
pub(super) fn conditions() -> [(&'static str, Value, &'static str, Option<&'static str>); 6] {
    [
        ("present", Value::Null, "anything", None),
        ("exact", json!({"exact": "gold"}), "gold", Some("golden")),
        ("prefix", json!({"prefix": "go"}), "gold", Some("ago")),
        ("suffix", json!({"suffix": "ld"}), "gold", Some("golden")),
        ("regex", json!({"regex": "g.*d"}), "gold", Some("golden")),
        ("range", json!({"range": {"start": 10, "end": 20}}), "10", Some("20")),
    ]
}

/// Status and mark of an answer.
pub(super) fn marked(answer: &Answer) -> (u16, Option<&str>) {
    (answer.status, answer.fault.as_deref())
}
