//! Reads container definitions.

use std::collections::BTreeMap;

use mesh_infra::EcrImage;
use mesh_infra::cfn::ecs;
use mesh_infra::labels::{ROLE_ENVOY_AGENT, ROLE_LOG_ROUTER, ROLE_OTEL_COLLECTOR};
use mesh_model::namespace::PortMapping;
use sidecar_contract::Diagnostics;

use super::draft::ContainerDraft;
use super::limits::check_name;
use super::parts::{Condition, ContainerPlan, PortPlan};
use super::reader::Reader;
use super::values::{known, seconds, text, texts};
use super::{health_check, labels, port_mapping, stub, user};
use crate::image::{Image, Images, Stub};
use crate::network::Network;

/// The local replacement of a container.
pub(super) enum ContainerSource {
    /// These programs.
    Image(Image),
    /// A stub.
    Stub(Stub),
    /// Nothing: a log router or collector, whose work the local runner does itself, or a container that a stub could not
    /// replace.
    Nothing,
    /// The local Envoy.
    Envoy,
}

impl ContainerSource {
    /// Selects the replacement of a container that is not an Envoy.
    pub(super) fn of(
        definition: &ecs::ContainerDefinition,
        images: &Images,
        path: &str,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        // An unknown value was reported.
        let Some(name) = known(&definition.image) else {
            return match images.stub() {
                Some(stub) => Self::Stub(stub.clone()),
                None => Self::Image(Image::new([""])),
            };
        };
        let is_done_here = [ROLE_ENVOY_AGENT, ROLE_LOG_ROUTER, ROLE_OTEL_COLLECTOR]
            .into_iter()
            .any(|role| labels::has_role(definition, role));
        if is_done_here && images.get(&name).is_none() {
            return Self::Nothing;
        }
        match (images.get(&name), images.stub()) {
            (Some(image), _) => Self::Image(image.clone()),
            (None, Some(_)) if definition.port_mappings.iter().all(stub::is_udp) => Self::Nothing,
            (None, Some(stub)) => Self::Stub(stub.clone()),
            (None, None) => {
                diagnostics.add(format!("{path}.Image"), unknown_image(&name, images));
                Self::Image(Image::new([name]))
            }
        }
    }
}

/// Reads an evaluated container definition of the service `service`. Invalid parts are reported and replaced, so that
/// references to the container cause no further errors.
pub(super) fn describe(
    definition: &ecs::ContainerDefinition,
    runs: ContainerSource,
    service: &str,
    path: &str,
    reader: &mut Reader<'_, '_>,
) -> ContainerDraft {
    let diagnostics = &mut *reader.diagnostics;
    let depends_on = definition
        .depends_on
        .iter()
        .enumerate()
        .map(|(index, dependency)| {
            let path = format!("{path}.DependsOn[{index}].Condition");
            let condition = known(&dependency.condition).and_then(|text| condition(&text, path, diagnostics));
            // Every container can be started, so this default causes no further errors.
            (text(&dependency.container_name), condition.unwrap_or(Condition::Start))
        })
        .collect();
    let health_check = definition
        .health_check
        .as_ref()
        .and_then(|check| health_check::read(check, &format!("{path}.HealthCheck"), diagnostics));
    let name = known(&definition.name);
    if let Some(name) = &name {
        check_name(name, format!("{path}.Name"), diagnostics);
    }
    let plan = ContainerPlan {
        name: name.unwrap_or_default(),
        image: Image::new([""]),
        is_stub: false,
        // If unknown, false: waiting for its end causes no further errors.
        essential: definition
            .essential
            .as_ref()
            .is_none_or(|value| value.known().copied().unwrap_or(false)),
        entry_point: Vec::new(),
        command: Vec::new(),
        environment: BTreeMap::new(),
        ports: Vec::new(),
        depends_on,
        health_check,
        stop_timeout: seconds(definition.stop_timeout.as_ref(), 30),
        user: None,
    };
    let not_started = |plan| ContainerDraft {
        plan,
        is_started: false,
        has_health_check: false,
    };
    let plan = match runs {
        ContainerSource::Image(_) | ContainerSource::Stub(_) => ContainerPlan {
            user: user::read(definition, path, reader),
            ..plan
        },
        ContainerSource::Nothing | ContainerSource::Envoy => plan,
    };
    match runs {
        ContainerSource::Image(image) => with_image(plan, image, definition, path, reader),
        ContainerSource::Stub(stub) => stub::describe(plan, &stub, definition, service, path, reader),
        ContainerSource::Nothing => {
            reader.mark_not_simulated(path.to_owned(), "container");
            not_started(plan)
        }
        ContainerSource::Envoy => not_started(plan),
    }
}

fn with_image(
    plan: ContainerPlan,
    image: Image,
    definition: &ecs::ContainerDefinition,
    path: &str,
    reader: &mut Reader<'_, '_>,
) -> ContainerDraft {
    for (index, mapping) in definition.port_mappings.iter().enumerate() {
        if port_mapping::has_application_protocol(mapping) {
            reader.mark_not_simulated(format!("{path}.PortMappings[{index}].Protocol"), "property");
        }
    }
    let diagnostics = &mut *reader.diagnostics;
    let environment = labels::environment(definition);
    let mappings: Vec<PortMapping> = definition
        .port_mappings
        .iter()
        .enumerate()
        .map(|(index, mapping)| port_mapping::read(mapping, &format!("{path}.PortMappings[{index}]"), diagnostics))
        .collect();
    let ports: Vec<PortPlan> = mappings
        .into_iter()
        .map(|mapping| PortPlan {
            variable: labels::variable(definition, &environment, mapping.container_port),
            mapping,
        })
        .collect();
    // In a network namespace, ports are those of the template.
    if reader.network == Network::Shared {
        labels::check(definition, &ports, path, reader.diagnostics);
    }
    let is_asked_elsewhere = plan
        .health_check
        .as_ref()
        .and_then(|check| health_check::moved_port(check, &ports))
        .filter(|_| reader.network == Network::Shared);
    if let Some(port) = is_asked_elsewhere {
        let why = format!(
            "it asks port {port} of this machine, and the container has another one here: that port is checked instead; \
             run with --network namespaces"
        );
        reader.mark_not_simulated(format!("{path}.HealthCheck"), &why);
    }
    let plan = ContainerPlan {
        image,
        entry_point: texts(definition.entry_point.as_ref()),
        command: texts(definition.command.as_ref()),
        environment,
        ports,
        ..plan
    };
    ContainerDraft {
        plan,
        is_started: true,
        has_health_check: is_asked_elsewhere.is_none(),
    }
}

fn unknown_image(name: &str, images: &Images) -> String {
    // The registry of a locally evaluated image is synthetic.
    let name = match (EcrImage::repository_of(name), name.split_once('/')) {
        (Some(_), Some((_registry, name))) => name,
        _ => name,
    };
    let known: Vec<&str> = images.names().collect();
    let known = if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    };
    format!(
        "is `{name}`, which has no local command; known images: {known}; set one with --image '{name}=COMMAND', or run \
         a stub in place of every unknown image with --stub"
    )
}

fn condition(text: &str, path: String, diagnostics: &mut Diagnostics) -> Option<Condition> {
    match text {
        "START" => Some(Condition::Start),
        "COMPLETE" => Some(Condition::Complete),
        "SUCCESS" => Some(Condition::Success),
        "HEALTHY" => Some(Condition::Healthy),
        _ => {
            diagnostics.add(
                path,
                format!("is `{text}`; allowed are START, COMPLETE, SUCCESS and HEALTHY"),
            );
            None
        }
    }
}
