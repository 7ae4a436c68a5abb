//! Assembles one Envoy configuration file: the bootstrap with all resources of a snapshot inline.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use mesh_control::ApiType;
use mesh_control::ResourceType;
use mesh_control::{Admin, Bootstrap, NodeMetadata, Snapshot};
use serde_json::{Map, Value, json};

use super::message::{MessageError, Messages, is_of_type};

/// The bootstrap's cluster for the control plane.
const CONTROL_PLANE: &str = "xds";
const CONNECTION_MANAGER: &str = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/// The configuration file. Listeners and clusters are sorted by name; routes are inlined into their listeners. EDS
/// clusters have no endpoints.
pub(super) fn assemble(
    snapshot: &Snapshot,
    node_id: &str,
    metadata: NodeMetadata,
    sds: Option<PathBuf>,
) -> Result<Value, MessageError> {
    let messages = Messages::load()?;
    let all = |kind| -> Result<Map<String, Value>, MessageError> {
        snapshot
            .of_type(kind)
            .map(|resource| {
                Ok((
                    resource.name().to_owned(),
                    messages.to_json(resource.kind().type_url(), resource.message())?,
                ))
            })
            .collect()
    };
    let routes = all(ResourceType::Route)?;
    let mut listeners: Vec<Value> = all(ResourceType::Listener)?.into_values().collect();
    for listener in &mut listeners {
        inline_routes(listener, &routes);
    }
    let clusters = all(ResourceType::Cluster)?.into_values();

    // Only the parts of the bootstrap that are not about administration and the control plane.
    let mut bootstrap = Bootstrap {
        node_id: node_id.to_owned(),
        metadata,
        xds: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into(),
        api_type: ApiType::DeltaGrpc,
        admin: Admin::Socket(PathBuf::new()),
        sds,
        dns_servers: Vec::new(),
        xds_security: mesh_control::XdsSecurity::default(),
        failover: None,
        reports_calls: false,
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

/// Replaces route references in listeners by their routes. All referenced routes are in the snapshot.
fn inline_routes(value: &mut Value, routes: &Map<String, Value>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| inline_routes(item, routes)),
        Value::Object(fields) if is_of_type(fields, CONNECTION_MANAGER) => {
            let inline = |(key, value): (String, Value)| {
                let named = value["route_config_name"].as_str().and_then(|name| routes.get(name));
                match named.filter(|_| key == "rds") {
                    Some(routes) => ("route_config".to_owned(), routes.clone()),
                    None => (key, value),
                }
            };
            // At the position of the reference, to keep Envoy's field order.
            *fields = std::mem::take(fields).into_iter().map(inline).collect();
        }
        Value::Object(fields) => fields.values_mut().for_each(|field| inline_routes(field, routes)),
        _ => {}
    }
}
