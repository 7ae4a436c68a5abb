//! A container whose image nobody knows, with a stub in its place.

use mesh_infra::cfn::ecs;

use super::container::{ContainerDraft, environment, known, port};
use super::parts::{ContainerPlan, PortPlan};
use super::reader::Reader;
use crate::image::Stub;

/// Whether nothing is heard on this port but UDP, which no stub speaks: daemons for traces and metrics have such ports.
pub(super) fn is_udp(mapping: &ecs::PortMapping) -> bool {
    mapping
        .protocol
        .as_ref()
        .and_then(known)
        .is_some_and(|word| word == "udp")
}

/// Completes the plan of a container with what the stub does for it, and lists what it does not. See
/// [`Images::with_stub`](crate::Images::with_stub).
pub(super) fn describe(
    plan: ContainerPlan,
    stub: &Stub,
    definition: &ecs::ContainerDefinition,
    service: &str,
    path: &str,
    reader: &mut Reader<'_, '_>,
) -> ContainerDraft {
    /// How the demo service, and others like it, learn what they are called.
    const NAME_VARIABLE: &str = "SERVICE_NAME";
    let mut environment = environment(definition);
    environment
        .entry(NAME_VARIABLE.to_owned())
        .or_insert_with(|| service.to_owned());
    let ports = ports(stub, definition, path, reader);
    let program = plan.health_check.as_ref().and_then(|check| check.command.first());
    let has_health_check = program.is_some_and(|program| stub.image.holds(program));
    for (property, is_left_out) in [
        ("HealthCheck", plan.health_check.is_some() && !has_health_check),
        ("Command", definition.command.is_some()),
        ("EntryPoint", definition.entry_point.is_some()),
    ] {
        if is_left_out {
            reader.mark_not_simulated(format!("{path}.{property}"), "property");
        }
    }
    let plan = ContainerPlan {
        image: stub.image.clone(),
        is_stub: true,
        environment,
        ports,
        ..plan
    };
    ContainerDraft {
        plan,
        is_started: true,
        has_health_check,
    }
}

/// The ports that callers find the stub at. It is told the first.
fn ports(stub: &Stub, definition: &ecs::ContainerDefinition, path: &str, reader: &mut Reader<'_, '_>) -> Vec<PortPlan> {
    let mut ports = Vec::new();
    for (index, mapping) in definition.port_mappings.iter().enumerate() {
        let path = format!("{path}.PortMappings[{index}]");
        if is_udp(mapping) {
            reader.mark_not_simulated(path, "property");
            continue;
        }
        // AWS's own examples for App Mesh say `http` there (howto-ingress-gateway, read 2026-11-23).
        if mapping
            .protocol
            .as_ref()
            .and_then(known)
            .is_some_and(|word| word != "tcp")
        {
            reader.mark_not_simulated(format!("{path}.Protocol"), "property");
        }
        let mapping = ecs::PortMapping {
            protocol: None,
            ..mapping.clone()
        };
        ports.push(PortPlan {
            mapping: port(&mapping, &path, reader.diagnostics),
            variable: ports.is_empty().then(|| stub.port_variable.clone()),
        });
    }
    ports
}
