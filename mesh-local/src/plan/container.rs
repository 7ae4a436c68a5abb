//! One container definition, read.

use std::collections::BTreeMap;
use std::time::Duration;

use mesh_infra::PORT_VARIABLE_LABEL_PREFIX;
use mesh_infra::cfn::ecs;
use mesh_infra::{StringList, Value};
use mesh_model::Problems;
use mesh_model::namespace::PortMapping;

use super::{Condition, ContainerPlan, HealthCheckPlan, PortPlan, check_name, protocol};
use crate::image::{Image, Images};

/// Reads an evaluated container definition. What is wrong with it is noted, and the rest is read all the same:
/// a container left out here would only raise doubts about those who refer to it.
pub(super) fn describe(
    definition: &ecs::ContainerDefinition,
    images: &Images,
    path: &str,
    problems: &mut Problems,
) -> ContainerPlan {
    let image_name = text(&definition.image);
    let image = images.get(&image_name);
    if image.is_none() {
        problems.add(format!("{path}.Image"), unknown_image(&image_name, images));
    }
    let labels = &definition.docker_labels;
    let ports: Vec<PortPlan> = definition
        .port_mappings
        .iter()
        .enumerate()
        .filter_map(|(index, mapping)| {
            let mapping = port(mapping, &format!("{path}.PortMappings[{index}]"), problems)?;
            let label = format!("{PORT_VARIABLE_LABEL_PREFIX}{}", mapping.container_port);
            let variable = labels.get(&label).map(text);
            Some(PortPlan { mapping, variable })
        })
        .collect();
    let depends_on = definition
        .depends_on
        .iter()
        .enumerate()
        .filter_map(|(index, dependency)| {
            let path = format!("{path}.DependsOn[{index}].Condition");
            Some((
                text(&dependency.container_name),
                condition(&text(&dependency.condition), path, problems)?,
            ))
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
    let name = text(&definition.name);
    check_name(&name, format!("{path}.Name"), problems);
    ContainerPlan {
        name,
        image: image.cloned().unwrap_or_else(|| Image::new([image_name])),
        essential: definition
            .essential
            .as_ref()
            .and_then(|value| value.known().copied())
            .unwrap_or(true),
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

fn port(mapping: &ecs::PortMapping, path: &str, problems: &mut Problems) -> Option<PortMapping> {
    let number = mapping
        .container_port
        .as_ref()
        .and_then(|value| value.known().copied())
        .unwrap_or(0);
    let container_port = u16::try_from(number).ok().filter(|port| *port > 0);
    if container_port.is_none() {
        problems.add(
            format!("{path}.ContainerPort"),
            format!("is {number}; allowed is 1 to 65535"),
        );
    }
    if mapping
        .protocol
        .as_ref()
        .map(text)
        .is_some_and(|protocol| protocol != "tcp")
    {
        problems.add(format!("{path}.Protocol"), "only tcp can be run here");
    }
    let word = mapping.app_protocol.as_ref().map(text);
    let protocol = protocol(word.as_deref(), &format!("{path}.AppProtocol"), problems);
    Some(PortMapping {
        name: mapping.name.as_ref().map(text),
        container_port: container_port?,
        protocol,
    })
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
    let words = texts(Some(&check.command));
    let command = match words.split_first() {
        Some((form, command)) if form == "CMD" && !command.is_empty() => command.to_vec(),
        // The definition's own text goes to the shell as it is, as in a container.
        Some((form, [line])) if form == "CMD-SHELL" => vec!["sh".to_owned(), "-c".to_owned(), line.clone()],
        Some((form, [])) if form == "NONE" => return None,
        _ => {
            problems.add(
                format!("{path}.Command"),
                "must begin with CMD and have a program, or be CMD-SHELL and one line",
            );
            return None;
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
pub(super) fn text(value: &Value<String>) -> String {
    value.known().cloned().unwrap_or_default()
}

fn texts(list: Option<&StringList>) -> Vec<String> {
    list.and_then(Value::known).into_iter().flatten().map(text).collect()
}
