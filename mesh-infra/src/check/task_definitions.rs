//! ECS's rules for the containers of a task definition.
//!
//! Source: ECS API reference, `ContainerDefinition`, `PortMapping`, `HealthCheck` and `ContainerDependency` (read
//! 2026-11-23).

use std::collections::BTreeSet;

use cfn::{Value, ecs, in_range};
use mesh_model::service_connect::AppProtocol;
use sidecar_contract::Diagnostics;

use crate::model::TemplateModel;

pub(super) fn check(model: &TemplateModel<'_>, diagnostics: &mut Diagnostics) {
    for task in model.task_definitions() {
        let path = format!("{}.ContainerDefinitions", task.resource.properties_path());
        check_containers(&task.value.container_definitions, &path, diagnostics);
        check_log_router(&task.value.container_definitions, &path, diagnostics);
        check_mounts(task.value, &path, diagnostics);
    }
}

/// Reports a log driver that sends to a log router that the task lacks, and a second router.
fn check_log_router(containers: &[ecs::ContainerDefinition], path: &str, diagnostics: &mut Diagnostics) {
    let mut routers = containers
        .iter()
        .enumerate()
        .filter(|(_, container)| container.firelens_configuration.is_some());
    let router = routers.next();
    for (index, _) in routers {
        let message = "is in a task that has another log router; a task has at most one";
        diagnostics.add(format!("{path}[{index}].FirelensConfiguration"), message);
    }
    for (index, container) in containers.iter().enumerate() {
        let log = container.log_configuration.as_ref();
        if router.is_none()
            && log
                .and_then(|log| log.get("LogDriver"))
                .is_some_and(|driver| driver == "awsfirelens")
        {
            let message =
                "is `awsfirelens`, but the task has no log router; add one by TaskDefinition::with_log_router";
            diagnostics.add(format!("{path}[{index}].LogConfiguration.LogDriver"), message);
        }
    }
}

/// Reports mount points without their volume, and volumes with the same name.
fn check_mounts(task: &ecs::TaskDefinition, path: &str, diagnostics: &mut Diagnostics) {
    let mut names = UniqueNames::new("volume names are unique in a task definition");
    let volumes = path.trim_end_matches(".ContainerDefinitions");
    for (index, volume) in task.volumes.iter().enumerate() {
        names.check(&volume.name, || format!("{volumes}.Volumes[{index}].Name"), diagnostics);
    }
    let are_known = task.volumes.iter().all(|volume| volume.name.known().is_some());
    for (index, container) in task.container_definitions.iter().enumerate() {
        for (mount_index, mount) in container.mount_points.iter().enumerate() {
            if let Value::Known(volume) = &mount.source_volume
                && are_known
                && !names.seen.contains(volume)
            {
                diagnostics.add(
                    format!("{path}[{index}].MountPoints[{mount_index}].SourceVolume"),
                    format!("is `{volume}`, which is not a volume of this task"),
                );
            }
        }
    }
}

fn check_containers(containers: &[ecs::ContainerDefinition], path: &str, diagnostics: &mut Diagnostics) {
    if containers.is_empty() {
        diagnostics.add(path, "is empty; a task needs at least one container");
        return;
    }
    let is_essential = |container: &ecs::ContainerDefinition| container.essential != Some(Value::Known(false));
    if !containers.iter().any(is_essential) {
        diagnostics.add(path, "has no essential container; a task needs at least one");
    }
    let mut names = UniqueNames::new("container names are unique in a task definition");
    let mut port_names = UniqueNames::new("port names are unique in a task definition");
    for (index, container) in containers.iter().enumerate() {
        let path = format!("{path}[{index}]");
        names.check(&container.name, || format!("{path}.Name"), diagnostics);
        check_environment(container, &path, diagnostics);
        check_ports(container, &path, &mut port_names, diagnostics);
        check_dependencies(container, containers, &path, diagnostics);
        if let Some(check) = &container.health_check {
            check_health_check(check, &format!("{path}.HealthCheck"), diagnostics);
        }
    }
}

fn check_environment(container: &ecs::ContainerDefinition, path: &str, diagnostics: &mut Diagnostics) {
    let mut names = UniqueNames::new("each environment variable is set once");
    for (index, variable) in container.environment.iter().enumerate() {
        names.check(
            &variable.name,
            || format!("{path}.Environment[{index}].Name"),
            diagnostics,
        );
    }
    for (index, secret) in container.secrets.iter().enumerate() {
        names.check(&secret.name, || format!("{path}.Secrets[{index}].Name"), diagnostics);
    }
}

fn check_ports(
    container: &ecs::ContainerDefinition,
    path: &str,
    names: &mut UniqueNames,
    diagnostics: &mut Diagnostics,
) {
    for (index, port) in container.port_mappings.iter().enumerate() {
        let path = format!("{path}.PortMappings[{index}]");
        if let Some(name) = &port.name {
            names.check(name, || format!("{path}.Name"), diagnostics);
            check_port_name(name, &path, diagnostics);
        }
        in_range(
            &port.container_port,
            1..=65535,
            &format!("{path}.ContainerPort"),
            diagnostics,
        );
        if let Some(Value::Known(protocol)) = &port.app_protocol
            && AppProtocol::from_app_protocol(protocol).is_none()
        {
            diagnostics.add(
                format!("{path}.AppProtocol"),
                format!("is `{protocol}`; allowed are http, http2 and grpc, and no value for TCP"),
            );
        }
    }
}

fn check_port_name(name: &Value<String>, path: &str, diagnostics: &mut Diagnostics) {
    let Value::Known(name) = name else { return };
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if name.is_empty() || name.len() > 64 || name.starts_with('-') || !name.chars().all(is_allowed) {
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
                    format!("is `{name}`, which is not a container of this task"),
                );
            }
            continue;
        };
        if dependency.condition == Value::from("HEALTHY") && other.health_check.is_none() {
            diagnostics.add(
                format!("{path}.Condition"),
                format!("is HEALTHY, but `{name}` has no health check; add one, or use START"),
            );
        }
    }
}

fn check_health_check(check: &ecs::HealthCheck, path: &str, diagnostics: &mut Diagnostics) {
    if let Some(command) = check.command.known_items()
        && !matches!(command.as_slice(), ["CMD", _, ..] | ["CMD-SHELL", _])
    {
        diagnostics.add(
            format!("{path}.Command"),
            format!("is {command:?}; allowed are CMD and the arguments of a command, or CMD-SHELL and one string"),
        );
    }
    check.check_ranges(path, diagnostics);
}

/// Names that must be unique.
struct UniqueNames {
    rule: &'static str,
    seen: BTreeSet<String>,
}

impl UniqueNames {
    fn new(rule: &'static str) -> Self {
        Self {
            rule,
            seen: BTreeSet::new(),
        }
    }

    fn check(&mut self, name: &Value<String>, path: impl FnOnce() -> String, diagnostics: &mut Diagnostics) {
        if let Value::Known(name) = name
            && !self.seen.insert(name.clone())
        {
            diagnostics.add(path(), format!("is `{name}`, which exists already; {}", self.rule));
        }
    }
}
