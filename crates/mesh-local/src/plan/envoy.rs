//! Which container of a task is its Envoy, and what it says of itself.
//!
//! A local Envoy runs in its place. What the container is told in App Mesh's words is either honoured here or listed.

use std::path::PathBuf;

use mesh_infra::cfn::ecs;
use mesh_infra::labels::ROLE_ENVOY;
use mesh_model::app_mesh::{Kind, ResourcePath};
use sidecar_contract::Diagnostics;

use super::container::{known, texts};
use super::meshes::Meshes;
use super::reader::Reader;
use super::{Interception, interception, labels, report};
use crate::image::{Images, is_app_mesh_envoy, is_envoy};

/// What an Envoy is called, the first that is there. Source: the App Mesh agent (read 2026-11-23).
const NODE_VARIABLES: [&str; 3] = [
    "APPMESH_RESOURCE_ARN",
    "APPMESH_RESOURCE_NAME",
    "APPMESH_VIRTUAL_NODE_NAME",
];
/// The socket of a secret discovery service.
const SDS_VARIABLE: &str = "APPMESH_SDS_SOCKET_PATH";
/// Statistics have these tags here whether they are asked for or not.
const ALWAYS_ON: &str = "ENABLE_ENVOY_STATS_TAGS";

/// A task's Envoy.
#[derive(Debug)]
pub(super) struct Envoy {
    /// The container's name.
    pub(super) container: String,
    /// What it belongs to; `None` if that is not known, which was noted.
    pub(super) member: Option<ResourcePath>,
    pub(super) sds: Option<PathBuf>,
    pub(super) interception: Option<Interception>,
}

/// The position of a task's Envoy among its containers: the one that connections are redirected to, or else the one
/// that runs an image of Envoy. An image that somebody said what to run for is that; it takes its place as an Envoy only
/// if it was made to be one for App Mesh.
pub(super) fn position(
    definition: &ecs::TaskDefinition,
    images: &Images,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Option<usize> {
    let containers = &definition.container_definitions;
    let by_image = |container: &ecs::ContainerDefinition| {
        let image = known(&container.image).unwrap_or_default();
        is_app_mesh_envoy(&image) || is_envoy(&image) && images.get(&image).is_none()
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
                format!("`{name}` is no container of this task definition"),
            );
        }
        return found;
    }
    let found: Vec<usize> = (0..containers.len())
        .filter(|index| by_image(&containers[*index]))
        .collect();
    if let [first, second, ..] = found.as_slice() {
        let name = |index: &usize| known(&containers[*index].name).unwrap_or_default();
        let message = format!("is an Envoy, as `{}` is; a task has one", name(first));
        report(diagnostics, format!("{path}.ContainerDefinitions[{second}]"), message);
    }
    found.first().copied()
}

/// Reads what the Envoy's container says, and lists what is not done about it.
///
/// `properties` is where the task definition's stand, and `path` where the container stands.
pub(super) fn describe(
    definition: &ecs::TaskDefinition,
    container: &ecs::ContainerDefinition,
    meshes: &Meshes,
    (properties, path): (&str, &str),
    reader: &mut Reader<'_, '_>,
) -> Envoy {
    let member = member(container, meshes, path, reader.diagnostics);
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
        // The bootstrap that is ours is written here as well, with the places that there are on this machine.
        ("Command", !is_ours && !texts(container.command.as_ref()).is_empty()),
        ("EntryPoint", !texts(container.entry_point.as_ref()).is_empty()),
        ("DependsOn", !container.depends_on.is_empty()),
    ];
    for (property, _) in started_otherwise.iter().filter(|(_, is_there)| *is_there) {
        reader.mark_not_simulated(format!("{path}.{property}"), "property");
    }
    Envoy {
        container: known(&container.name).unwrap_or_default(),
        member,
        sds,
        interception: interception::read(definition, properties, reader.diagnostics),
    }
}

/// What the Envoy belongs to.
fn member(
    container: &ecs::ContainerDefinition,
    meshes: &Meshes,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Option<ResourcePath> {
    const FORMS: &str = "an ARN, or mesh/MESH/virtualNode/NAME or mesh/MESH/virtualGateway/NAME";
    let variables = || container.environment.iter().enumerate();
    let given = NODE_VARIABLES.iter().find_map(|wanted| {
        variables().find(|(_, variable)| {
            let is_empty = variable.value.known().is_some_and(String::is_empty);
            known(&variable.name).as_deref() == Some(wanted) && !is_empty
        })
    });
    let Some((index, variable)) = given else {
        // It may be among variables that could not be read.
        if container
            .environment
            .iter()
            .all(|variable| variable.name.known().is_some())
        {
            let message = format!(
                "does not say which virtual node or virtual gateway this Envoy belongs to: set {} to {FORMS}",
                NODE_VARIABLES[0]
            );
            report(diagnostics, format!("{path}.Environment"), message);
        }
        return None;
    };
    let value = known(&variable.value)?;
    let path = format!("{path}.Environment[{index}].Value");
    let has_envoys = |path: &ResourcePath| matches!(path.kind, Kind::VirtualNode | Kind::VirtualGateway);
    let Some(member) = ResourcePath::parse(&value).filter(has_envoys) else {
        let message = format!("is `{value}`, which names no virtual node and no virtual gateway; allowed is {FORMS}");
        report(diagnostics, path, message);
        return None;
    };
    if !meshes.may_have(&member) {
        let message = format!("`{member}` is not in this template, which has: {}", meshes.members());
        report(diagnostics, path, message);
        return None;
    }
    Some(member)
}
