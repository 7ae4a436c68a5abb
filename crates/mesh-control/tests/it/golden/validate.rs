//! A golden file as a static configuration, for `envoy --mode validate`.

use std::fs;
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::harness::program;

/// Validates a configuration by `envoy --mode validate`.
pub(crate) fn validate(configuration: &Value) {
    if let Err(rejection) = check_rejected(&bootstrap(configuration)) {
        panic!("Envoy rejects it:\n{rejection}");
    }
}

/// The error of `envoy --mode validate` for a bootstrap file.
pub(crate) fn check_rejected(bootstrap: &Value) -> Result<(), String> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("envoy.json");
    fs::write(&file, format!("{bootstrap:#}")).expect("the bootstrap file");
    let output = program()
        .command()
        .args(["--mode", "validate", "--disable-hot-restart", "--log-level", "warning"])
        .arg("--config-path")
        .arg(&file)
        // The file of access-log entries.
        .current_dir(directory.path())
        .output()
        .expect("Envoy starts");
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// The configuration without a control plane: routes inside their listener, endpoints inside their cluster.
fn bootstrap(configuration: &Value) -> Value {
    let all = |kind: &str| configuration[kind].as_object().expect("resources by name").clone();
    let clusters = all("clusters").into_iter().map(|(name, mut cluster)| {
        let fields = cluster.as_object_mut().expect("a message");
        if fields.shift_remove("eds_cluster_config").is_some() {
            let addresses = configuration["endpoints"][&name].as_array().expect("its endpoints");
            let endpoints: Vec<Value> = addresses.iter().map(endpoint).collect();
            fields.insert("type".to_owned(), json!("STATIC"));
            let assignment = json!({"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]});
            fields.insert("load_assignment".to_owned(), assignment);
        }
        cluster
    });
    let listeners = all("listeners").into_values().map(|mut listener| {
        put_routes_inside(&mut listener, &configuration["routes"]);
        listener
    });
    json!({"static_resources": {
        "clusters": clusters.collect::<Vec<_>>(),
        "listeners": listeners.collect::<Vec<_>>(),
    }})
}

fn endpoint(address: &Value) -> Value {
    let address: SocketAddr = address.as_str().and_then(|at| at.parse().ok()).expect("an address");
    json!({"endpoint": {"address": {"socket_address": {
        "address": address.ip(),
        "port_value": address.port(),
    }}}})
}

fn put_routes_inside(value: &mut Value, routes: &Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| put_routes_inside(item, routes)),
        Value::Object(fields) => {
            if let Some(rds) = fields.shift_remove("rds") {
                let name = rds["route_config_name"].as_str().expect("a name");
                fields.insert("route_config".to_owned(), routes[name].clone());
            }
            fields.values_mut().for_each(|field| put_routes_inside(field, routes));
        }
        _ => {}
    }
}
