//! Reads task definitions: their containers and the Envoy among them.

use std::collections::{BTreeMap, BTreeSet};

use mesh_infra::cfn::ecs;
use mesh_infra::labels::ROLE_OTEL_COLLECTOR;
use mesh_infra::model::TypedResource;
use sidecar_contract::Diagnostics;

use super::container::{self, ContainerSource};
use super::draft::ContainerDraft;
use super::envoy::{self, Envoy};
use super::order::in_start_order;
use super::parts::ContainerPlan;
use super::reader::Reader;
use super::{labels, report};
use crate::image::Images;

/// The parts of a service's tasks.
pub(super) struct Task {
    /// The path of the container definitions.
    pub(super) path: String,
    /// In start order.
    pub(super) containers: Vec<ContainerPlan>,
    /// Whether all container ports and their names are known.
    pub(super) are_ports_known: bool,
    /// The App Mesh Envoy, if any.
    pub(super) envoy: Option<Envoy>,
}

/// Reads a task definition for the tasks of the service `service`.
pub(super) fn describe(
    reader: &mut Reader<'_, '_>,
    TypedResource {
        resource,
        value: definition,
        ..
    }: TypedResource<'_, ecs::TaskDefinition>,
    service: &str,
    images: &Images,
) -> Option<Task> {
    reader.report_resource(resource);
    let properties = resource.properties_path();
    let path = format!("{properties}.ContainerDefinitions");
    if definition.container_definitions.is_empty() {
        report(reader.diagnostics, path, "is empty");
        return None;
    }
    let are_ports_known = are_ports_known(&path, reader.diagnostics);
    let envoy_at = envoy::position(definition, images, &properties, reader.diagnostics);
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
        envoy::describe(definition, container, (paths.0, &paths.1), reader)
    });
    if envoy.is_some() {
        containers.iter_mut().for_each(remove_envoy_variables);
    }
    let has_collector = definition
        .container_definitions
        .iter()
        .zip(&containers)
        .any(|(container, draft)| !draft.is_started && labels::has_role(container, ROLE_OTEL_COLLECTOR));
    if has_collector {
        containers.iter_mut().for_each(remove_collector_variables);
    }
    reject_duplicates(&containers, &path, reader.diagnostics);
    Some(Task {
        containers: in_start_order(containers, &path, reader.diagnostics),
        path,
        are_ports_known,
        envoy,
    })
}

/// Removes the variables that configure the Envoy connection on AWS. They are set locally when the task starts.
fn remove_envoy_variables(container: &mut ContainerDraft) {
    use sidecar_contract::environment::{EGRESS, READY, SUFFIXES, TCP_EGRESS, TRAFFIC_MODE};
    for name in [EGRESS, READY, SUFFIXES, TCP_EGRESS, TRAFFIC_MODE] {
        container.plan.environment.remove(name);
    }
}

/// Removes the variables that name a collector in the task, which does not run locally. The local runner sets its own.
fn remove_collector_variables(container: &mut ContainerDraft) {
    const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let environment = &mut container.plan.environment;
    let is_in_task = |value: &String| value.starts_with("http://127.0.0.1:") || value.starts_with("http://localhost:");
    if environment.get(ENDPOINT).is_some_and(is_in_task) {
        environment.remove(ENDPOINT);
        environment.remove("OTEL_EXPORTER_OTLP_PROTOCOL");
    }
}

fn are_ports_known(path: &str, diagnostics: &Diagnostics) -> bool {
    !diagnostics.iter().any(|diagnostic| {
        let rest = diagnostic.path.strip_prefix(path);
        // An unreadable list or item hides its ports.
        rest.is_some_and(|rest| {
            rest.is_empty()
                || rest.ends_with("PortMappings")
                || rest.ends_with(']') && (rest.contains(".PortMappings[") || !rest.contains('.'))
                || rest.contains(".PortMappings[") && rest.ends_with("].Name")
        })
    })
}

/// Rejects duplicate names, and duplicate ports: containers of a task share one network, as in `awsvpc` mode.
fn reject_duplicates(containers: &[ContainerDraft], path: &str, diagnostics: &mut Diagnostics) {
    let mut names = BTreeSet::new();
    let mut ports = BTreeMap::new();
    for (index, ContainerDraft { plan, .. }) in containers.iter().enumerate() {
        // Unknown names and ports may differ.
        if !plan.name.is_empty() && !names.insert(&plan.name) {
            let message = format!("`{}` is already the name of another container", plan.name);
            diagnostics.add(format!("{path}[{index}].Name"), message);
        }
        let numbers = plan.ports.iter().map(|port| port.mapping.container_port);
        for number in numbers.filter(|number| *number > 0) {
            if let Some(owner) = ports.insert(number, &plan.name) {
                let message = format!("{number} is already a port of container {owner}");
                diagnostics.add(format!("{path}[{index}].PortMappings"), message);
            }
        }
    }
}
