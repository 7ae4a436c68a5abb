//! What a template asks this machine to run: services, their tasks' containers, and the namespaces they share.
//! Pure; every mistake in the template is found here, before anything is started.

mod container;
mod order;
mod service;

use std::collections::BTreeMap;
use std::time::Duration;

use mesh_infra::Template;
use mesh_model::Problems;
use mesh_model::namespace::{Member, Namespace, PortMapping};
use mesh_model::service_connect::{AppProtocol, ServiceConnectConfiguration};

use crate::evaluate::Evaluation;
use crate::image::{Image, Images};

/// What a template asks this machine to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The Service Connect namespaces that services take part in, with all that can be called in them.
    pub namespaces: Vec<Namespace>,
    /// The services, in the template's order.
    pub services: Vec<ServicePlan>,
    /// What the template also has and what means nothing on one machine: logical id and type.
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
        let not_simulated = sort_out(template, &evaluation, &mut problems);
        let services = service::describe_all(template, &evaluation, images, &mut problems);
        refuse_shared_names(&services, &mut problems);
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
}

/// Notes the resources that cannot be run, and lists those that need not be.
fn sort_out(template: &Template, evaluation: &Evaluation<'_>, problems: &mut Problems) -> Vec<(String, String)> {
    const RUN: [&str; 4] = [
        "AWS::ECS::Cluster",
        "AWS::ECS::Service",
        "AWS::ECS::TaskDefinition",
        "AWS::ServiceDiscovery::HttpNamespace",
    ];
    /// Networks, permissions and logs of AWS: one machine has its own.
    const NOT_SIMULATED: [&str; 4] = ["AWS::CDK::Metadata", "AWS::EC2::", "AWS::IAM::", "AWS::Logs::"];
    let mut not_simulated = Vec::new();
    for (id, resource) in &template.resources {
        if !evaluation.has(id, problems) {
            continue;
        }
        if NOT_SIMULATED.iter().any(|prefix| resource.kind.starts_with(prefix)) {
            not_simulated.push((id.clone(), resource.kind.clone()));
        } else if !RUN.contains(&resource.kind.as_str()) {
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
        problems.add(
            path,
            format!("is `{name}`; allowed are 1 to 255 of a-z, A-Z, 0-9, _ and -"),
        );
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
            Err(found) => problems.extend(found),
        }
    }
    namespaces
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
