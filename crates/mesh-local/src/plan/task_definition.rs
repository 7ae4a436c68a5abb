//! The containers of a task definition, and the Envoy among them.

use std::collections::{BTreeMap, BTreeSet};

use mesh_infra::cfn::ecs;
use sidecar_contract::Diagnostics;

use super::container::{self, ContainerDraft, ContainerSource};
use super::envoy::{self, Envoy};
use super::meshes::Meshes;
use super::order::in_start_order;
use super::parts::ContainerPlan;
use super::reader::Reader;
use super::report;
use crate::evaluate::Resource;
use crate::image::Images;

/// What the tasks of a service consist of.
pub(super) struct Task {
    /// Where the containers stand.
    pub(super) path: String,
    /// In an order in which they can be started.
    pub(super) containers: Vec<ContainerPlan>,
    /// Whether all ports of the containers, and their names, are known.
    pub(super) are_ports_known: bool,
    /// The Envoy of App Mesh, if there is one.
    pub(super) envoy: Option<Envoy>,
}

/// Reads a task definition for the tasks of the service `service`.
pub(super) fn describe(
    reader: &mut Reader<'_, '_>,
    resource: Resource<'_>,
    service: &str,
    images: &Images,
    meshes: &Meshes,
) -> Option<Task> {
    let definition: ecs::TaskDefinition = reader.read(resource)?;
    let properties = format!("{}.Properties", resource.path());
    let path = format!("{properties}.ContainerDefinitions");
    if definition.container_definitions.is_empty() {
        report(reader.diagnostics, path, "is empty");
        return None;
    }
    let are_ports_known = are_ports_known(&path, reader.diagnostics);
    let envoy_at = envoy::position(&definition, images, &properties, reader.diagnostics);
    let mut containers: Vec<ContainerDraft> = definition
        .container_definitions
        .iter()
        .enumerate()
        .map(|(index, container)| {
            let path = format!("{path}[{index}]");
            let runs = if envoy_at == Some(index) {
                ContainerSource::Envoy
            } else {
                ContainerSource::of(container, images, &path, reader.diagnostics)
            };
            container::describe(container, runs, service, &path, reader)
        })
        .collect();
    let envoy = envoy_at.map(|index| {
        let container = &definition.container_definitions[index];
        let paths = (properties.as_str(), format!("{path}[{index}]"));
        envoy::describe(&definition, container, meshes, (paths.0, &paths.1), reader)
    });
    if envoy.is_some() {
        containers.iter_mut().for_each(forget_envoy);
    }
    reject_duplicates(&containers, &path, reader.diagnostics);
    Some(Task {
        containers: in_start_order(containers, &path, reader.diagnostics),
        path,
        are_ports_known,
        envoy,
    })
}

/// What a container is told of the Envoy beside it is for AWS. Here Envoy is elsewhere, and whoever starts the task says
/// where.
fn forget_envoy(container: &mut ContainerDraft) {
    use sidecar_contract::environment::{EGRESS, READY, SUFFIXES, TCP_EGRESS, TRAFFIC_MODE};
    for name in [EGRESS, READY, SUFFIXES, TCP_EGRESS, TRAFFIC_MODE] {
        container.plan.environment.remove(name);
    }
}

fn are_ports_known(path: &str, diagnostics: &Diagnostics) -> bool {
    !diagnostics.iter().any(|diagnostic| {
        let place = diagnostic.path.strip_prefix(path);
        // A whole list or item that could not be read has taken its ports with it.
        place.is_some_and(|place| {
            place.is_empty()
                || place.ends_with("PortMappings")
                || place.ends_with(']') && (place.contains(".PortMappings[") || !place.contains('.'))
                || place.contains(".PortMappings[") && place.ends_with("].Name")
        })
    })
}

/// Containers of a task are told apart by name, and share one network: as on Fargate, in `awsvpc` mode.
fn reject_duplicates(containers: &[ContainerDraft], path: &str, diagnostics: &mut Diagnostics) {
    let mut names = BTreeSet::new();
    let mut ports = BTreeMap::new();
    for (index, ContainerDraft { plan, .. }) in containers.iter().enumerate() {
        // Names and ports that are not known may well differ.
        if !plan.name.is_empty() && !names.insert(&plan.name) {
            let message = format!("`{}` is the name of another container already", plan.name);
            diagnostics.add(format!("{path}[{index}].Name"), message);
        }
        let numbers = plan.ports.iter().map(|port| port.mapping.container_port);
        for number in numbers.filter(|number| *number > 0) {
            if let Some(owner) = ports.insert(number, &plan.name) {
                let message = format!("{number} is a port of container {owner} already");
                diagnostics.add(format!("{path}[{index}].PortMappings"), message);
            }
        }
    }
}
