//! Meshwright's Docker labels: the port and bind variables of a container, and its role in the mesh.
//!
//! A container gets its port from the variable in its port label, or from the only variable with the number of its
//! only port mapping.

use std::collections::BTreeMap;

use mesh_infra::cfn::{closest, ecs, is_part_of};
use mesh_infra::labels::{BIND_VARIABLE, PORT_VARIABLE_PREFIX, ROLE};
use sidecar_contract::Diagnostics;

use super::parts::PortPlan;
use super::values::{known, text};

/// Prefix of Meshwright's labels. Other labels are ignored.
const OURS: &str = "meshwright.";

/// The label with the variable of a port.
pub(super) fn port_label(port: u16) -> String {
    format!("{PORT_VARIABLE_PREFIX}{port}")
}

/// The variable that contains `port`: the label's, or, for a container with a single port and a single variable with
/// that number, such as `SERVER_PORT=8080`, that variable. With several candidates the choice would be arbitrary.
pub(super) fn variable(
    definition: &ecs::ContainerDefinition,
    environment: &BTreeMap<String, String>,
    port: u16,
) -> Option<String> {
    if let Some(variable) = definition.docker_labels.get(&port_label(port)) {
        return known(variable);
    }
    let number = port.to_string();
    let mut candidates = environment.iter().filter(|(_, value)| **value == number);
    let (name, _) = candidates.next()?;
    let is_only = candidates.next().is_none() && definition.port_mappings.len() == 1;
    is_only.then(|| name.clone())
}

/// The variable with the bind address, whose value in the template is meant for AWS.
pub(super) fn bind_variable(definition: &ecs::ContainerDefinition) -> Option<String> {
    definition.docker_labels.get(BIND_VARIABLE).and_then(known)
}

/// The definition's environment, without the bind variable, which is set locally.
pub(super) fn environment(definition: &ecs::ContainerDefinition) -> BTreeMap<String, String> {
    let variables = definition.environment.iter();
    let bind_variable = bind_variable(definition);
    variables
        .map(|variable| (text(&variable.name), text(&variable.value)))
        .filter(|(name, _)| Some(name) != bind_variable.as_ref())
        .collect()
}

/// Whether the container has this role in the mesh.
pub(super) fn has_role(definition: &ecs::ContainerDefinition, role: &str) -> bool {
    definition.docker_labels.get(ROLE).and_then(known).as_deref() == Some(role)
}

/// Reports misspelled port labels and ports without a label: a container would listen on its usual port, which other
/// tasks of this machine use too, and receive no calls.
pub(super) fn check(
    definition: &ecs::ContainerDefinition,
    ports: &[PortPlan],
    path: &str,
    diagnostics: &mut Diagnostics,
) {
    let mappings = format!("{path}.PortMappings");
    let are_unknown = diagnostics.iter().any(|reported| is_part_of(&mappings, &reported.path));
    // An unknown port was reported, and may belong to a label.
    if are_unknown || ports.iter().any(|port| port.mapping.container_port == 0) {
        return;
    }
    let path = format!("{path}.DockerLabels");
    let expected: Vec<String> = ports
        .iter()
        .map(|port| port_label(port.mapping.container_port))
        .collect();
    let mut missed = diagnostics.iter().any(|reported| is_part_of(&path, &reported.path));
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
                    format!("is `{variable}`; expected the name of a variable"),
                );
            }
        } else if label.starts_with(OURS) || meant.is_some() {
            let hint = match (meant, expected.as_slice()) {
                (Some(meant), _) => format!("did you mean {meant}?"),
                (None, []) => "it has no port mappings".to_owned(),
                (None, labels) => format!("its port labels are {}", labels.join(", ")),
            };
            diagnostics.add(
                format!("{path}.{label}"),
                format!("matches no port of this container; {hint}"),
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
                    "has no label for port {port}, which is a different one for each local task; set the variable that \
                     contains it: {{\"{label}\": \"PORT\"}}, or run with --network namespaces"
                ),
            );
        }
    }
}
