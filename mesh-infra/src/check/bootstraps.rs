//! Envoy bootstraps: whether each has what its virtual node or gateway needs. An override can change one without the
//! other.

use std::collections::BTreeMap;

use cfn::{Value, ecs};
use envoy_bootstrap::{
    LISTENER_PORTS_KEY, MESHWRIGHT_KEY, MeshwrightMetadata, NodeMetadata, SDS_CLUSTER, ingress_listener,
    tcp_egress_listener,
};
use mesh_model::app_mesh::{KeyCasing, Kind, ResourcePath, Spec, Topology};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use crate::env::APPMESH_RESOURCE_ARN;
use crate::labels;
use crate::model::TemplateModel;

pub(super) fn check(model: &TemplateModel<'_>, diagnostics: &mut Diagnostics) {
    for task in model.task_definitions() {
        let properties = task.resource.properties_path();
        for (index, container) in task.value.container_definitions.iter().enumerate() {
            let path = format!("{properties}.ContainerDefinitions[{index}].Command[1]");
            if let Some(envoy) = read_envoy(container, &path, diagnostics)
                && let Some(mesh) = model.topologies().get(&envoy.resource.mesh)
            {
                check_certificates(&envoy, mesh, &path, diagnostics);
                if !envoy.metadata.extension.is_transparent_proxy {
                    check_listeners(&envoy, mesh, &path, diagnostics);
                }
            }
        }
    }
}

/// An Envoy that a construct added, as its bootstrap describes it.
struct Envoy {
    /// The virtual node or gateway that it belongs to.
    resource: ResourcePath,
    metadata: NodeMetadata,
    /// Whether it has a cluster for a secret discovery service.
    has_sds: bool,
}

/// Reads the container of an Envoy that a construct added. `None` for every other container.
fn read_envoy(container: &ecs::ContainerDefinition, path: &str, diagnostics: &mut Diagnostics) -> Option<Envoy> {
    if container.docker_labels.get(labels::ROLE) != Some(&Value::from(labels::ROLE_ENVOY)) {
        return None;
    }
    let command = container.command.as_ref().and_then(Value::known_items)?;
    let ["--config-yaml", bootstrap] = command.as_slice() else {
        return None;
    };
    let is_arn = |variable: &&ecs::KeyValuePair| variable.name == Value::from(APPMESH_RESOURCE_ARN);
    let arn = container.environment.iter().find(is_arn)?;
    let resource = ResourcePath::parse(arn.value.known()?)?;
    let bootstrap: Json = match serde_json::from_str(bootstrap) {
        Ok(bootstrap) => bootstrap,
        Err(error) => {
            diagnostics.add(path, format!("is not JSON: {error}"));
            return None;
        }
    };
    let id = bootstrap.pointer("/node/id").and_then(Json::as_str).unwrap_or_default();
    if id != resource.to_string() {
        diagnostics.add(
            path,
            format!("has the node id `{id}`, but {APPMESH_RESOURCE_ARN} is `{resource}`; both must be equal"),
        );
    }
    let metadata = |key: &str| bootstrap.pointer("/node/metadata")?.get(key).cloned();
    let listener_ports: BTreeMap<String, u16> = serde_json::from_value(metadata(LISTENER_PORTS_KEY)?).ok()?;
    let extension: MeshwrightMetadata = serde_json::from_value(metadata(MESHWRIGHT_KEY)?).ok()?;
    let clusters = bootstrap.pointer("/static_resources/clusters").and_then(Json::as_array);
    let mut clusters = clusters.into_iter().flatten();
    Some(Envoy {
        resource,
        metadata: NodeMetadata {
            listener_ports,
            extension,
        },
        has_sds: clusters.any(|cluster| cluster["name"] == SDS_CLUSTER),
    })
}

/// Without a secret discovery service, an Envoy waits forever for certificates from one.
fn check_certificates(envoy: &Envoy, mesh: &Topology, path: &str, diagnostics: &mut Diagnostics) {
    let name = &envoy.resource.name;
    let spec = match envoy.resource.kind {
        Kind::VirtualGateway => mesh
            .virtual_gateways
            .get(name)
            .map(|gateway| gateway.spec.write(KeyCasing::Camel)),
        _ => mesh.virtual_nodes.get(name).map(|node| node.write(KeyCasing::Camel)),
    };
    if !envoy.has_sds && spec.is_some_and(|spec| uses_sds(&spec)) {
        diagnostics.add(
            path,
            format!(
                "has no secret discovery service, from which {} takes certificates; set it by Service::with_sds_socket",
                envoy.resource.description()
            ),
        );
    }
}

fn uses_sds(spec: &Json) -> bool {
    match spec {
        Json::Object(object) => object.contains_key("sds") || object.values().any(uses_sds),
        Json::Array(items) => items.iter().any(uses_sds),
        _ => false,
    }
}

fn check_listeners(envoy: &Envoy, mesh: &Topology, path: &str, diagnostics: &mut Diagnostics) {
    let has = |listener: &str| envoy.metadata.listener_ports.contains_key(listener);
    for listener in mesh.listeners(&envoy.resource) {
        let port = listener.port_mapping.port;
        if !has(&ingress_listener(&port.to_string())) {
            diagnostics.add(
                path,
                format!(
                    "has no listener for port {port} of {}; change the port where the listener is described, not by an \
                     override",
                    envoy.resource.description()
                ),
            );
        }
    }
    for (name, port) in mesh.tcp_backends(&envoy.resource) {
        if !has(&tcp_egress_listener(name, port)) {
            diagnostics.add(
                path,
                format!(
                    "has no listener for the TCP backend `{name}` port {port} of {}; a TCP connection does not name its \
                     destination, so add VirtualNode::with_tcp_backend, or use Service::with_transparent_proxy",
                    envoy.resource.description()
                ),
            );
        }
    }
}
