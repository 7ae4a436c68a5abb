//! Stub containers for unknown images.

use mesh_infra::cfn::ecs;

use super::draft::ContainerDraft;
use super::parts::{ContainerPlan, PortPlan};
use super::reader::Reader;
use super::values::known;
use super::{labels, port_mapping};
use crate::image::Stub;

/// Whether this port is UDP, which stubs do not support. Daemons for traces and metrics have such ports.
pub(super) fn is_udp(mapping: &ecs::PortMapping) -> bool {
    mapping
        .protocol
        .as_ref()
        .and_then(known)
        .is_some_and(|protocol| protocol == "udp")
}

/// Completes the plan of a stub container, and lists what the stub does not simulate. See
pub(super) fn describe(
    plan: ContainerPlan,
    stub: &Stub,
    definition: &ecs::ContainerDefinition,
    service: &str,
    path: &str,
    reader: &mut Reader<'_, '_>,
) -> ContainerDraft {
    /// The service name variable of the demo service and similar ones.
    const NAME_VARIABLE: &str = "SERVICE_NAME";
    let mut environment = labels::environment(definition);
    environment
        .entry(NAME_VARIABLE.to_owned())
        .or_insert_with(|| service.to_owned());
    let ports = ports(stub, definition, path, reader);
    let program = plan.health_check.as_ref().and_then(|check| check.command.first());
    let has_health_check = program.is_some_and(|program| stub.image.has_program(program));
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

/// The container ports that the stub serves. It listens on the first.
fn ports(stub: &Stub, definition: &ecs::ContainerDefinition, path: &str, reader: &mut Reader<'_, '_>) -> Vec<PortPlan> {
    let mut ports = Vec::new();
    for (index, mapping) in definition.port_mappings.iter().enumerate() {
        let path = format!("{path}.PortMappings[{index}]");
        if is_udp(mapping) {
            reader.mark_not_simulated(path, "property");
            continue;
        }
        if port_mapping::has_application_protocol(mapping) {
            reader.mark_not_simulated(format!("{path}.Protocol"), "property");
        }
        ports.push(PortPlan {
            mapping: port_mapping::read(mapping, &path, reader.diagnostics),
            variable: ports.is_empty().then(|| stub.port_variable.clone()),
        });
    }
    ports
}
