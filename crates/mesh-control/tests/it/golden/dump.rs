//! An Envoy's configuration, from its `/config_dump`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::harness::Envoy;

/// The resources served over ADS, by type and name, without Envoy's own fields.
pub(crate) async fn read(envoy: &Envoy) -> Value {
    let page = envoy.page("/config_dump?include_eds").await;
    let page: Value = serde_json::from_str(&page).expect("JSON");
    let clusters = resources(&page, "dynamic_active_clusters", "/cluster", "name");
    json!({
        "notes": null,
        "endpoints": addresses(&page, &clusters),
        "clusters": clusters,
        "listeners": resources(&page, "dynamic_listeners", "/active_state/listener", "name"),
        "routes": resources(&page, "dynamic_route_configs", "/route_config", "name"),
    })
}

fn resources(page: &Value, list: &str, pointer: &str, name: &str) -> Map<String, Value> {
    let sorted: BTreeMap<String, Value> = page["configs"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|dump| dump[list].as_array())
        .flatten()
        .map(|entry| {
            let mut resource = entry.pointer(pointer).expect("a resource").clone();
            // The type follows from the position.
            resource.as_object_mut().expect("a message").shift_remove("@type");
            (resource[name].as_str().expect("a name").to_owned(), resource)
        })
        .collect();
    sorted.into_iter().collect()
}

/// The addresses of EDS endpoints, by cluster. Envoy reassembles this message with defaults, so only the addresses are
/// compared.
fn addresses(page: &Value, clusters: &Map<String, Value>) -> Map<String, Value> {
    let assignments = resources(page, "dynamic_endpoint_configs", "/endpoint_config", "cluster_name");
    let eds = assignments
        .into_iter()
        .filter(|(cluster, _)| clusters[cluster]["type"] == "EDS");
    let addresses = eds.map(|(cluster, assignment)| {
        let localities = assignment["endpoints"].as_array().into_iter().flatten();
        let endpoints = localities
            .filter_map(|locality| locality["lb_endpoints"].as_array())
            .flatten();
        let addresses = endpoints.map(|endpoint| {
            let at = &endpoint["endpoint"]["address"]["socket_address"];
            let ip = at["address"].as_str().expect("an IP address");
            Value::from(format!("{ip}:{}", at["port_value"]))
        });
        (cluster, addresses.collect())
    });
    addresses.collect()
}

/// Replaces every value that is equal to `one` by `other`.
pub(crate) fn replace(value: &mut Value, one: &Value, other: &Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, one, other)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, one, other)),
        value if value == one => value.clone_from(other),
        _ => {}
    }
}
