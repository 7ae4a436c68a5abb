//! The mesh of these tests.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mesh_control::{ControlPlane, ControlPlaneBuilder, NodeEndpoint};
use mesh_control::{NodeStatus, XdsProtocol};
use mesh_model::app_mesh::{Assembly, KeyCasing, ResourcePath};
use serde_json::{Value, json};

use crate::harness::{CallResponse, Mesh};

/// The mesh `demo`, from documents of App Mesh's API.
pub(super) struct Demo {
    pub(super) mesh: Mesh,
    documents: Mutex<BTreeMap<String, Value>>,
}

impl Demo {
    /// A mesh of these documents, by resource path within the mesh; the mesh's own is `mesh`.
    pub(super) async fn start(documents: &[(&str, Value)]) -> Self {
        Self::start_in(XdsProtocol::Delta, documents).await
    }

    /// The same, with Envoys that use this xDS protocol.
    pub(super) async fn start_in(protocol: XdsProtocol, documents: &[(&str, Value)]) -> Self {
        Self::start_from(ControlPlane::builder(), protocol, documents).await
    }

    /// The same, with other settings of the control plane.
    pub(super) async fn start_from(
        builder: ControlPlaneBuilder,
        protocol: XdsProtocol,
        documents: &[(&str, Value)],
    ) -> Self {
        let demo = Self {
            mesh: Mesh::start_from(builder, protocol).await,
            documents: Mutex::new([("mesh".to_owned(), json!({}))].into()),
        };
        demo.put(documents);
        demo
    }

    /// A mesh where `caller` has the backend `shop.demo`, a virtual router with these routes to the nodes `blue` and
    /// `green`.
    pub(super) async fn with_routes(routes: &[(&str, Value)]) -> Self {
        Self::with_protocol("http", routes).await
    }

    /// The same mesh, with nodes and router of this protocol.
    pub(super) async fn with_protocol(protocol: &str, routes: &[(&str, Value)]) -> Self {
        let demo = Self::start(&[
            ("virtualNode/caller", caller(&["shop.demo"])),
            ("virtualNode/blue", node("blue", protocol)),
            ("virtualNode/green", node("green", protocol)),
            ("virtualService/shop.demo", by_router("shop")),
            ("virtualRouter/shop", router(protocol)),
        ])
        .await;
        for (name, route) in routes {
            demo.put(&[(&format!("virtualRouter/shop/route/{name}"), route.clone())]);
        }
        demo
    }

    /// Adds documents, or replaces those of the same resources.
    pub(super) fn put(&self, documents: &[(&str, Value)]) {
        self.change(|all| {
            let documents = documents.iter();
            all.extend(documents.map(|(path, document)| ((*path).to_owned(), document.clone())));
        });
    }

    /// Removes the documents of these resources.
    pub(super) fn delete(&self, paths: &[&str]) {
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
        self.mesh.control.update(|state| state.meshes = meshes);
    }

    /// Waits until this number of Envoys has settled. Returns rejected resources, by name.
    pub(super) async fn settled(&self, envoys: usize) -> Vec<String> {
        let settled = self.mesh.control.settled(envoys);
        tokio::time::timeout(Duration::from_secs(20), settled)
            .await
            .unwrap_or_else(|_| panic!("not settled: {:#?}", self.mesh.control.status()));
        let status = self.mesh.control.status();
        let rejected = status.nodes.iter().flat_map(NodeStatus::rejected);
        rejected.map(|resource| resource.name.clone()).collect()
    }

    /// The notes of a connected node, by its path.
    pub(super) async fn notes(&self, client: &str) -> Vec<String> {
        let id = format!("mesh/demo/{client}");
        self.settled(1).await;
        let status = self.mesh.control.status();
        let node = status.nodes.into_iter().find(|node| node.id == id);
        node.expect("its Envoy runs").notes
    }

    /// Sets the endpoints of a virtual node.
    pub(super) fn set_endpoints(&self, node: &str, at: &[SocketAddr]) {
        let tasks = at.iter().map(|at| instance(*at, &[])).collect();
        let host = format!("{node}.demo");
        self.mesh
            .control
            .update(|state| drop(state.dns_endpoints.insert(host, tasks)));
    }
}

/// The port of every virtual node.
pub(super) const PORT: u16 = 8080;

/// A task with [`PORT`] at this address.
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

/// A virtual node without listeners.
pub(super) fn caller(services: &[&str]) -> Value {
    let backends: Vec<Value> = services
        .iter()
        .map(|service| json!({"virtualService": {"virtualServiceName": service}}))
        .collect();
    json!({"backends": backends})
}

/// A virtual node with a listener.
pub(super) fn node(name: &str, protocol: &str) -> Value {
    json!({
        "listeners": [{"portMapping": {"port": PORT, "protocol": protocol}}],
        "serviceDiscovery": {"dns": {"hostname": format!("{name}.demo")}},
    })
}

/// The same, with further properties of its HTTP listener.
pub(super) fn node_with(name: &str, more: &Value) -> Value {
    node_with_protocol(name, "http", more)
}

/// The same, for any protocol.
pub(super) fn node_with_protocol(name: &str, protocol: &str, more: &Value) -> Value {
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

/// An HTTP route.
pub(super) fn http(matching: Value, weights: &[(&str, u32)]) -> Value {
    json!({"httpRoute": {"match": matching, "action": to(weights)}})
}

/// An HTTP/2 route.
pub(super) fn http2(matching: Value, weights: &[(&str, u32)]) -> Value {
    json!({"http2Route": {"match": matching, "action": to(weights)}})
}

/// A gRPC route.
pub(super) fn grpc(matching: Value, weights: &[(&str, u32)]) -> Value {
    json!({"grpcRoute": {"match": matching, "action": to(weights)}})
}

/// The route with one more property, whatever its kind.
pub(super) fn with(mut route: Value, key: &str, value: Value) -> Value {
    for kind in ["httpRoute", "http2Route", "grpcRoute", "tcpRoute"] {
        if let Some(route) = route.get_mut(kind) {
            route[key] = value.clone();
        }
    }
    route
}

/// Matches of headers or metadata, each plain and inverted: the kind, the match, a matching value, and another one.
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

/// Status and local-reply reason of a response.
pub(super) fn marked(response: &CallResponse) -> (u16, Option<&str>) {
    (response.status, response.fault.as_deref())
}
