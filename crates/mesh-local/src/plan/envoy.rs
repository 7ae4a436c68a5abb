//! Finds the Envoy container of a task and reads its App Mesh settings.
//!
//! A local Envoy replaces it. Its App Mesh variables are either applied or listed as not simulated.

use std::path::PathBuf;

use mesh_infra::cfn::ecs;
use mesh_infra::env::APPMESH_RESOURCE_ARN;
use mesh_infra::labels::ROLE_ENVOY;
use mesh_model::app_mesh::{Kind, ResourcePath};
use sidecar_contract::Diagnostics;

use super::meshes::mesh_nodes;
use super::reader::Reader;
use super::values::{known, texts};
use super::{Interception, interception, labels, report};
use crate::image::{Images, is_app_mesh_envoy, is_envoy};

/// Variables with the mesh resource of an Envoy, by precedence. Source: the App Mesh agent (read 2026-11-23).
const NODE_VARIABLES: [&str; 3] = [
    APPMESH_RESOURCE_ARN,
    "APPMESH_RESOURCE_NAME",
    "APPMESH_VIRTUAL_NODE_NAME",
];
/// The Unix socket of a secret discovery service.
const SDS_VARIABLE: &str = "APPMESH_SDS_SOCKET_PATH";
/// Statistics tags are always enabled locally.
const ALWAYS_ON: &str = "ENABLE_ENVOY_STATS_TAGS";

/// A task's Envoy.
#[derive(Debug)]
pub(super) struct Envoy {
    /// The container's name.
    pub(super) container: String,
    /// Its virtual node or virtual gateway; `None` if unknown, which was reported.
    pub(super) mesh_node: Option<ResourcePath>,
    pub(super) sds: Option<PathBuf>,
    pub(super) interception: Option<Interception>,
}

/// The index of the Envoy container: the target of the proxy configuration, else the container with an Envoy image, or
/// whose environment names its mesh resource, whatever its image is. An image with a local command runs that command,
/// unless it is an App Mesh image. Where there is no mesh, an Envoy without a mesh resource is a container like any
/// other.
pub(super) fn position(
    definition: &ecs::TaskDefinition,
    images: &Images,
    path: &str,
    (has_mesh, diagnostics): (bool, &mut Diagnostics),
) -> Option<usize> {
    let containers = &definition.container_definitions;
    let image_of = |container: &ecs::ContainerDefinition| known(&container.image).unwrap_or_default();
    let by_image = |container: &ecs::ContainerDefinition| {
        let image = image_of(container);
        let mut variables = container.environment.iter();
        let mut belongs_to_mesh = || {
            variables.any(|variable| known(&variable.name).is_none_or(|name| NODE_VARIABLES.contains(&name.as_str())))
        };
        let is_envoy = is_app_mesh_envoy(&image) || is_envoy(&image) && images.get(&image).is_none();
        is_envoy && (has_mesh || belongs_to_mesh())
    };
    let by_environment = |container: &ecs::ContainerDefinition| {
        names_a_mesh_resource(container) && images.get(&image_of(container)).is_none()
    };
    let named = definition.proxy_configuration.as_ref();
    let named = named.and_then(|proxy| known(&proxy.container_name));
    if let Some(name) = named {
        let found = containers
            .iter()
            .position(|container| known(&container.name).as_ref() == Some(&name));
        let all_known = containers.iter().all(|container| container.name.known().is_some());
        if found.is_none() && all_known {
            let path = format!("{path}.ProxyConfiguration.ContainerName");
            report(
                diagnostics,
                path,
                format!("`{name}` is not a container of this task definition"),
            );
        }
        return found;
    }
    let positions = |is_envoy: &dyn Fn(&ecs::ContainerDefinition) -> bool| -> Vec<usize> {
        (0..containers.len())
            .filter(|index| is_envoy(&containers[*index]))
            .collect()
    };
    let mut found = positions(&by_image);
    // Beside an Envoy, an application may have the same variables for its own use.
    if found.is_empty() {
        found = positions(&by_environment);
    }
    if let [first, second, ..] = found.as_slice() {
        let name = |index: &usize| known(&containers[*index].name).unwrap_or_default();
        let message = format!("is a second Envoy besides `{}`; a task has one", name(first));
        report(diagnostics, format!("{path}.ContainerDefinitions[{second}]"), message);
    }
    found.first().copied()
}

