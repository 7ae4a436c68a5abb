//! What labels of ours say of a container: how it learns where to listen, and what it is for the mesh itself.
//!
//! It learns its port from a variable that a label names, or from the one variable that says the port of its only port
//! mapping already.

use std::collections::BTreeMap;

use mesh_infra::cfn::{closest, ecs, is_part_of};
use mesh_infra::labels::{BIND_VARIABLE, PORT_VARIABLE_PREFIX, ROLE};

use sidecar_contract::Diagnostics;

use super::container::known;
use super::parts::PortPlan;

/// What labels of ours begin with. Other labels are other people's.
const OURS: &str = "meshwright.";

/// The label that names the variable for a port.
pub(super) fn port_label(port: u16) -> String {
    format!("{PORT_VARIABLE_PREFIX}{port}")
}

/// The variable by which the container learns its port `port`: the one that the label names. Without a label, a
/// container with a single port and a single variable that is this number, such as `SERVER_PORT=8080`, is taken to
/// learn it from there; where there are several, nobody can know which of them is meant for a port.
pub(super) fn variable(
    definition: &ecs::ContainerDefinition,
    environment: &BTreeMap<String, String>,
    port: u16,
) -> Option<String> {
    if let Some(variable) = definition.docker_labels.get(&port_label(port)) {
        return known(variable);
    }
    let number = port.to_string();
    let mut saying = environment.iter().filter(|(_, value)| **value == number);
    let (name, _) = saying.next()?;
    let is_only = saying.next().is_none() && definition.port_mappings.len() == 1;
    is_only.then(|| name.clone())
}

/// The variable by which the container learns the address to listen at, whose value in the template is for AWS.
pub(super) fn bind_variable(definition: &ecs::ContainerDefinition) -> Option<String> {
    definition.docker_labels.get(BIND_VARIABLE).and_then(known)
}

/// Whether the container says that it is this for the mesh itself.
pub(super) fn has_role(definition: &ecs::ContainerDefinition, role: &str) -> bool {
    definition.docker_labels.get(ROLE).and_then(known).as_deref() == Some(role)
}

/// Notes labels that were meant for a port and miss it, and ports that no label is for: the container would listen on
/// the port that its author knows, where every other task of this machine listens, too, and where nobody calls it.
pub(super) fn check(
    definition: &ecs::ContainerDefinition,
    ports: &[PortPlan],
    path: &str,
    diagnostics: &mut Diagnostics,
) {
    let mappings = format!("{path}.PortMappings");
    let are_unknown = diagnostics.iter().any(|noted| is_part_of(&mappings, &noted.path));
    // A port that is not known was reported, and may be what a label is for.
    if are_unknown || ports.iter().any(|port| port.mapping.container_port == 0) {
        return;
    }
    let path = format!("{path}.DockerLabels");
    let expected: Vec<String> = ports
        .iter()
        .map(|port| port_label(port.mapping.container_port))
        .collect();
    let mut missed = diagnostics.iter().any(|noted| is_part_of(&path, &noted.path));
    let others = [BIND_VARIABLE, ROLE];
    let labels = definition.docker_labels.iter();
    for (label, variable) in labels.filter(|(label, _)| !others.contains(&label.as_str())) {
        let meant = closest(label, expected.iter().map(String::as_str));
        if expected.contains(label) {
            if let Some(variable) = variable.known()
                && (variable.is_empty() || variable.contains('='))
            {
                diagnostics.add(
                    format!("{path}.{label}"),
                    format!("is `{variable}`; it must name a variable"),
                );
            }
        } else if label.starts_with(OURS) || meant.is_some() {
            let hint = match (meant, expected.as_slice()) {
                (Some(meant), _) => format!("did you mean {meant}?"),
                (None, []) => "it has no port mappings".to_owned(),
                (None, labels) => format!("those of its port mappings are {}", labels.join(", ")),
            };
            diagnostics.add(
                format!("{path}.{label}"),
                format!("is the label of no port of this container; {hint}"),
            );
            missed = true;
        }
    }
    for (port, label) in ports.iter().zip(&expected).filter(|_| !missed) {
        if !definition.docker_labels.contains_key(label) && port.variable.is_none() {
            let port = port.mapping.container_port;
            diagnostics.add(
                path.as_str(),
                format!(
                    "nothing tells the container its port; here port {port} is another one for each task. Say which \
                     variable holds it: {{\"{label}\": \"PORT\"}}"
                ),
            );
        }
    }
}
