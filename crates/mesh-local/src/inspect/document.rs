//! All that one Envoy is told, as one configuration file for Envoy: its bootstrap file with everything in it that it
//! would learn from the control plane.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use mesh_control::ApiType;
use mesh_control::ResourceType;
use mesh_control::{Admin, Bootstrap, NodeMetadata, Snapshot};
use serde_json::{Map, Value, json};

use super::message::{MessageError, Messages, is_of_type};

/// The cluster that the bootstrap file has for the control plane's sake.
const CONTROL_PLANE: &str = "xds";
const CONNECTION_MANAGER: &str = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/// The configuration file. Listeners and clusters are in the order of their names; routes are inside the listener that
/// asks for them. Of clusters whose tasks the control plane tells (`EDS`), none is known.
pub(super) fn of(
    snapshot: &Snapshot,
    node_id: &str,
    wiring: NodeMetadata,
    sds: Option<PathBuf>,
) -> Result<Value, MessageError> {
    let messages = Messages::load()?;
    let all = |kind| -> Result<Map<String, Value>, MessageError> {
        snapshot
            .of_type(kind)
            .map(|resource| {
                Ok((
                    resource.name.clone(),
                    messages.to_json(&resource.body.type_url, &resource.body.value)?,
                ))
            })
            .collect()
    };
    let routes = all(ResourceType::Route)?;
    let mut listeners: Vec<Value> = all(ResourceType::Listener)?.into_values().collect();
    for listener in &mut listeners {
        put_routes_inside(listener, &routes);
    }
    let clusters = all(ResourceType::Cluster)?.into_values();

    // What of it is not for talking to people and to the control plane.
    let mut bootstrap = Bootstrap {
        node_id: node_id.to_owned(),
        metadata: wiring,
        xds: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into(),
        api_type: ApiType::DeltaGrpc,
        admin: Admin::Socket(PathBuf::new()),
        sds,
        dns_servers: Vec::new(),
    }
    .to_json();
    let own = bootstrap["static_resources"]["clusters"].take();
    let own = own.as_array().into_iter().flatten();
    let own = own.filter(|cluster| cluster["name"] != CONTROL_PLANE).cloned();
    let mut document = json!({
        "node": {"id": node_id, "cluster": node_id},
        "static_resources": {"listeners": listeners, "clusters": own.chain(clusters).collect::<Vec<_>>()},
    });
    if bootstrap["stats_config"]["stats_tags"] != json!([]) {
        document["stats_config"] = bootstrap["stats_config"].take();
    }
    Ok(document)
}

/// Puts routes where a listener only names them. It names none that the snapshot does not have.
fn put_routes_inside(value: &mut Value, routes: &Map<String, Value>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| put_routes_inside(item, routes)),
        Value::Object(fields) if is_of_type(fields, CONNECTION_MANAGER) => {
            let inside = |(key, value): (String, Value)| {
                let named = value["route_config_name"].as_str().and_then(|name| routes.get(name));
                match named.filter(|_| key == "rds") {
                    Some(routes) => ("route_config".to_owned(), routes.clone()),
                    None => (key, value),
                }
            };
            // In place of the name, so that the order stays Envoy's.
            *fields = std::mem::take(fields).into_iter().map(inside).collect();
        }
        Value::Object(fields) => fields.values_mut().for_each(|field| put_routes_inside(field, routes)),
        _ => {}
    }
}
