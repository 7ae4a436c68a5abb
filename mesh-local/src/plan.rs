//! What a template asks this machine to run: services, their tasks' containers, and the namespaces they share.
//! Pure; every mistake in the template is found here, before anything is started.

mod container;
mod labels;
mod names;
mod order;
mod reader;
mod service;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mesh_infra::Template;
use mesh_infra::cfn::{ResourceType, ecs, is_part_of};
use mesh_model::namespace::{Member, Namespace, PortMapping};
use mesh_model::service_connect::{AppProtocol, ServiceConnectConfiguration};
use mesh_model::{Problem, Problems};

use crate::evaluate::{Evaluation, RUN, is_not_simulated, is_refused};
use crate::image::{Image, Images};

/// What a template asks this machine to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The Service Connect namespaces that services take part in, with all that can be called in them.
    pub namespaces: Vec<Namespace>,
    /// The services, in the template's order.
    pub services: Vec<ServicePlan>,
    /// What the template also has and what means nothing on one machine: logical ids with their types, then the
    /// paths of properties with the word `property`.
    pub not_simulated: Vec<(String, String)>,
}

/// One ECS service.
#[derive(Debug, Clone)]
pub struct ServicePlan {
    /// Its name: as in the template, or made from the stack and the logical id. Unique in a plan.
    pub name: String,
    /// The cluster it runs in.
    pub cluster: String,
    /// How many tasks it keeps running.
    pub desired_count: u32,
    /// The Service Connect namespace it takes part in.
    pub namespace: Option<String>,
    /// The containers of each task, in an order in which they can be started.
    pub containers: Vec<ContainerPlan>,
}

/// One container of a task.
#[derive(Debug, Clone)]
pub struct ContainerPlan {
    /// Its name, unique in its task.
    pub name: String,
    /// What runs it here.
    pub image: Image,
    /// Whether the whole task ends with it. Default, decided by ECS: it does.
    pub essential: bool,
    /// Replaces the image's entry point, unless empty.
    pub entry_point: Vec<String>,
    /// The arguments after the entry point.
    pub command: Vec<String>,
    /// Its environment variables.
    pub environment: BTreeMap<String, String>,
    /// The ports it listens on.
    pub ports: Vec<PortPlan>,
    /// What must have happened to which other container before it starts.
    pub depends_on: Vec<(String, Condition)>,
    /// How to find out whether it is well.
    pub health_check: Option<HealthCheckPlan>,
    /// How long it may take to stop. Default, decided by ECS: 30 s.
    pub stop_timeout: Duration,
}

/// A port that a container listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortPlan {
    /// What Service Connect needs to know of it.
    pub mapping: PortMapping,
    /// The environment variable by which the container learns on which port to listen.
    pub variable: Option<String>,
}

/// What must have happened to a container. The words are those of ECS's `dependsOn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It was started.
    Start,
    /// It has ended.
    Complete,
    /// It has ended with exit code 0.
    Success,
    /// Its health check passed.
    Healthy,
}

/// How to find out whether a container is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheckPlan {
    /// The command, to be run inside the container.
    pub command: Vec<String>,
    /// Time between checks. Default, decided by ECS: 30 s.
    pub interval: Duration,
    /// How long a check may take. Default, decided by ECS: 5 s.
    pub timeout: Duration,
    /// How many checks must fail in a row. Default, decided by ECS: 3.
    pub retries: u32,
    /// Failures this early do not count. Default, decided by ECS: none.
    pub start_period: Duration,
}

/// A service as the template describes it, before its namespace is known to be sound.
struct DescribedService {
    plan: ServicePlan,
    path: String,
    configuration: Option<ServiceConnectConfiguration>,
    /// False if its port mappings could not be read in full.
    are_ports_known: bool,
}

impl Plan {
    /// Reads a template as the stack `stack`, with these parameters and images.
    ///
    /// # Errors
    ///
    /// Everything that keeps it from being run here, each with its place in the template.
    pub fn new(
        template: &Template,
        stack: &str,
        parameters: &BTreeMap<String, String>,
        images: &Images,
    ) -> Result<Self, Problems> {
        let mut problems = Problems::none();
        let evaluation = Evaluation::new(template, stack, parameters, &mut problems);
        let mut not_simulated = sort_out(template, &evaluation, &mut problems);
        let (services, properties) = service::describe_all(template, &evaluation, images, &mut problems);
        for path in properties {
            let listed = (path, "property".to_owned());
            // Services that share a task definition have each read it.
            if !not_simulated.contains(&listed) {
                not_simulated.push(listed);
            }
        }
        refuse_shared_names(&services, &mut problems);
        refuse_too_many(&services, &mut problems);
        let namespaces = namespaces(&services, &mut problems);
        if services.is_empty() && problems.is_empty() {
            problems.add("Resources", "there is no AWS::ECS::Service to run");
        }
        each_once(&problems).or(Self {
            namespaces,
            services: services.into_iter().map(|service| service.plan).collect(),
            not_simulated,
        })
    }

