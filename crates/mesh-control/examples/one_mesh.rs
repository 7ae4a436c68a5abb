//! A control plane for one App Mesh mesh: the virtual node `client` calls `blue.demo`, the server at 127.0.0.1:8000.
//!
//! ```text
//! cargo run -p mesh-control --example one_mesh > envoy.json      prints the bootstrap file of `client`
//! python3 -m http.server 8000
//! envoy --config-path envoy.json
//! curl -H 'Host: blue.demo' http://127.0.0.1:15001/
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::net::Ipv4Addr;

use mesh_control::node::{MeshwrightMetadata, egress_listener};
use mesh_control::{Admin, ApiType, Bootstrap, ControlPlane, MeshState, NodeEndpoint, NodeMetadata};
use mesh_model::app_mesh::{Assembly, KeyCasing, ResourcePath};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let specs = json!({
        "mesh/demo": {},
        "mesh/demo/virtualNode/client": {"backends": [{"virtualService": {"virtualServiceName": "blue.demo"}}]},
        "mesh/demo/virtualService/blue.demo": {"provider": {"virtualNode": {"virtualNodeName": "blue"}}},
        "mesh/demo/virtualNode/blue": {
            "listeners": [{"portMapping": {"port": 80, "protocol": "http"}}],
            "serviceDiscovery": {"dns": {"hostname": "blue.local"}},
        },
    });
    let mut mesh = Assembly::new();
    for (name, spec) in specs.as_object().into_iter().flatten() {
        let path = ResourcePath::parse(name).ok_or("not a resource path")?;
        mesh.add(path, spec, KeyCasing::Camel, name);
    }
    let server = NodeEndpoint {
        id: "blue/1".to_owned(),
        addresses: vec![Ipv4Addr::LOCALHOST.into()],
        attributes: BTreeMap::new(),
        ingress: BTreeMap::from([(80, (Ipv4Addr::LOCALHOST, 8000).into())]),
    };
    let state = MeshState {
        meshes: mesh.finish()?,
        // Without an entry here, Envoy resolves the name by DNS.
        dns_endpoints: BTreeMap::from([("blue.local".to_owned(), vec![server])]),
        ..MeshState::default()
    };
    let (control, serving) = ControlPlane::builder().mesh_state(state).bind().await?;
    eprintln!("status page: http://{}/status", control.addresses().status);

    let bootstrap = Bootstrap {
        node_id: "mesh/demo/virtualNode/client".to_owned(),
        metadata: NodeMetadata {
            listener_ports: BTreeMap::from([(egress_listener(), 15001)]),
            extension: MeshwrightMetadata::default(),
        },
        xds: control.addresses().xds.into(),
        api_type: ApiType::DeltaGrpc,
        admin: Admin::Address((Ipv4Addr::LOCALHOST, 9901).into()),
        sds: None,
        dns_servers: Vec::new(),
        xds_security: mesh_control::XdsSecurity::default(),
        failover: None,
        reports_calls: false,
    };
    println!("{:#}", bootstrap.to_json());
    Ok(serving.await?)
}