/// Whether the environment has the mesh resource of an Envoy.
fn names_a_mesh_resource(container: &ecs::ContainerDefinition) -> bool {
    let is_resource = |variable: &ecs::KeyValuePair| {
        let is_named = known(&variable.name).is_some_and(|name| NODE_VARIABLES.contains(&name.as_str()));
        is_named && variable.value.known().is_none_or(|value| !value.is_empty())
    };
    container.environment.iter().any(is_resource)
}

/// Reads the settings of the Envoy container, and lists those that are not simulated.
///
/// `properties` is the path of the task definition's properties, `path` that of the container.
pub(super) fn describe(
    definition: &ecs::TaskDefinition,
    container: &ecs::ContainerDefinition,
    (properties, path): (&str, &str),
    reader: &mut Reader<'_, '_>,
) -> Envoy {
    let mesh_node = mesh_node(container, path, reader);
    let mut sds = None;
    for (index, variable) in container.environment.iter().enumerate() {
        let (Some(name), value) = (known(&variable.name), known(&variable.value)) else {
            continue;
        };
        if name == SDS_VARIABLE {
            sds = value.filter(|value| !value.is_empty()).map(PathBuf::from);
        } else if !NODE_VARIABLES.contains(&name.as_str()) && name != ALWAYS_ON {
            reader.mark_not_simulated(format!("{path}.Environment[{index}] {name}"), "variable of Envoy");
        }
    }
    let is_ours = labels::has_role(container, ROLE_ENVOY);
    let started_otherwise = [
        // Meshwright's own bootstrap command; the local bootstrap is written with local addresses.
        ("Command", !is_ours && !texts(container.command.as_ref()).is_empty()),
        ("EntryPoint", !texts(container.entry_point.as_ref()).is_empty()),
        ("DependsOn", !container.depends_on.is_empty()),
    ];
    for (property, _) in started_otherwise.iter().filter(|(_, is_there)| *is_there) {
        reader.mark_not_simulated(format!("{path}.{property}"), "property");
    }
    Envoy {
        container: known(&container.name).unwrap_or_default(),
        mesh_node,
        sds,
        interception: interception::read(definition, properties, reader.diagnostics),
    }
}

/// The virtual node or virtual gateway of the Envoy.
fn mesh_node(container: &ecs::ContainerDefinition, path: &str, reader: &mut Reader<'_, '_>) -> Option<ResourcePath> {
    let (model, diagnostics) = (reader.model, &mut *reader.diagnostics);
    const FORMS: &str = "an ARN, mesh/MESH/virtualNode/NAME or mesh/MESH/virtualGateway/NAME";
    let variables = || container.environment.iter().enumerate();
    let given = NODE_VARIABLES.iter().find_map(|wanted| {
        variables().find(|(_, variable)| {
            let is_empty = variable.value.known().is_some_and(String::is_empty);
            known(&variable.name).as_deref() == Some(wanted) && !is_empty
        })
    });
    let Some((index, variable)) = given else {
        // It may be one of the unknown variables.
        if container
            .environment
            .iter()
            .all(|variable| variable.name.known().is_some())
        {
            let message = format!(
                "has no virtual node or virtual gateway for this Envoy; set {} to {FORMS}",
                NODE_VARIABLES[0]
            );
            report(diagnostics, format!("{path}.Environment"), message);
        }
        return None;
    };
    let value = known(&variable.value)?;
    let path = format!("{path}.Environment[{index}].Value");
    let has_envoys = |path: &ResourcePath| matches!(path.kind, Kind::VirtualNode | Kind::VirtualGateway);
    let Some(node) = ResourcePath::parse(&value).filter(has_envoys) else {
        let message = format!("is `{value}`, which is not a virtual node or virtual gateway; expected {FORMS}");
        report(diagnostics, path, message);
        return None;
    };
    if model.lacks(&node) {
        let message = format!(
            "is `{node}`, which is not in this template; known: {}",
            mesh_nodes(model)
        );
        report(diagnostics, path, message);
        return None;
    }
    if let Some(owner) = ResourcePath::mesh_owner(&value) {
        let note = format!(
            "the mesh `{}` of account {owner} is taken from the given templates",
            node.mesh
        );
        reader.assume(path, note);
    }
    Some(node)
}
