//! What a set of templates runs: services with their containers, and the namespaces and meshes they share.
//!
//! Pure. Reports every error in the templates before anything is started.
//!
//! `input` evaluates the stacks' resources, and `mesh-infra`'s `TemplateModel` reads them: typed properties, references
//! between resources, and meshes. The other modules derive what runs, and reject what cannot run locally.

mod callers;
mod certificates;
mod cloud_map;
mod container;
mod dependencies;
mod draft;
mod environment_files;
mod envoy;
mod fixed_instances;
mod health_check;
mod input;
mod interception;
mod labels;
mod limits;
mod load_balancers;
mod meshes;
mod namespaces;
mod order;
mod parts;
mod port_mapping;
mod properties;
mod publish;
mod reader;
mod service;
mod stub;
mod task_definition;
mod user;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mesh_control::HeaderLimits;
use mesh_infra::cfn::{ResourceType, ecs, is_part_of, ssm};
use mesh_infra::model::TemplateModel;
use mesh_model::app_mesh::resource_path::{PARAMETER_PREFIX, REVISION_PREFIX};
use mesh_model::app_mesh::{Kind, Topology};
use mesh_model::load_balancer::{ListenerProtocol, LoadBalancer, TargetGroup};
use mesh_model::namespace::Namespace;
use mesh_model::service_connect::ServiceConnectConfiguration;
use serde_json::Value as Json;
use sidecar_contract::{Diagnostic, Diagnostics, ValidationErrors};

pub(crate) use self::certificates::{CertificateUse, CertificateUses, Source};
pub(crate) use self::fixed_instances::CNAME;
pub use self::interception::Interception;
pub use self::parts::{
    CloudMapService, Condition, ContainerPlan, ContainerUser, DnsRecords, FixedInstance, FixedInstanceName,
    HealthCheckPlan, LoadBalancerNode, Membership, MeshNode, PortPlan, RegistryPlan, ServicePlan, TargetPlan,
};
pub use self::publish::PublishedPort;
use self::reader::Reader;
use crate::evaluate::{
    Assumption, PreparedStacks, Resource, Stacks, is_not_simulated, is_unsupported, supported_types_like,
};
use crate::image::Images;
use crate::network::Network;
pub(crate) use crate::stack_environment::GivenCertificates;
use crate::stack_environment::StackEnvironment;
use crate::stack_input::StackInput;

/// What a set of templates runs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Plan {
    /// The Service Connect namespaces of the services, with all endpoints.
    pub namespaces: Vec<Namespace>,
    /// The meshes of App Mesh, by name.
    pub meshes: BTreeMap<String, Topology>,
    /// All Cloud Map services, with or without registered tasks.
    pub cloud_map: Vec<CloudMapService>,
    /// The private DNS namespaces, with or without Cloud Map services.
    pub dns_zones: Vec<String>,
    /// The instances that no task registers.
    pub fixed_instances: Vec<FixedInstance>,
    /// The limits of headers that the Envoys accept.
    pub header_limits: HeaderLimits,
    /// The services, in the templates' order.
    pub services: Vec<ServicePlan>,
    /// Resources, properties, containers and Envoy variables ignored locally, as (name, type). More than ten resources
    /// are grouped by service prefix, such as `AWS::EC2`. With several stacks, names start with the stack and a slash.
    pub not_simulated: Vec<(String, String)>,
    /// What the plan takes for given without knowing it, as (path, note): stand-ins of values that only AWS knows, and
    /// clusters, namespaces and virtual services that no given template has.
    pub assumed: Vec<(String, String)>,
    /// The path of each service's resource, by name: `Resources.Web`, after the stack's name and a slash if there are
    /// several stacks.
    pub service_paths: BTreeMap<String, String>,
    /// The resources in `not_simulated`, one by one.
    ignored_resources: Vec<(String, String)>,
    /// The other entries of `not_simulated`.
    ignored_parts: Vec<(String, String)>,
    /// The load balancers with listeners, by name.
    pub load_balancers: BTreeMap<String, LoadBalancer>,
    /// The target groups, by name.
    pub target_groups: BTreeMap<String, TargetGroup>,
    /// Mistakes that AWS accepts, as (path, message).
    pub warnings: Vec<(String, String)>,
    /// The tasks of load balancers, as services.
    load_balancer_services: Vec<ServicePlan>,
    pub(crate) given_certificates: GivenCertificates,
    /// The names in certificates of the templates, by ARN.
    certificate_names: BTreeMap<String, BTreeSet<String>>,
}

