//! One container definition, read.

use std::collections::BTreeMap;
use std::time::Duration;

use mesh_infra::cfn::ecs;
use mesh_infra::{StringList, Value};
use mesh_model::Problems;
use mesh_model::namespace::PortMapping;

use super::{Condition, ContainerPlan, HealthCheckPlan, PortPlan, check_name, labels, note, protocol};
use crate::image::{Image, Images};

/// Reads an evaluated container definition. What is wrong with it is noted, and the rest is read all the same:
/// a container left out here would only raise doubts about those who refer to it.
pub(super) fn describe(
    definition: &ecs::ContainerDefinition,
    images: &Images,
    path: &str,
    problems: &mut Problems,
) -> ContainerPlan {
    let image_name = known(&definition.image);
    let image = image_name.as_deref().map(|name| {
        images.get(name).cloned().unwrap_or_else(|| {
            problems.add(format!("{path}.Image"), unknown_image(name, images));
            Image::new([name])
        })
    });
    let ports: Vec<PortPlan> = definition
        .port_mappings
        .iter()
        .enumerate()
        .map(|(index, mapping)| {
            let mapping = port(mapping, &format!("{path}.PortMappings[{index}]"), problems);
            let variable = definition
                .docker_labels
                .get(&labels::port_label(mapping.container_port));
            let variable = variable.and_then(known);
            PortPlan { mapping, variable }
        })
        .collect();
    labels::check(definition, &ports, path, problems);
    let depends_on = definition
        .depends_on
        .iter()
        .enumerate()
        .map(|(index, dependency)| {
            let path = format!("{path}.DependsOn[{index}].Condition");
            let condition = known(&dependency.condition).and_then(|word| condition(&word, path, problems));
            // Every container can be waited for to be started: what is made up here raises no doubts.
            (text(&dependency.container_name), condition.unwrap_or(Condition::Start))
        })
        .collect();
    let health_check = definition
        .health_check
        .as_ref()
        .and_then(|check| health_check(check, &format!("{path}.HealthCheck"), problems));
    let environment: BTreeMap<String, String> = definition
        .environment
        .iter()
        .map(|variable| (text(&variable.name), text(&variable.value)))
        .collect();
    let name = known(&definition.name);
    if let Some(name) = &name {
        check_name(name, format!("{path}.Name"), problems);
    }
    ContainerPlan {
        name: name.unwrap_or_default(),
        image: image.unwrap_or_else(|| Image::new([""])),
        // One that is not known is not held against those who wait for its end.
        essential: definition
            .essential
            .as_ref()
            .is_none_or(|value| value.known().copied().unwrap_or(false)),
        entry_point: texts(definition.entry_point.as_ref()),
        command: texts(definition.command.as_ref()),
        environment,
        ports,
        depends_on,
        health_check,
        stop_timeout: seconds(definition.stop_timeout.as_ref(), 30),
    }
}

fn unknown_image(name: &str, images: &Images) -> String {
    let known: Vec<&str> = images.names().collect();
    let known = if known.is_empty() {
        "none is".to_owned()
    } else {
        format!("known are {}", known.join(", "))
    };
    format!("what `{name}` runs is not known here ({known}); say it with --image '{name}=COMMAND'")
}

/// A port mapping, with port 0 if its port is not known.
fn port(mapping: &ecs::PortMapping, path: &str, problems: &mut Problems) -> PortMapping {
    let number = match &mapping.container_port {
        Some(value) => value.known().copied(),
        None => {
            note(problems, format!("{path}.ContainerPort"), "is missing");
            None
        }
    };
    let container_port = number.map(|number| u16::try_from(number).unwrap_or(0));
    if let (Some(number), Some(0)) = (number, container_port) {
        problems.add(
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
        problems.add(format!("{path}.Protocol"), "only tcp can be run here");
    }
    let word = mapping.app_protocol.as_ref().and_then(known);
    let protocol = protocol(word.as_deref(), &format!("{path}.AppProtocol"), problems);
    PortMapping {
        name: mapping.name.as_ref().and_then(known),
        container_port: container_port.unwrap_or(0),
        protocol,
    }
}

fn condition(word: &str, path: String, problems: &mut Problems) -> Option<Condition> {
    match word {
        "START" => Some(Condition::Start),
        "COMPLETE" => Some(Condition::Complete),
        "SUCCESS" => Some(Condition::Success),
        "HEALTHY" => Some(Condition::Healthy),
        _ => {
            problems.add(
                path,
                format!("is `{word}`; allowed are START, COMPLETE, SUCCESS and HEALTHY"),
            );
            None
        }
    }
}

fn health_check(check: &ecs::HealthCheck, path: &str, problems: &mut Problems) -> Option<HealthCheckPlan> {
    check.check_ranges(path, problems);
    let words = texts(Some(&check.command));
    let command = match words.split_first() {
        Some((form, command)) if form == "CMD" && !command.is_empty() => command.to_vec(),
        // The definition's own text goes to the shell as it is, as in a container.
        Some((form, [line])) if form == "CMD-SHELL" => vec!["sh".to_owned(), "-c".to_owned(), line.clone()],
        Some((form, [])) if form == "NONE" => return None,
        _ => {
            // A word or list that is not known was reported, and a check that is wrong is one all the same.
            if check.command.known_items().is_some() {
                problems.add(
                    format!("{path}.Command"),
                    "must begin with CMD and have a program, or be CMD-SHELL and one line",
                );
            }
            Vec::new()
        }
    };
    Some(HealthCheckPlan {
        command,
        interval: seconds(check.interval.as_ref(), 30),
        timeout: seconds(check.timeout.as_ref(), 5),
        retries: check
            .retries
            .as_ref()
            .and_then(|value| value.known().copied())
            .unwrap_or(3),
        start_period: seconds(check.start_period.as_ref(), 0),
    })
}

fn seconds(value: Option<&Value<u32>>, default: u64) -> Duration {
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

fn texts(list: Option<&StringList>) -> Vec<String> {
    list.and_then(Value::known).into_iter().flatten().map(text).collect()
}
