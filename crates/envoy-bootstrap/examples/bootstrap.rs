//! Prints the bootstrap file of an Envoy in an App Mesh mesh, with an egress listener and one ingress listener.
//!
//! ```text
//! cargo run -p envoy-bootstrap --example bootstrap -- mesh/demo/virtualNode/blue 127.0.0.1:18000 > envoy.json
//! envoy --config-path envoy.json
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;

use envoy_bootstrap::{
    Admin, ApiType, Bootstrap, Identity, MeshwrightMetadata, NodeMetadata, egress_listener, ingress_listener,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(node_id), Some(control_plane)) = (arguments.next(), arguments.next()) else {
        return Err("usage: bootstrap NODE_ID CONTROL_PLANE_ADDRESS".into());
    };
    // The control plane rejects an Envoy with another form of node id.
    Identity::parse(&node_id).map_err(|error| error.to_string())?;
    let bootstrap = Bootstrap {
        node_id,
        metadata: NodeMetadata {
            // The service connects to 15001, its peers to 15000, which is forwarded to the service at 8080.
            listener_ports: BTreeMap::from([(egress_listener(), 15001), (ingress_listener("80"), 15000)]),
            extension: MeshwrightMetadata {
                app_ports: BTreeMap::from([(80, 8080)]),
                ..MeshwrightMetadata::default()
            },
        },
        xds: control_plane.parse::<SocketAddr>()?.into(),
        api_type: ApiType::DeltaGrpc,
        admin: Admin::Address(SocketAddr::from(([127, 0, 0, 1], 9901))),
        sds: None,
        dns_servers: Vec::new(),
        xds_security: envoy_bootstrap::XdsSecurity::default(),
        failover: None,
        reports_calls: false,
    };
    println!("{:#}", bootstrap.to_json());
    Ok(())
}
