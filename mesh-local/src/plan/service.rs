//! One ECS service with its task definition, read.

use std::collections::{BTreeMap, BTreeSet};

use mesh_infra::Template;
use mesh_infra::cfn::{ResourceType, ecs, is_unknown};
use mesh_model::Problems;
use mesh_model::service_connect::ServiceConnectConfiguration;
use serde_json::Value as Json;

use super::container::{self, known};
use super::order::in_start_order;
use super::reader::{Cluster, Reader, Reference, Stack};
use super::{ContainerPlan, DescribedService, ServicePlan, check_name, note};
use crate::evaluate::Evaluation;
use crate::image::Images;

/// Every service of the template, and the paths of properties that are not simulated.
pub(super) fn describe_all(
    template: &Template,
    evaluation: &Evaluation<'_>,
    images: &Images,
    problems: &mut Problems,
) -> (Vec<DescribedService>, Vec<String>) {
    let mut reader = Reader {
        template,
        evaluation,
        problems,
        not_simulated: Vec::new(),
    };
    let stack = reader.stack();
    let mut described = BTreeSet::new();
    let mut services = Vec::new();
    for id in reader.ids_of(ecs::Service::KIND) {
        services.extend(describe(&mut reader, &stack, &id, images, &mut described));
    }
    // A service that names no task definition of the template was meant to name one, and nobody knows which.
    if services.iter().any(|service| service.plan.containers.is_empty()) {
        for id in stack.task_definitions.values().filter(|id| !described.contains(*id)) {
            task_definition(&mut reader, id, images);
        }
    }
    (services, reader.not_simulated)
}

fn describe(
    reader: &mut Reader<'_, '_>,
    stack: &Stack,
    id: &str,
    images: &Images,
    task_definitions: &mut BTreeSet<String>,
) -> Option<DescribedService> {
    let path = format!("Resources.{id}.Properties");
    let service: ecs::Service = reader.read(id)?;
    let name = reader.attribute(id, "Name");
    check_name(&name, format!("{path}.ServiceName"), reader.problems);

    let connect_path = format!("{path}.ServiceConnectConfiguration");
    let connect = service.service_connect_configuration.as_ref();
    let configuration = connect.and_then(|given| configuration(reader, given, &connect_path));
    let cluster = cluster(&service, stack, &path, reader.problems);
    let namespace = connect.filter(|_| configuration.is_some()).map(|given| {
        let default = cluster.as_ref().map(|cluster| &cluster.default_namespace);
        let path = format!("{connect_path}.Namespace");
        namespace(given, default, stack, path, reader.problems)
            // The rest of the configuration can be judged all the same, in a namespace of its own.
            .unwrap_or_else(|| format!("unknown-{id}"))
    });
    let found = found_task_definition(&service, stack, &path, reader.problems);
    let (containers, are_ports_known) = match found {
        Some(found) => {
            task_definitions.insert(found.clone());
            task_definition(reader, &found, images)
        }
        None => (Vec::new(), false),
    };
    let desired_count = service.desired_count.as_ref().and_then(|value| value.known().copied());
    Some(DescribedService {
        plan: ServicePlan {
            name,
            cluster: cluster.map(|cluster| cluster.name).unwrap_or_default(),
            desired_count: desired_count.unwrap_or(1),
            namespace,
            containers,
        },
        path,
        configuration,
        are_ports_known,
    })
}

/// The service's cluster. `None` if that is not known, which was reported.
fn cluster(service: &ecs::Service, stack: &Stack, path: &str, problems: &mut Problems) -> Option<Cluster> {
    let Some(cluster) = &service.cluster else {
        // ECS runs services without a cluster in the one of this name.
        return Some(Cluster {
            name: "default".to_owned(),
            default_namespace: Reference::Nothing,
        });
    };
    let cluster = known(cluster)?;
    let found = stack.clusters.get(&cluster).cloned();
    if found.is_none() {
        problems.add(
            format!("{path}.Cluster"),
            format!("`{cluster}` is no cluster of this template"),
        );
    }
    found
}

