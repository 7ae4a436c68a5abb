//! One ECS service with its task definition, read.

use std::collections::{BTreeMap, BTreeSet};

use mesh_infra::cfn::{ResourceType, ecs, servicediscovery};
use mesh_infra::{Resource, Template};
use mesh_model::Problems;
use mesh_model::service_connect::ServiceConnectConfiguration;
use serde_json::Value as Json;

use super::container::{self, text};
use super::order::in_start_order;
use super::{ContainerPlan, DescribedService, ServicePlan, check_name};
use crate::evaluate::Evaluation;
use crate::image::Images;

/// Every service of the template.
pub(super) fn describe_all(
    template: &Template,
    evaluation: &Evaluation<'_>,
    images: &Images,
    problems: &mut Problems,
) -> Vec<DescribedService> {
    let mut reader = Reader {
        template,
        evaluation,
        problems,
    };
    let stack = Stack {
        clusters: reader.clusters(),
        namespaces: reader.namespaces(),
        task_definitions: reader.by_physical_id(ecs::TaskDefinition::KIND),
    };
    reader
        .ids_of(ecs::Service::KIND)
        .into_iter()
        .filter_map(|id| describe(&mut reader, &stack, &id, images))
        .collect()
}

/// What services refer to, by what `Ref` and `Fn::GetAtt` made of it.
struct Stack {
    /// Cluster names and ARNs, to the cluster's name and default namespace.
    clusters: BTreeMap<String, (String, Option<String>)>,
    /// Namespace names, ids and ARNs, to the namespace's name.
    namespaces: BTreeMap<String, String>,
    /// Task definition ARNs, to logical ids.
    task_definitions: BTreeMap<String, String>,
}

fn describe(reader: &mut Reader<'_, '_>, stack: &Stack, id: &str, images: &Images) -> Option<DescribedService> {
    let path = format!("Resources.{id}.Properties");
    let service: ecs::Service = reader.read(id)?;
    let name = reader.evaluation.attribute_of(id, "Name", reader.problems);
    let name = name.as_str().unwrap_or_default().to_owned();
    check_name(&name, format!("{path}.ServiceName"), reader.problems);

    let configuration = connect(reader, &service, &path);
    let cluster = cluster(&service, stack, &path, reader.problems);
    let namespace = match (&cluster, &configuration) {
        (Some((_, default)), Some(configuration)) => {
            let path = format!("{path}.ServiceConnectConfiguration.Namespace");
            namespace(configuration, default.clone(), stack, path, reader.problems)
        }
        _ => None,
    };
    let containers = containers(reader, stack, &service, &path, images)?;
    Some(DescribedService {
        plan: ServicePlan {
            name,
            cluster: cluster.map(|(name, _)| name).unwrap_or_default(),
            desired_count: service
                .desired_count
                .as_ref()
                .and_then(|value| value.known().copied())
                .unwrap_or(1),
            namespace,
            containers,
        },
        path,
        configuration,
    })
}

/// The name and default namespace of the service's cluster.
fn cluster(
    service: &ecs::Service,
    stack: &Stack,
    path: &str,
    problems: &mut Problems,
) -> Option<(String, Option<String>)> {
    let Some(cluster) = service.cluster.as_ref().map(text) else {
        // ECS runs services without a cluster in the one of this name.
        return Some(("default".to_owned(), None));
    };
    let found = stack.clusters.get(&cluster).cloned();
    if found.is_none() {
        problems.add(
            format!("{path}.Cluster"),
            format!("`{cluster}` is no cluster of this template"),
        );
    }
    found
}

/// The Service Connect configuration, if the service takes part.
fn connect(reader: &mut Reader<'_, '_>, service: &ecs::Service, path: &str) -> Option<ServiceConnectConfiguration> {
    let configuration = service.service_connect_configuration.as_ref()?;
    if !configuration.is_enabled() {
        return None;
    }
    match configuration.to_model() {
        Ok(model) => Some(model),
        Err(error) => {
            let problem = error.into_problem(&format!("{path}.ServiceConnectConfiguration"));
            reader.problems.add(problem.path, problem.message);
            None
        }
    }
}

fn namespace(
    configuration: &ServiceConnectConfiguration,
    default: Option<String>,
    stack: &Stack,
    path: String,
    problems: &mut Problems,
) -> Option<String> {
    let Some(given) = configuration.namespace.clone().or(default) else {
        problems.add(path, "is missing, and the cluster has no ServiceConnectDefaults");
        return None;
    };
    let found = stack.namespaces.get(&given).cloned();
    if found.is_none() {
        let known: Vec<&str> = stack.namespaces.values().map(String::as_str).collect();
        problems.add(
            path,
            format!(
                "`{given}` is no namespace of this template, which has: {}",
                dedup(known).join(", ")
            ),
        );
    }
    found
}

fn dedup(mut names: Vec<&str>) -> Vec<&str> {
    names.sort_unstable();
    names.dedup();
    names
}

