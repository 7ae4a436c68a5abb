//! The mesh of these tests.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use mesh_control::ads::Variant;
use mesh_control::{Addresses, NodeInstance, World};
use mesh_model::app_mesh::{Assembly, ResourcePath, Spelling};
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
        let demo = Self {
            mesh: Mesh::start_at(Addresses::default(), Variant::Delta, World::default()).await,
            documents: Mutex::new([("mesh".to_owned(), json!({}))].into()),
        };
        demo.describe(documents);
        demo
    }

    /// A mesh in which `caller` may call `shop.demo`, a virtual router with these routes to the nodes `blue` and `green`.
    pub(super) async fn with_routes(routes: &[(&str, Value)]) -> Self {
        let demo = Self::start(&[
            ("virtualNode/caller", caller(&["shop.demo"])),
            ("virtualNode/blue", node("blue", "http")),
            ("virtualNode/green", node("green", "http")),
            ("virtualService/shop.demo", by_router("shop")),
            ("virtualRouter/shop", router("http")),
        ])
        .await;
        for (name, route) in routes {
            demo.describe(&[(&format!("virtualRouter/shop/route/{name}"), route.clone())]);
        }
        demo
    }

    /// Adds documents, or replaces those of the same resources.
    pub(super) fn describe(&self, documents: &[(&str, Value)]) {
        let mut all = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(
            documents
                .iter()
                .map(|(path, document)| ((*path).to_owned(), document.clone())),
        );
        let mut assembly = Assembly::new();
        for (path, document) in all.iter() {
            let path = if path == "mesh" {
                "mesh/demo".to_owned()
            } else {
                format!("mesh/demo/{path}")
            };
            let resource = ResourcePath::parse(&path).expect("a path");
            assembly.add(resource, document, Spelling::Api, &path);
        }
        let meshes = assembly.finish().unwrap_or_else(|problems| panic!("{problems}"));
        self.mesh.control.update(|world| world.meshes = meshes);
    }

    /// Says where the tasks of a virtual node take requests.
    pub(super) fn serve(&self, node: &str, at: &[SocketAddr]) {
        let tasks = at.iter().map(|at| instance(*at, &[])).collect();
        let host = format!("{node}.demo");
        self.mesh.control.update(|world| drop(world.hosts.insert(host, tasks)));
    }
}

/// The port of every virtual node.
pub(super) const PORT: u16 = 8080;

/// A task that takes requests for [`PORT`] there.
pub(super) fn instance(at: SocketAddr, attributes: &[(&str, &str)]) -> NodeInstance {
    NodeInstance {
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

/// The same, with more said of its listener.
pub(super) fn node_with(name: &str, more: &Value) -> Value {
    let mut document = node(name, "http");
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

/// Status and mark of an answer.
pub(super) fn marked(answer: &Answer) -> (u16, Option<&str>) {
    (answer.status, answer.fault.as_deref())
}