/// A service as described by its template, before its namespace is validated.
struct DescribedService {
    plan: ServicePlan,
    path: String,
    configuration: Option<ServiceConnectConfiguration>,
    /// False if its port mappings could not be read in full.
    are_ports_known: bool,
}

impl DescribedService {
    /// Its name, and the path of its resource.
    fn resource_path(&self) -> (String, String) {
        let path = self.path.strip_suffix(".Properties").unwrap_or(&self.path);
        (self.plan.name.clone(), path.to_owned())
    }
}

impl Plan {
    /// Reads templates as stacks, with their parameters and the available images, in the default environment.
    ///
    /// # Errors
    ///
    /// As [`Plan::in_environment`].
    pub fn new(stacks: &[StackInput<'_>], images: &Images) -> Result<Self, ValidationErrors> {
        Self::in_environment(stacks, &StackEnvironment::default(), images)
    }

    /// Reads templates as stacks in an environment, with their parameters and the available images.
    ///
    /// # Errors
    ///
    /// Everything that cannot be run locally, each with its path in the template. With several stacks, paths start with
    /// the stack's name and a slash. Values of the environment that nothing reads are errors only beside others; see
    /// [`Values::unread`](crate::Values::unread).
    pub fn in_environment(
        stacks: &[StackInput<'_>],
        environment: &StackEnvironment,
        images: &Images,
    ) -> Result<Self, ValidationErrors> {
        let mut diagnostics = Diagnostics::new();
        let prepared = PreparedStacks::new(stacks, environment, &mut diagnostics);
        let stacks = Stacks::new(&prepared, environment, &mut diagnostics);
        let resources = stacks.resources(&mut diagnostics);
        let ignored_resources = classify_resources(&resources, &mut diagnostics);
        let input = input::evaluate(&resources, &mut diagnostics);
        let all_assumptions: Vec<Assumption> = input.assumptions().cloned().collect();
        let model = TemplateModel::of_stacks(input.resources);
        let certificate_names = certificate_names(&resources, &mut diagnostics);
        let records = dns_records(&resources, &mut diagnostics);
        let mut reader = Reader::new(&model, input.findings, environment.network, &mut diagnostics);
        let cloud_map = cloud_map::read(&mut reader);
        let mut fixed_instances = fixed_instances::of_cloud_map(&cloud_map, &mut reader);
        fixed_instances.extend(fixed_instances::of_hosts_file(&cloud_map, &environment.hosts, &reader));
        meshes::report_errors(&mut reader);
        let load_balancers = load_balancers::read(&mut reader, &records);
        let mut services = service::describe_all(&mut reader, &cloud_map, &load_balancers, images);
        namespaces::separate_default_names(&mut services, &mut reader);
        callers::note_names(&services, &cloud_map, &mut reader);
        let (not_simulated_parts, mut assumed) = reader.into_notes();
        let mut ignored_parts = Vec::new();
        for listed in not_simulated_parts {
            // Services that share a task definition have each read it.
            if !ignored_parts.contains(&listed) {
                ignored_parts.push(listed);
            }
        }
        let not_simulated = [group_by_service(ignored_resources.clone()), ignored_parts.clone()].concat();
        assumed.splice(0..0, stacks.left_out().iter().cloned());
        let zones: BTreeSet<&str> = cloud_map.all_namespaces().collect();
        let instances = fixed_instances.iter().map(|instance| match &instance.at {
            FixedInstanceName::CloudMap(service) => service.full_name(),
            FixedInstanceName::Host(name) => name.clone(),
        });
        let load_balancer_names = load_balancers
            .load_balancers
            .values()
            .flat_map(LoadBalancer::host_names);
        let others = instances.chain(load_balancer_names.cloned()).collect();
        assumed.extend(meshes::nodes_without_service(&model, &services, &zones, &others));
        stacks.check_import_cycles(&mut diagnostics);
        dependencies::set(&mut services, &resources, &mut diagnostics);
        assumed.extend(prepared.undefined_names(&diagnostics));
        limits::reject_duplicate_names(&services, &mut diagnostics);
        limits::reject_too_many_tasks(&services, &mut diagnostics);
        let namespaces = namespaces::resolve(&services, &mut diagnostics);
        meshes::report_unknown(&model, &mut diagnostics);
        let mut diagnostics = explain(&diagnostics, &all_assumptions, environment);
        if !diagnostics.is_empty() {
            for (name, message) in environment.values.unread() {
                diagnostics.add(format!("--value {name}"), message);
            }
        }
        diagnostics.into_result(Self {
            namespaces,
            meshes: model.topologies().clone(),
            dns_zones: cloud_map.zones().map(str::to_owned).collect(),
            cloud_map: cloud_map.into_services(),
            service_paths: services.iter().map(DescribedService::resource_path).collect(),
            fixed_instances,
            header_limits: environment.header_limits,
            services: services.into_iter().map(|service| service.plan).collect(),
            not_simulated,
            assumed,
            ignored_resources,
            ignored_parts,
            load_balancer_services: load_balancers
                .load_balancers
                .values()
                .map(load_balancer_service)
                .collect(),
            load_balancers: load_balancers.load_balancers,
            target_groups: load_balancers.target_groups,
            warnings: load_balancers.warnings,
            given_certificates: environment.certificates.clone(),
            certificate_names,
        })
    }

    /// What runs as tasks: load balancers, then services.
    pub(crate) fn task_services(&self) -> impl Iterator<Item = &ServicePlan> {
        self.load_balancer_services.iter().chain(&self.services)
    }

    /// The certificates and authorities that meshes and load balancers name.
    pub(crate) fn certificate_uses(&self) -> CertificateUses {
        CertificateUses::new(
            self.meshes.values(),
            self.load_balancers.values(),
            &self.certificate_names,
        )
    }

    /// The ARNs and paths of certificates and authorities that meshes and load balancers name.
    #[must_use]
    pub fn certificate_sources(&self) -> BTreeSet<String> {
        let CertificateUses {
            certificates,
            authorities,
        } = self.certificate_uses();
        certificates.into_keys().chain(authorities.into_keys()).collect()
    }

    /// What is ignored in this network mode: [`Plan::not_simulated`], plus proxy configurations that are not applied.
    /// Those of virtual gateways never are, others only in [`Network::Namespaces`].
    #[must_use]
    pub fn not_simulated_in(&self, network: Network) -> Vec<(String, String)> {
        self.with_interceptions(self.not_simulated.clone(), network)
    }

    /// The same with each resource by itself. Resources have a type such as `AWS::EC2::VPC`; other parts have another kind,
    /// such as `property`.
    #[must_use]
    pub fn not_simulated_one_by_one(&self, network: Network) -> Vec<(String, String)> {
        let all = [self.ignored_resources.as_slice(), &self.ignored_parts].concat();
        self.with_interceptions(all, network)
    }

    /// A list of what is not simulated, with the proxy configurations that are not applied in this network mode.
    fn with_interceptions(&self, mut all: Vec<(String, String)>, network: Network) -> Vec<(String, String)> {
        let nodes = self.services.iter().filter_map(|service| match &service.membership {
            Membership::Mesh(node) => Some(node.as_ref()),
            Membership::Namespace(_) | Membership::None | Membership::LoadBalancer(_) => None,
        });
        let is_not_applied = |node: &&MeshNode| network == Network::Shared || node.path.kind == Kind::VirtualGateway;
        let interceptions = nodes
            .filter(is_not_applied)
            .filter_map(|node| node.interception.as_ref());
        for interception in interceptions {
            let listed = (interception.path.clone(), "property".to_owned());
            // Services may share a task definition.
            if !all.contains(&listed) {
                all.push(listed);
            }
        }
        all
    }

    /// The same plan, if it has at least one service.
    ///
    /// # Errors
    ///
    /// If the plan has no service: a mesh alone can be inspected, but not run.
    pub fn with_services(self) -> Result<Self, ValidationErrors> {
        let mut diagnostics = Diagnostics::new();
        if self.services.is_empty() {
            let mesh = if self.meshes.is_empty() {
                ""
            } else {
                "; `translate --node NODE` prints the Envoy configuration of a mesh alone"
            };
            let message = format!(
                "there is no AWS::ECS::Service to run; give the stack that has one with another --template{mesh}"
            );
            diagnostics.add("Resources", message);
        }
        diagnostics.into_result(self)
    }

    /// The image names of all containers. `None` if one of them cannot be evaluated.
    #[must_use]
    pub fn image_names(stacks: &[StackInput<'_>], environment: &StackEnvironment) -> Option<BTreeSet<String>> {
        let mut reported_by_new = Diagnostics::new();
        let prepared = PreparedStacks::new(stacks, environment, &mut reported_by_new);
        let stacks = Stacks::new(&prepared, environment, &mut reported_by_new);
        let mut names = BTreeSet::new();
        for resource in stacks.resources(&mut reported_by_new) {
            if resource.kind == ecs::TaskDefinition::KIND {
                let is_read = |property: &str| properties::is_read(resource.kind, property);
                let properties = resource.properties(&is_read, &mut Vec::new(), &mut reported_by_new);
                let containers = properties.get("ContainerDefinitions")?.as_array()?;
                for container in containers {
                    names.insert(container.get("Image")?.as_str()?.to_owned());
                }
            }
        }
        Some(names)
    }
}

/// The task of a load balancer, as a service. ECS services cannot have its name.
fn load_balancer_service(load_balancer: &LoadBalancer) -> ServicePlan {
    let is_tcp = |protocol: ListenerProtocol| matches!(protocol, ListenerProtocol::Tcp | ListenerProtocol::Tls);
    let listeners = load_balancer.listeners.iter();
    let node = LoadBalancerNode {
        name: load_balancer.name.clone(),
        host_names: load_balancer.host_names().cloned().collect(),
        listeners: listeners
            .map(|(port, listener)| (*port, is_tcp(listener.protocol)))
            .collect(),
        local_ports: BTreeMap::new(),
        publishes: None,
    };
    ServicePlan {
        name: format!("load-balancer.{}", load_balancer.name),
        cluster: String::new(),
        desired_count: 1,
        membership: Membership::LoadBalancer(node),
        depends_on: BTreeSet::new(),
        registry: None,
        health_check_grace: Duration::ZERO,
        targets: Vec::new(),
        family: String::new(),
        containers: Vec::new(),
    }
}

/// The names of DNS records, each with the name that it is an alias of. Load balancers have a second name for IPv6.
fn dns_records(resources: &[Resource<'_>], diagnostics: &mut Diagnostics) -> Vec<(String, String)> {
    let records = resources
        .iter()
        .filter(|resource| resource.kind == "AWS::Route53::RecordSet");
    let plain = |name: &Json| {
        let name = name.as_str()?.trim_end_matches('.').to_ascii_lowercase();
        Some(
            name.strip_prefix("dualstack.")
                .map_or_else(|| name.clone(), str::to_owned),
        )
    };
    records
        .filter_map(|record| {
            let properties = record.properties(&|_| false, &mut Vec::new(), diagnostics);
            let alias = properties.get("AliasTarget").and_then(|target| target.get("DNSName"));
            let first = properties.get("ResourceRecords").and_then(|records| records.get(0));
            Some((plain(properties.get("Name")?)?, plain(alias.or(first)?)?))
        })
        .collect()
}

/// The names in the certificates of Certificate Manager that the templates have, by ARN.
fn certificate_names(resources: &[Resource<'_>], diagnostics: &mut Diagnostics) -> BTreeMap<String, BTreeSet<String>> {
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let certificates = resources
        .iter()
        .filter(|resource| resource.kind == "AWS::CertificateManager::Certificate");
    for certificate in certificates {
        let arn = certificate.physical_id(diagnostics);
        let properties = certificate.properties(&|_| false, &mut Vec::new(), diagnostics);
        let others = properties.get("SubjectAlternativeNames").and_then(Json::as_array);
        let all = properties
            .get("DomainName")
            .into_iter()
            .chain(others.into_iter().flatten());
        let all = all.filter_map(Json::as_str).map(str::to_owned);
        if let Some(arn) = arn.as_str() {
            names.entry(arn.to_owned()).or_default().extend(all);
        }
    }
    names
}

/// Reports resources that cannot be run, and lists those that can be ignored.
fn classify_resources(resources: &[Resource<'_>], diagnostics: &mut Diagnostics) -> Vec<(String, String)> {
    let mut not_simulated = Vec::new();
    for resource in resources {
        let kind = resource.kind;
        if resource.is_nested_stack() {
            continue;
        }
        let parameter = (kind == ssm::Parameter::KIND).then(|| parameter_name(*resource, diagnostics));
        // The control plane here needs no marker: the runner updates it.
        if parameter.as_ref().is_some_and(|name| name.starts_with(REVISION_PREFIX)) {
            continue;
        }
        let is_foreign = parameter.is_some_and(|name| !name.starts_with(PARAMETER_PREFIX));
        if is_not_simulated(kind) || is_foreign {
            not_simulated.push((resource.qualified_id(), kind.to_owned()));
        } else if is_unsupported(kind) {
            diagnostics.add(
                format!("{}.Type", resource.path()),
                format!(
                    "`{kind}` is not supported locally; supported are {}",
                    supported_types_like(kind).join(", ")
                ),
            );
        }
    }
    not_simulated
}

/// Groups resources by service prefix if there are more than ten: a VPC alone would fill a screen.
fn group_by_service(resources: Vec<(String, String)>) -> Vec<(String, String)> {
    /// Up to this many resources are listed one by one.
    const MOST: usize = 10;
    /// Names per group; the rest is counted.
    const MOST_NAMES: usize = 5;
    if resources.len() <= MOST {
        return resources;
    }
    let mut parts: Vec<(String, Vec<String>, BTreeSet<String>)> = Vec::new();
    for (name, kind) in resources {
        let part = kind
            .rsplit_once("::")
            .map_or(kind.as_str(), |(part, _)| part)
            .to_owned();
        match parts.iter_mut().find(|(known, ..)| *known == part) {
            Some((_, names, kinds)) => {
                names.push(name);
                kinds.insert(kind);
            }
            None => parts.push((part, vec![name], BTreeSet::from([kind]))),
        }
    }
    let lines = parts.into_iter().map(|(part, mut names, kinds)| {
        let more = names.len().saturating_sub(MOST_NAMES);
        names.truncate(MOST_NAMES);
        let names = names.join(", ");
        let names = match more {
            0 => names,
            more => format!("{names} and {more} more"),
        };
        let mut kinds = kinds.into_iter();
        (names, kinds.next().filter(|_| kinds.next().is_none()).unwrap_or(part))
    });
    lines.collect()
}

fn parameter_name(parameter: Resource<'_>, diagnostics: &mut Diagnostics) -> String {
    parameter.text("Name", diagnostics).unwrap_or_default()
}

/// Adds a diagnostic unless it follows from an earlier one, for the same path or a path that contains it.
fn report(diagnostics: &mut Diagnostics, path: impl Into<String>, message: impl Into<String>) {
    let path = path.into();
    if !diagnostics.iter().any(|reported| is_part_of(&path, &reported.path)) {
        diagnostics.add(path, message);
    }
}

/// Removes duplicates, since every reference to a resource, and every service of a task definition, reports its errors
/// again; and replaces errors that follow from a value that only AWS knows by one that names it. Secrets are removed.
fn explain(diagnostics: &Diagnostics, assumptions: &[Assumption], environment: &StackEnvironment) -> Diagnostics {
    let mut once = Diagnostics::new();
    for Diagnostic { path, message } in diagnostics.iter() {
        let unknown = assumptions.iter().find(|assumption| is_part_of(path, &assumption.path));
        let diagnostic = Diagnostic {
            path: unknown.map_or_else(|| path.clone(), |unknown| unknown.path.clone()),
            message: unknown.map_or_else(|| environment.values.redacted(message), Assumption::error),
        };
        if !once.iter().any(|reported| *reported == diagnostic) {
            once.add(diagnostic.path, diagnostic.message);
        }
    }
    once
}

#[cfg(test)]
mod tests;