fn containers(
    reader: &mut Reader<'_, '_>,
    stack: &Stack,
    service: &ecs::Service,
    path: &str,
    images: &Images,
) -> Option<Vec<ContainerPlan>> {
    let arn = service.task_definition.as_ref().map(text);
    let Some(id) = arn.as_ref().and_then(|arn| stack.task_definitions.get(arn)) else {
        let path = format!("{path}.TaskDefinition");
        match arn {
            Some(arn) => reader
                .problems
                .add(path, format!("`{arn}` is no task definition of this template")),
            // One that could not be evaluated was reported as such.
            None if reader.problems.iter().any(|reported| reported.path == path) => {}
            None => reader.problems.add(path, "is missing"),
        }
        return None;
    };
    let definition: ecs::TaskDefinition = reader.read(id)?;
    let path = format!("Resources.{id}.Properties.ContainerDefinitions");
    if definition.container_definitions.is_empty() {
        reader.problems.add(path, "is empty");
        return None;
    }
    let containers: Vec<ContainerPlan> = definition
        .container_definitions
        .iter()
        .enumerate()
        .map(|(index, container)| container::describe(container, images, &format!("{path}[{index}]"), reader.problems))
        .collect();
    refuse_shared(&containers, &path, reader.problems);
    Some(in_start_order(containers, &path, reader.problems))
}

/// Containers of a task are told apart by name, and share one network: as on Fargate, in `awsvpc` mode.
fn refuse_shared(containers: &[ContainerPlan], path: &str, problems: &mut Problems) {
    let mut names = BTreeSet::new();
    let mut ports = BTreeMap::new();
    for (index, container) in containers.iter().enumerate() {
        if !names.insert(&container.name) {
            let message = format!("`{}` is the name of another container already", container.name);
            problems.add(format!("{path}[{index}].Name"), message);
        }
        for port in &container.ports {
            let number = port.mapping.container_port;
            if let Some(owner) = ports.insert(number, &container.name) {
                let message = format!("{number} is a port of container {owner} already");
                problems.add(format!("{path}[{index}].PortMappings"), message);
            }
        }
    }
}

/// Reads evaluated resources, and notes what cannot be read.
struct Reader<'t, 'p> {
    template: &'t Template,
    evaluation: &'t Evaluation<'t>,
    problems: &'p mut Problems,
}

impl Reader<'_, '_> {
    fn ids_of(&mut self, kind: &str) -> Vec<String> {
        let resources = self.template.resources.iter();
        resources
            .filter(|(id, resource)| resource.kind == kind && self.evaluation.has(id, self.problems))
            .map(|(id, _)| id.clone())
            .collect()
    }

    fn read<T: ResourceType>(&mut self, id: &str) -> Option<T> {
        let properties = self.evaluation.properties(id, self.problems);
        match Resource::new(T::KIND, properties).read() {
            Ok(resource) => Some(resource),
            Err(error) => {
                let problem = error.into_problem(&format!("Resources.{id}.Properties"));
                // A value that could not be evaluated was reported as such; null is only its trace.
                if !self.problems.iter().any(|reported| reported.path == problem.path) {
                    self.problems.add(problem.path, problem.message);
                }
                None
            }
        }
    }

    fn physical_id(&mut self, id: &str) -> String {
        string(self.evaluation.physical_id(id, self.problems))
    }

    fn attribute(&mut self, id: &str, attribute: &str) -> String {
        string(self.evaluation.attribute_of(id, attribute, self.problems))
    }

    fn by_physical_id(&mut self, kind: &str) -> BTreeMap<String, String> {
        let ids = self.ids_of(kind);
        ids.into_iter().map(|id| (self.physical_id(&id), id)).collect()
    }

    fn clusters(&mut self) -> BTreeMap<String, (String, Option<String>)> {
        let mut clusters = BTreeMap::new();
        for id in self.ids_of(ecs::Cluster::KIND) {
            let Some(cluster) = self.read::<ecs::Cluster>(&id) else {
                continue;
            };
            let defaults = cluster.service_connect_defaults;
            let namespace = defaults.and_then(|defaults| defaults.namespace).map(|name| text(&name));
            let name = self.physical_id(&id);
            clusters.insert(self.attribute(&id, "Arn"), (name.clone(), namespace.clone()));
            clusters.insert(name.clone(), (name, namespace));
        }
        clusters
    }

    fn namespaces(&mut self) -> BTreeMap<String, String> {
        let mut namespaces = BTreeMap::new();
        for id in self.ids_of(servicediscovery::HttpNamespace::KIND) {
            let Some(namespace) = self.read::<servicediscovery::HttpNamespace>(&id) else {
                continue;
            };
            let name = text(&namespace.name);
            namespaces.insert(self.physical_id(&id), name.clone());
            namespaces.insert(self.attribute(&id, "Arn"), name.clone());
            namespaces.insert(name.clone(), name);
        }
        namespaces
    }
}

fn string(json: Json) -> String {
    json.as_str().map(str::to_owned).unwrap_or_default()
}
