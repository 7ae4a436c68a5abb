//! One container definition, read.

use std::collections::BTreeMap;
use std::time::Duration;

use mesh_infra::cfn::ecs;
use mesh_infra::{EcrImage, StringList, Value};
use mesh_model::namespace::PortMapping;
use mesh_model::service_connect::AppProtocol;
use sidecar_contract::Diagnostics;

use super::limits::check_name;
use super::parts::{Condition, ContainerPlan, PortPlan};
use super::reader::Reader;
use super::{health_check, labels, report, stub};
use crate::image::{Image, Images, Stub};

/// What becomes of a container.
pub(super) enum ContainerSource {
    /// It runs this image.
    Image(Image),
    /// A stub runs in its place.
    Stub(Stub),
    /// It is not started: a stub could do nothing for it.
    Nothing,
    /// The local Envoy runs in its place.
    Envoy,
}

/// A container as its definition describes it.
pub(super) struct ContainerDraft {
    /// The health check is the definition's, also where it is not carried out.
    pub(super) plan: ContainerPlan,
    pub(super) is_started: bool,
    /// Whether its health check is carried out.
    pub(super) has_health_check: bool,
}

impl ContainerDraft {
    /// As it is to be started.
    pub(super) fn into_plan(self) -> ContainerPlan {
        ContainerPlan {
            health_check: self.plan.health_check.filter(|_| self.has_health_check),
            ..self.plan
        }
    }
}

impl ContainerSource {
    /// What becomes of a container that is no Envoy.
    pub(super) fn of(
        definition: &ecs::ContainerDefinition,
        images: &Images,
        path: &str,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        // An image that is not known was reported.
        let Some(name) = known(&definition.image) else {
            return Self::Image(Image::new([""]));
        };
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

/// Reads an evaluated container definition of the service `service`. What is wrong with it is noted, and the rest is
/// read all the same: a container left out here would only raise doubts about those who refer to it.
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
            let condition = known(&dependency.condition).and_then(|word| condition(&word, path, diagnostics));
            // Every container can be waited for to be started: what is made up here raises no doubts.
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
        // One that is not known is not held against those who wait for its end.
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
    };
    let not_started = |plan| ContainerDraft {
        plan,
        is_started: false,
        has_health_check: false,
    };
    match runs {
        ContainerSource::Image(image) => with_image(plan, image, definition, path, diagnostics),
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
    diagnostics: &mut Diagnostics,
) -> ContainerDraft {
    let environment = environment(definition);
    let mappings: Vec<PortMapping> = definition
        .port_mappings
        .iter()
        .enumerate()
        .map(|(index, mapping)| port(mapping, &format!("{path}.PortMappings[{index}]"), diagnostics))
        .collect();
    let ports: Vec<PortPlan> = mappings
        .into_iter()
        .map(|mapping| PortPlan {
            variable: labels::variable(definition, &environment, mapping.container_port),
            mapping,
        })
        .collect();
    labels::check(definition, &ports, path, diagnostics);
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
        has_health_check: true,
    }
}

/// What the definition sets. Where to listen is for this machine to say.
pub(super) fn environment(definition: &ecs::ContainerDefinition) -> BTreeMap<String, String> {
    let variables = definition.environment.iter();
    let bind_variable = labels::bind_variable(definition);
    variables
        .map(|variable| (text(&variable.name), text(&variable.value)))
        .filter(|(name, _)| Some(name) != bind_variable.as_ref())
        .collect()
}

fn unknown_image(name: &str, images: &Images) -> String {
    // The registry is one that is made up here.
    let name = EcrImage::repository_of(name).unwrap_or(name);
    let known: Vec<&str> = images.names().collect();
    let known = if known.is_empty() {
        "none is".to_owned()
    } else {
        format!("known are {}", known.join(", "))
    };
    format!("what `{name}` runs is not known here ({known}); say it with --image '{name}=COMMAND'")
}

/// A port mapping, with port 0 if its port is not known.
pub(super) fn port(mapping: &ecs::PortMapping, path: &str, diagnostics: &mut Diagnostics) -> PortMapping {
    let number = match &mapping.container_port {
        Some(value) => value.known().copied(),
        None => {
            report(diagnostics, format!("{path}.ContainerPort"), "is missing");
            None
        }
    };
    let container_port = number.map(|number| u16::try_from(number).unwrap_or(0));
    if let (Some(number), Some(0)) = (number, container_port) {
        diagnostics.add(
            format!("{path}.ContainerPort"),
            format!("is {number}; allowed is 1 to 65535"),
        );
    }
    let is_tcp = mapping
        .protocol
        .as_ref()
        .and_then(known)
        .is_none_or(|word| word == "tcp");
    if !is_tcp {
        diagnostics.add(format!("{path}.Protocol"), "only tcp can be run here");
    }
    let word = mapping.app_protocol.as_ref().and_then(known);
    let protocol = protocol(word.as_deref(), &format!("{path}.AppProtocol"), diagnostics);
    PortMapping {
        name: mapping.name.as_ref().and_then(known),
        container_port: container_port.unwrap_or(0),
        protocol,
    }
}

/// What a port speaks, from its `AppProtocol`.
fn protocol(word: Option<&str>, path: &str, diagnostics: &mut Diagnostics) -> AppProtocol {
    let Some(word) = word else { return AppProtocol::Tcp };
    AppProtocol::from_app_protocol(word).unwrap_or_else(|| {
        diagnostics.add(path, format!("is `{word}`; allowed are http, http2 and grpc"));
        AppProtocol::Tcp
    })
}

fn condition(word: &str, path: String, diagnostics: &mut Diagnostics) -> Option<Condition> {
    match word {
        "START" => Some(Condition::Start),
        "COMPLETE" => Some(Condition::Complete),
        "SUCCESS" => Some(Condition::Success),
        "HEALTHY" => Some(Condition::Healthy),
        _ => {
            diagnostics.add(
                path,
                format!("is `{word}`; allowed are START, COMPLETE, SUCCESS and HEALTHY"),
            );
            None
        }
    }
}

pub(super) fn seconds(value: Option<&Value<u32>>, default: u64) -> Duration {
    let given = value.and_then(Value::known).map(|seconds| u64::from(*seconds));
    Duration::from_secs(given.unwrap_or(default))
}

/// After evaluation every value is known, or was reported as a problem already.
pub(super) fn known(value: &Value<String>) -> Option<String> {
    value.known().cloned()
}

fn text(value: &Value<String>) -> String {
    known(value).unwrap_or_default()
}

pub(super) fn texts(list: Option<&StringList>) -> Vec<String> {
    list.and_then(Value::known).into_iter().flatten().map(text).collect()
}
