//! Whether an Envoy's bootstrap has what its virtual node or gateway needs: what was changed by path, or said of the mesh
//! later, has to be in both.

use std::collections::BTreeMap;

use cfn::{Template, Value, ecs};
use envoy_bootstrap::{
    LISTENER_PORTS_KEY, MESHWRIGHT_KEY, MeshwrightMetadata, NodeMetadata, SDS_CLUSTER, ingress_listener,
    tcp_egress_listener,
};
use mesh_model::app_mesh::virtual_node::Backend;
use mesh_model::app_mesh::{Kind, Protocol, ResourcePath, Spec, Spelling, Topology};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use crate::env::APPMESH_RESOURCE_ARN;
use crate::labels;

pub(super) fn check(template: &Template, meshes: &BTreeMap<String, Topology>, diagnostics: &mut Diagnostics) {
    let tasks = template.resources_of::<ecs::TaskDefinition>();
    for (id, task) in tasks.filter_map(|(id, task)| Some((id, task.ok()?))) {
        for (number, container) in task.container_definitions.iter().enumerate() {
            let path = format!("Resources.{id}.Properties.ContainerDefinitions[{number}].Command[1]");
            if let Some(read) = read(container, &path, diagnostics)
                && let Some(mesh) = meshes.get(&read.envoy.mesh)
            {
                check_certificates(&read, mesh, &path, diagnostics);
                if !read.wiring.extension.is_transparent_proxy {
                    check_listeners(&read.envoy, &read.wiring, mesh, &path, diagnostics);
                }
            }
        }
    }
}

/// An Envoy of ours, as its bootstrap describes it.
struct Read {
    /// What it belongs to.
    envoy: ResourcePath,
    wiring: NodeMetadata,
    /// Whether it knows of a secret discovery service.
    has_sds: bool,
}

/// Reads the container of an Envoy of ours. `None` for every other.
fn read(container: &ecs::ContainerDefinition, path: &str, diagnostics: &mut Diagnostics) -> Option<Read> {
    if container.docker_labels.get(labels::ROLE) != Some(&Value::from(labels::ROLE_ENVOY)) {
        return None;
    }
    let command = container.command.as_ref().and_then(Value::known_items)?;
    let ["--config-yaml", bootstrap] = command.as_slice() else {
        return None;
    };
    let name = |variable: &&ecs::KeyValuePair| variable.name == Value::from(APPMESH_RESOURCE_ARN);
    let envoy = container.environment.iter().find(name)?;
    let envoy = ResourcePath::parse(envoy.value.known()?)?;
    let bootstrap: Json = match serde_json::from_str(bootstrap) {
        Ok(bootstrap) => bootstrap,
        Err(error) => {
            diagnostics.add(path, format!("is no JSON: {error}"));
            return None;
        }
    };
    let id = bootstrap.pointer("/node/id").and_then(Json::as_str).unwrap_or_default();
    if id != envoy.to_string() {
        diagnostics.add(
            path,
            format!("has the node id `{id}`, and {APPMESH_RESOURCE_ARN} is `{envoy}`; they have to be the same"),
        );
    }
    let metadata = |key: &str| bootstrap.pointer("/node/metadata")?.get(key).cloned();
    let listeners: BTreeMap<String, u16> = serde_json::from_value(metadata(LISTENER_PORTS_KEY)?).ok()?;
    let extension: MeshwrightMetadata = serde_json::from_value(metadata(MESHWRIGHT_KEY)?).ok()?;
    let clusters = bootstrap.pointer("/static_resources/clusters").and_then(Json::as_array);
    let has_sds = clusters
        .into_iter()
        .flatten()
        .any(|cluster| cluster["name"] == SDS_CLUSTER);
    Some(Read {
        envoy,
        wiring: NodeMetadata {
            listener_ports: listeners,
            extension,
        },
        has_sds,
    })
}

/// Certificates that nobody would hand out: such an Envoy waits for them in vain.
fn check_certificates(read: &Read, mesh: &Topology, path: &str, diagnostics: &mut Diagnostics) {
    let name = &read.envoy.name;
    let spec = match read.envoy.kind {
        Kind::VirtualGateway => mesh
            .virtual_gateways
            .get(name)
            .map(|gateway| gateway.spec.write(Spelling::Api)),
        _ => mesh.virtual_nodes.get(name).map(|node| node.write(Spelling::Api)),
    };
    if !read.has_sds && spec.is_some_and(|spec| says_sds(&spec)) {
        diagnostics.add(
            path,
            format!(
                "knows of no secret discovery service, from which {} takes certificates; say where it is with \
                 Service::with_sds_socket",
                read.envoy.in_words()
            ),
        );
    }
}

fn says_sds(json: &Json) -> bool {
    match json {
        Json::Object(object) => object.contains_key("sds") || object.values().any(says_sds),
        Json::Array(items) => items.iter().any(says_sds),
        _ => false,
    }
}

fn check_listeners(
    envoy: &ResourcePath,
    wiring: &NodeMetadata,
    mesh: &Topology,
    path: &str,
    diagnostics: &mut Diagnostics,
) {
    let has = |listener: &str| wiring.listener_ports.contains_key(listener);
    for port in listener_ports(envoy, mesh) {
        if !has(&ingress_listener(&port.to_string())) {
            diagnostics.add(
                path,
                format!(
                    "has no listener for port {port}, on which {} listens; say the port when the listener is described, \
                     not by an override",
                    envoy.in_words()
                ),
            );
        }
    }
    let Some(node) = mesh
        .virtual_nodes
        .get(&envoy.name)
        .filter(|_| envoy.kind == Kind::VirtualNode)
    else {
        return;
    };
    for Backend::VirtualService(backend) in &node.backends {
        let name = &backend.virtual_service_name;
        let called = mesh.ports_of_service(name).into_iter();
        for called in called.filter(|called| called.protocol == Protocol::Tcp) {
            let port = called.port;
            if !has(&tcp_egress_listener(name, port)) {
                diagnostics.add(
                    path,
                    format!(
                        "has no listener for `{name}` port {port}, which {} calls by TCP: a connection does not say whom it \
                         is for. Say VirtualNode::with_tcp_backend, or have connections redirected with \
                         Service::with_transparent_proxy",
                        envoy.in_words()
                    ),
                );
            }
        }
    }
}

fn listener_ports(envoy: &ResourcePath, mesh: &Topology) -> Vec<u16> {
    let listeners = match envoy.kind {
        Kind::VirtualGateway => mesh
            .virtual_gateways
            .get(&envoy.name)
            .map(|gateway| &gateway.spec.listeners),
        _ => mesh.virtual_nodes.get(&envoy.name).map(|node| &node.listeners),
    };
    let listeners = listeners.into_iter().flatten();
    listeners.map(|listener| listener.port_mapping.port).collect()
}
