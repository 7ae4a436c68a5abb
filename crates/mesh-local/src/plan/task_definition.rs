//! Reads task definitions: their containers and the Envoy among them.

use std::collections::{BTreeMap, BTreeSet};

use mesh_infra::Value;
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
use super::values::{known, text};
use super::{interception, labels, report};
use crate::image::Images;
use crate::network::Network;

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
    let has_mesh = !reader.model.mesh_resources().is_empty();
    let envoy_at = envoy::position(definition, images, &properties, (has_mesh, reader.diagnostics));
    let completed = envoy_at.and_then(|envoy| with_app_ports(definition, envoy, &properties, reader));
    let definition = completed.as_ref().unwrap_or(definition);
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
    let ports = PortSharing::of(definition, reader.network);
    reject_duplicates(&containers, ports, &path, reader.diagnostics);
    Some(Task {
        containers: in_start_order(containers, &path, reader.diagnostics),
        path,
        are_ports_known,
        envoy,
    })
}

/// The task definition with port mappings for the ports that only the proxy configuration names. Containers of `awsvpc`
/// tasks listen on any port, mapped or not. `None` if every port is mapped.
fn with_app_ports(
    definition: &ecs::TaskDefinition,
    envoy: usize,
    path: &str,
    reader: &mut Reader<'_, '_>,
) -> Option<ecs::TaskDefinition> {
    // Its errors are reported with the Envoy.
    let interception = interception::read(definition, path, &mut Diagnostics::new())?;
    let containers = definition.container_definitions.iter().enumerate();
    let applications = containers.filter(|(index, _)| *index != envoy);
    let is_mapped = |port: u16| {
        let mappings = definition
            .container_definitions
            .iter()
            .flat_map(|container| &container.port_mappings);
        let mut ports = mappings.map(|mapping| mapping.container_port.as_ref().map(Value::known));
        // A port that is not known may be any.
        ports.any(|known| known.flatten().is_none_or(|known| *known == u32::from(port)))
    };
    let ports: Vec<u16> = interception
        .app_ports
        .into_iter()
        .filter(|port| !is_mapped(*port))
        .collect();
    let owner = applications.min_by_key(|(_, container)| {
        let is_essential = container
            .essential
            .as_ref()
            .is_none_or(|value| value.known() != Some(&false));
        (!container.port_mappings.is_empty(), !is_essential)
    });
    let (index, owner) = owner.filter(|_| !ports.is_empty())?;
    let mut completed = definition.clone();
    for port in ports {
        let mapping = ecs::PortMapping {
            container_port: Some(Value::from(u32::from(port))),
            ..Default::default()
        };
        completed.container_definitions[index].port_mappings.push(mapping);
        let note = format!(
            "port {port} of AppPorts has no port mapping, and is taken for one of container `{}`",
            text(&owner.name)
        );
        reader.assume(format!("{path}.ContainerDefinitions[{index}].PortMappings"), note);
    }
    Some(completed)
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

/// Whether two containers of a task may have the same container port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PortSharing {
    /// No: they share one network, as in `awsvpc` mode.
    None,
    /// Yes, as in `bridge` mode, in which each has a network of its own.
    Any,
    /// Yes, if a variable has the port of the second one: here they share a network namespace.
    WithVariable,
}

impl PortSharing {
    fn of(definition: &ecs::TaskDefinition, network: Network) -> Self {
        let mode = definition.network_mode.as_ref().and_then(known);
        match (mode.as_deref(), network) {
            (Some("bridge"), Network::Shared) => Self::Any,
            (Some("bridge"), Network::Namespaces) => Self::WithVariable,
            _ => Self::None,
        }
    }
}

/// Rejects duplicate names, and duplicate ports where the containers of a task share one network.
fn reject_duplicates(containers: &[ContainerDraft], sharing: PortSharing, path: &str, diagnostics: &mut Diagnostics) {
    let mut names = BTreeSet::new();
    let mut ports = BTreeMap::new();
    for (index, ContainerDraft { plan, .. }) in containers.iter().enumerate() {
        // Unknown names and ports may differ.
        if !plan.name.is_empty() && !names.insert(&plan.name) {
            let message = format!("`{}` is already the name of another container", plan.name);
            diagnostics.add(format!("{path}[{index}].Name"), message);
        }
        for port in plan.ports.iter().filter(|port| port.mapping.container_port > 0) {
            let number = port.mapping.container_port;
            let Some(owner) = ports.insert(number, &plan.name) else {
                continue;
            };
            let message = match sharing {
                PortSharing::Any => continue,
                PortSharing::WithVariable if port.variable.is_some() => continue,
                PortSharing::WithVariable => format!(
                    "{number} is already a port of container {owner}, and here both share one network; set the variable \
                     that contains it: {{\"{}\": \"PORT\"}} in DockerLabels",
                    labels::port_label(number)
                ),
                PortSharing::None => format!("{number} is already a port of container {owner}"),
            };
            diagnostics.add(format!("{path}[{index}].PortMappings"), message);
        }
    }
}
