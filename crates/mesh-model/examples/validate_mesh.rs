//! Validates the resources of an App Mesh mesh: prints all errors, or the routes of the mesh.
//!
//! ```text
//! cargo run -p mesh-model --example validate_mesh                 the mesh below, which has an error
//! cargo run -p mesh-model --example validate_mesh -- mesh.json    one of your own, in the same form
//! ```

use std::error::Error;

use mesh_model::app_mesh::{Assembly, KeyCasing, ResourcePath};
use serde_json::{Map, Value};

/// Specs by resource path, with the keys of App Mesh's API. The route refers to a virtual node that does not exist.
const MESH: &str = r#"{
    "mesh/demo": {},
    "mesh/demo/virtualNode/blue": {
        "listeners": [{"portMapping": {"port": 80, "protocol": "http"}}],
        "serviceDiscovery": {"dns": {"hostname": "blue.example"}}
    },
    "mesh/demo/virtualRouter/split": {"listeners": [{"portMapping": {"port": 80, "protocol": "http"}}]},
    "mesh/demo/virtualRouter/split/route/all": {"httpRoute": {
        "match": {"prefix": "/"},
        "action": {"weightedTargets": [
            {"virtualNode": "blue", "weight": 90},
            {"virtualNode": "green", "weight": 10}
        ]}
    }}
}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let text = match std::env::args_os().nth(1) {
        Some(path) => std::fs::read_to_string(path)?,
        None => MESH.to_owned(),
    };
    let documents: Map<String, Value> = serde_json::from_str(&text)?;
    let mut assembly = Assembly::new();
    for (name, document) in &documents {
        let path = ResourcePath::parse(name).ok_or_else(|| format!("`{name}` is not a resource path"))?;
        assembly.add(path, document, KeyCasing::Camel, name);
    }
    match assembly.finish() {
        Err(errors) => println!("{errors}"),
        Ok(meshes) => {
            for mesh in meshes.values() {
                for (name, router) in &mesh.virtual_routers {
                    let routes: Vec<&str> = router.routes.keys().map(String::as_str).collect();
                    println!("{}: virtual router {name} with routes {}", mesh.name, routes.join(", "));
                }
            }
        }
    }
    Ok(())
}