    /// The names of the images that the template's containers run. `None` if one of them cannot be evaluated.
    #[must_use]
    pub fn image_names(
        template: &Template,
        stack: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Option<BTreeSet<String>> {
        let mut reported_by_new = Problems::none();
        let evaluation = Evaluation::new(template, stack, parameters, &mut reported_by_new);
        let mut names = BTreeSet::new();
        for (id, resource) in &template.resources {
            if resource.kind == ecs::TaskDefinition::KIND && evaluation.has(id, &mut reported_by_new) {
                let properties = evaluation.properties(id, &mut reported_by_new);
                let containers = properties.get("ContainerDefinitions")?.as_array()?;
                for container in containers {
                    names.insert(container.get("Image")?.as_str()?.to_owned());
                }
            }
        }
        Some(names)
    }
}

/// Notes the resources that cannot be run, and lists those that need not be.
fn sort_out(template: &Template, evaluation: &Evaluation<'_>, problems: &mut Problems) -> Vec<(String, String)> {
    let mut not_simulated = Vec::new();
    for (id, resource) in &template.resources {
        if !evaluation.has(id, problems) {
            continue;
        }
        if is_not_simulated(&resource.kind) {
            not_simulated.push((id.clone(), resource.kind.clone()));
        } else if is_refused(&resource.kind) {
            problems.add(
                format!("Resources.{id}.Type"),
                format!("`{}` cannot be run here; what can is {}", resource.kind, RUN.join(", ")),
            );
        }
    }
    not_simulated
}

/// What ECS allows as the name of a service or a container. Here it is a part of file names, too.
fn check_name(name: &str, path: String, problems: &mut Problems) {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > 255 || !name.chars().all(allowed) {
        note(
            problems,
            path,
            format!("is `{name}`; allowed are 1 to 255 of a-z, A-Z, 0-9, _ and -"),
        );
    }
}

/// Notes a problem, unless it follows from one that was noted: of the same place, or of a place that it is part of.
fn note(problems: &mut Problems, path: impl Into<String>, message: impl Into<String>) {
    let path = path.into();
    if !problems.iter().any(|noted| is_part_of(&path, &noted.path)) {
        problems.add(path, message);
    }
}

/// The same mistake is found again by each that refers to it, and by each service that shares a task definition.
fn each_once(problems: &Problems) -> Problems {
    let mut once = Problems::none();
    for problem in problems.iter() {
        if !once.iter().any(|noted| noted == problem) {
            once.add(problem.path.clone(), problem.message.clone());
        }
    }
    once
}

fn refuse_shared_names(services: &[DescribedService], problems: &mut Problems) {
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    for service in services {
        if let Some(first) = names.insert(&service.plan.name, &service.path) {
            problems.add(
                format!("{}.ServiceName", service.path),
                format!("`{}` is the name of {first} already", service.plan.name),
            );
        }
    }
}

/// Refuses more tasks than one machine can be expected to run, before it is out of memory or ports. The limit is
/// decided here and not by ECS, which allows thousands for a service: each task is an Envoy and its containers.
fn refuse_too_many(services: &[DescribedService], problems: &mut Problems) {
    const MOST: u64 = 100;
    let mut total = 0;
    for service in services {
        let path = format!("{}.DesiredCount", service.path);
        let count = u64::from(service.plan.desired_count);
        total += count;
        let limit = format!("at most {MOST} tasks can be run on one machine");
        if count > MOST {
            problems.add(path, format!("is {count}; {limit}"));
            total -= count;
        } else if total > MOST {
            problems.add(path, format!("is {count}, which makes {total} tasks in all; {limit}"));
            return;
        }
    }
}

fn namespaces(services: &[DescribedService], problems: &mut Problems) -> Vec<Namespace> {
    /// A service, the path to its configuration, and its ports.
    type Described<'a> = (&'a DescribedService, String, Vec<PortMapping>);
    let mut members: BTreeMap<&str, Vec<Described<'_>>> = BTreeMap::new();
    for service in services {
        if let Some(namespace) = &service.plan.namespace {
            let path = format!("{}.ServiceConnectConfiguration", service.path);
            let ports = service.plan.containers.iter().flat_map(|container| &container.ports);
            let ports = ports.map(|port| port.mapping.clone()).collect();
            members.entry(namespace).or_default().push((service, path, ports));
        }
    }
    let mut namespaces = Vec::new();
    for (name, members) in members {
        let members: Vec<Member<'_>> = members
            .iter()
            .filter_map(|(service, path, ports)| {
                Some(Member {
                    service: &service.plan.name,
                    path,
                    configuration: service.configuration.as_ref()?,
                    ports,
                })
            })
            .collect();
        match Namespace::resolve(name, &members) {
            Ok(namespace) => namespaces.push(namespace),
            Err(found) => {
                for problem in found.iter().filter(|problem| !is_consequence(problem, services)) {
                    note(problems, problem.path.as_str(), problem.message.as_str());
                }
            }
        }
    }
    namespaces
}

/// Whether a port name that no port mapping has may be that of one that could not be read.
fn is_consequence(problem: &Problem, services: &[DescribedService]) -> bool {
    let unread = services.iter().filter(|service| !service.are_ports_known);
    problem.path.ends_with(".PortName")
        && unread
            .into_iter()
            .any(|service| is_part_of(&problem.path, &service.path))
}

/// What a port speaks, from its `AppProtocol`.
fn protocol(word: Option<&str>, path: &str, problems: &mut Problems) -> AppProtocol {
    let Some(word) = word else { return AppProtocol::Tcp };
    AppProtocol::from_app_protocol(word).unwrap_or_else(|| {
        problems.add(path, format!("is `{word}`; allowed are http, http2 and grpc"));
        AppProtocol::Tcp
    })
}

#[cfg(test)]
mod tests;
