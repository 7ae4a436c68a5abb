//! What ECS demands of the containers of a task definition.
//!
//! Source: ECS API reference, `ContainerDefinition`, `PortMapping`, `HealthCheck` and `ContainerDependency` (read
//! 2026-11-23).

use std::collections::BTreeSet;

use cfn::{Value, ecs, in_range};
use sidecar_contract::Diagnostics;

pub(super) fn check(task: &ecs::TaskDefinition, path: &str, diagnostics: &mut Diagnostics) {
    let containers = &task.container_definitions;
    let path = format!("{path}.ContainerDefinitions");
    if containers.is_empty() {
        diagnostics.add(path, "is empty; a task has at least one container");
        return;
    }
    let essential = |container: &ecs::ContainerDefinition| container.essential != Some(Value::Known(false));
    if !containers.iter().any(essential) {
        diagnostics.add(path.as_str(), "has no essential container; at least one must be");
    }
    let mut names = Once::new("a container's name is unique in its task definition");
    let mut port_names = Once::new("a port's name is unique in its task definition");
    for (index, container) in containers.iter().enumerate() {
        let path = format!("{path}[{index}]");
        names.expect(&container.name, || format!("{path}.Name"), diagnostics);
        check_environment(container, &path, diagnostics);
        check_ports(container, &path, &mut port_names, diagnostics);
        check_dependencies(container, containers, &path, diagnostics);
        if let Some(check) = &container.health_check {
            check_health_check(check, &format!("{path}.HealthCheck"), diagnostics);
        }
    }
}

fn check_environment(container: &ecs::ContainerDefinition, path: &str, diagnostics: &mut Diagnostics) {
    let mut names = Once::new("a variable is set once");
    for (index, variable) in container.environment.iter().enumerate() {
        names.expect(
            &variable.name,
            || format!("{path}.Environment[{index}].Name"),
            diagnostics,
        );
    }
}

fn check_ports(container: &ecs::ContainerDefinition, path: &str, names: &mut Once, diagnostics: &mut Diagnostics) {
    for (index, port) in container.port_mappings.iter().enumerate() {
        let path = format!("{path}.PortMappings[{index}]");
        if let Some(name) = &port.name {
            names.expect(name, || format!("{path}.Name"), diagnostics);
            check_port_name(name, &path, diagnostics);
        }
        in_range(
            &port.container_port,
            1..=65535,
            &format!("{path}.ContainerPort"),
            diagnostics,
        );
        if let Some(Value::Known(word)) = &port.app_protocol
            && mesh_model::service_connect::AppProtocol::from_app_protocol(word).is_none()
        {
            diagnostics.add(
                format!("{path}.AppProtocol"),
                format!("is `{word}`; allowed are http, http2 and grpc, and nothing for TCP"),
            );
        }
    }
}

fn check_port_name(name: &Value<String>, path: &str, diagnostics: &mut Diagnostics) {
    let Value::Known(name) = name else { return };
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if name.is_empty() || name.len() > 64 || name.starts_with('-') || !name.chars().all(allowed) {
        diagnostics.add(
            format!("{path}.Name"),
            format!("is `{name}`; allowed are 1 to 64 of a-z, 0-9, _ and -, not starting with -"),
        );
    }
}

fn check_dependencies(
    container: &ecs::ContainerDefinition,
    all: &[ecs::ContainerDefinition],
    path: &str,
    diagnostics: &mut Diagnostics,
) {
    for (index, dependency) in container.depends_on.iter().enumerate() {
        let path = format!("{path}.DependsOn[{index}]");
        let Value::Known(name) = &dependency.container_name else {
            continue;
        };
        let Some(other) = all.iter().find(|other| other.name.known() == Some(name)) else {
            if all.iter().all(|other| other.name.known().is_some()) {
                diagnostics.add(
                    format!("{path}.ContainerName"),
                    format!("`{name}` is no container of this task"),
                );
            }
            continue;
        };
        if dependency.condition == Value::from("HEALTHY") && other.health_check.is_none() {
            diagnostics.add(
                format!("{path}.Condition"),
                format!("is HEALTHY, but `{name}` has no health check; give it one, or wait for START"),
            );
        }
    }
}

fn check_health_check(check: &ecs::HealthCheck, path: &str, diagnostics: &mut Diagnostics) {
    if let Some(words) = check.command.known_items()
        && !matches!(words.as_slice(), ["CMD", _, ..] | ["CMD-SHELL", _])
    {
        diagnostics.add(
            format!("{path}.Command"),
            format!("is {words:?}; allowed are CMD and the words of a command, or CMD-SHELL and one line"),
        );
    }
    check.check_ranges(path, diagnostics);
}

/// Names that may be said only once.
struct Once {
    rule: &'static str,
    seen: BTreeSet<String>,
}

impl Once {
    fn new(rule: &'static str) -> Self {
        Self {
            rule,
            seen: BTreeSet::new(),
        }
    }

    fn expect(&mut self, name: &Value<String>, path: impl FnOnce() -> String, diagnostics: &mut Diagnostics) {
        if let Value::Known(name) = name
            && !self.seen.insert(name.clone())
        {
            diagnostics.add(path(), format!("`{name}` is there already; {}", self.rule));
        }
    }
}