/// The Service Connect configuration, if the service takes part or does not say clearly that it does not.
fn configuration(
    reader: &mut Reader<'_, '_>,
    given: &ecs::ServiceConnectConfiguration,
    path: &str,
) -> Option<ServiceConnectConfiguration> {
    if is_unknown(&Json::Object(given.0.clone())) {
        return None;
    }
    let (model, errors) = given.to_model_all();
    if model.as_ref().is_some_and(|model| !model.enabled) {
        return None;
    }
    reader.note_all(errors, path);
    model
}

/// The namespace of a service that takes part. `None` if that is not known, which was reported.
fn namespace(
    configuration: &ecs::ServiceConnectConfiguration,
    default: Option<&Reference>,
    stack: &Stack,
    path: String,
    problems: &mut Problems,
) -> Option<String> {
    let own = Reference::new(configuration.namespace().as_ref());
    let given = match (&own, default) {
        (Reference::To(given), _) | (Reference::Nothing, Some(Reference::To(given))) => given.clone(),
        (Reference::Nothing, Some(Reference::Nothing)) => {
            note(
                problems,
                path,
                "is missing, and the cluster has no ServiceConnectDefaults",
            );
            return None;
        }
        (Reference::Unknown, _) | (Reference::Nothing, None | Some(Reference::Unknown)) => return None,
    };
    let found = stack.namespaces.get(&given).cloned();
    if found.is_none() {
        let mut names: Vec<&str> = stack.namespaces.values().map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        let has = if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        };
        problems.add(
            path,
            format!("`{given}` is no namespace of this template, which has: {has}"),
        );
    }
    found
}

/// The logical id of the service's task definition. `None` if that is not known, which was reported.
fn found_task_definition(service: &ecs::Service, stack: &Stack, path: &str, problems: &mut Problems) -> Option<String> {
    let path = format!("{path}.TaskDefinition");
    let Some(arn) = &service.task_definition else {
        note(problems, path, "is missing");
        return None;
    };
    let arn = known(arn)?;
    let found = stack.task_definitions.get(&arn).cloned();
    if found.is_none() {
        problems.add(path, format!("`{arn}` is no task definition of this template"));
    }
    found
}

/// The containers of a task definition, and whether all names of their ports are known.
fn task_definition(reader: &mut Reader<'_, '_>, id: &str, images: &Images) -> (Vec<ContainerPlan>, bool) {
    let Some(definition) = reader.read::<ecs::TaskDefinition>(id) else {
        return (Vec::new(), false);
    };
    let path = format!("Resources.{id}.Properties.ContainerDefinitions");
    if definition.container_definitions.is_empty() {
        note(reader.problems, path, "is empty");
        return (Vec::new(), false);
    }
    let are_ports_known = !reader.problems.iter().any(|problem| {
        let place = problem.path.strip_prefix(&path);
        // A whole list or item that could not be read has taken its ports with it.
        place.is_some_and(|place| {
            place.is_empty()
                || place.ends_with("PortMappings")
                || place.ends_with(']') && (place.contains(".PortMappings[") || !place.contains('.'))
                || place.contains(".PortMappings[") && place.ends_with("].Name")
        })
    });
    let containers: Vec<ContainerPlan> = definition
        .container_definitions
        .iter()
        .enumerate()
        .map(|(index, container)| container::describe(container, images, &format!("{path}[{index}]"), reader.problems))
        .collect();
    refuse_shared(&containers, &path, reader.problems);
    (in_start_order(containers, &path, reader.problems), are_ports_known)
}

/// Containers of a task are told apart by name, and share one network: as on Fargate, in `awsvpc` mode.
fn refuse_shared(containers: &[ContainerPlan], path: &str, problems: &mut Problems) {
    let mut names = BTreeSet::new();
    let mut ports = BTreeMap::new();
    for (index, container) in containers.iter().enumerate() {
        // Names and ports that are not known may well differ.
        if !container.name.is_empty() && !names.insert(&container.name) {
            let message = format!("`{}` is the name of another container already", container.name);
            problems.add(format!("{path}[{index}].Name"), message);
        }
        let numbers = container.ports.iter().map(|port| port.mapping.container_port);
        for number in numbers.filter(|number| *number > 0) {
            if let Some(owner) = ports.insert(number, &container.name) {
                let message = format!("{number} is a port of container {owner} already");
                problems.add(format!("{path}[{index}].PortMappings"), message);
            }
        }
    }
}
