//! The ports of a service's tasks that are targets of load balancers.

use mesh_infra::Value;
use mesh_infra::cfn::{ResourceType, closest, ecs, elbv2};

use super::super::parts::{ContainerPlan, TargetPlan};
use super::super::reader::Reader;
use super::super::report;
use super::super::values::known;
use super::LoadBalancers;

/// A task definition's container that may be a target: its name, and its ports if they are known.
pub(in super::super) struct TaskPorts<'t> {
    /// The containers that run.
    pub(in super::super) containers: &'t [ContainerPlan],
    /// The container that the local Envoy replaces, which has the ports of a virtual gateway.
    pub(in super::super) envoy: Option<&'t str>,
}

/// The targets of a service: `LoadBalancers`.
pub(in super::super) fn of_service(
    service: &ecs::Service,
    ports: &TaskPorts<'_>,
    load_balancers: &LoadBalancers,
    path: &str,
    reader: &mut Reader<'_, '_>,
) -> Vec<TargetPlan> {
    let mut targets = Vec::new();
    for (index, target) in service.load_balancers.iter().enumerate() {
        let path = format!("{path}.LoadBalancers[{index}]");
        let Some(arn) = &target.target_group_arn else {
            if target.other.contains_key("LoadBalancerName") {
                reader.mark_not_simulated(path, "classic load balancer");
            } else {
                report(reader.diagnostics, format!("{path}.TargetGroupArn"), "is missing");
            }
            continue;
        };
        let container = target.container_name.as_ref().and_then(known);
        let port = target.container_port.as_ref().and_then(Value::known).copied();
        let (Some(container), Some(port)) = (container, port.and_then(|port| u16::try_from(port).ok())) else {
            for (property, is_there) in [
                ("ContainerName", target.container_name.is_some()),
                ("ContainerPort", target.container_port.is_some()),
            ] {
                if !is_there {
                    report(reader.diagnostics, format!("{path}.{property}"), "is missing");
                }
            }
            continue;
        };
        check_container(&container, port, ports, &path, reader);
        let Some(found) = reader.model.referenced_as(arn, elbv2::TargetGroup::KIND) else {
            let note = "the target group is in none of the given templates, and gets no targets here";
            reader.assume(format!("{path}.TargetGroupArn"), note);
            continue;
        };
        let Some(target_group) = found.name.clone() else {
            continue;
        };
        targets.push(TargetPlan {
            health_check_port: load_balancers.health_check_ports.get(&target_group).copied(),
            target_group,
            container_port: port,
        });
    }
    targets
}

/// Reports a container that the task does not have, or a port that the container does not have.
fn check_container(name: &str, port: u16, ports: &TaskPorts<'_>, path: &str, reader: &mut Reader<'_, '_>) {
    if ports.envoy == Some(name) || ports.containers.is_empty() {
        return;
    }
    let Some(container) = ports.containers.iter().find(|container| container.name == name) else {
        let names: Vec<&str> = ports
            .containers
            .iter()
            .map(|container| container.name.as_str())
            .chain(ports.envoy)
            .collect();
        let hint = match closest(name, names.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("it has {}", names.join(", ")),
        };
        let message = format!("`{name}` is not a container of the task definition; {hint}");
        report(reader.diagnostics, format!("{path}.ContainerName"), message);
        return;
    };
    if container.ports.iter().all(|known| known.mapping.container_port != port) {
        let message = format!("{port} is not a port in the port mappings of container `{name}`");
        report(reader.diagnostics, format!("{path}.ContainerPort"), message);
    }
}
