//! What templates ask this machine to run: services, their tasks' containers, and the namespaces and meshes they share.
//! Pure; every mistake in the templates is found here, before anything is started.

mod cloud_map;
mod container;
mod envoy;
mod health_check;
mod interception;
mod labels;
mod limits;
mod lookup;
mod meshes;
mod namespaces;
mod order;
mod parts;
mod properties;
mod reader;
mod service;
mod stub;
mod task_definition;

use std::collections::{BTreeMap, BTreeSet};

use mesh_infra::cfn::{ResourceType, ecs, is_part_of, ssm};
use mesh_model::app_mesh::resource_path::PARAMETER_PREFIX;
use mesh_model::app_mesh::{Kind, Topology};
use mesh_model::namespace::Namespace;
use mesh_model::service_connect::ServiceConnectConfiguration;
use sidecar_contract::{Diagnostics, ValidationErrors};

pub use self::interception::Interception;
pub use self::parts::{
    CloudMapService, Condition, ContainerPlan, HealthCheckPlan, Membership, MeshNode, PortPlan, RegistryPlan,
    ServicePlan,
};
use self::reader::Reader;
use crate::evaluate::{Resource, Stacks, is_not_simulated, is_unsupported, supported_types_like};
use crate::image::Images;
use crate::network::Network;
use crate::stack_input::StackInput;

/// What templates ask this machine to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The Service Connect namespaces that services take part in, with all that can be called in them.
    pub namespaces: Vec<Namespace>,
    /// The meshes of App Mesh, by name.
    pub meshes: BTreeMap<String, Topology>,
    /// The Cloud Map services that there are, whether or not tasks register in them.
    pub cloud_map: Vec<CloudMapService>,
    /// The services, in the templates' order.
    pub services: Vec<ServicePlan>,
    /// What the templates also have and what means nothing on one machine: logical ids with their type; where there
    /// are many, those of one part of AWS together, with that part, `AWS::EC2` for instance. Then the paths of properties, containers and variables of Envoy with one of these words. Where there are several
    /// stacks, the name of the stack and a slash come first.
    pub not_simulated: Vec<(String, String)>,
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
    /// Reads templates as stacks, with their parameters and these images.
    ///
    /// # Errors
    ///
    /// Everything that keeps them from being run here, each with its place in the template; after the stack's name
    /// and a slash if there are several.
    pub fn new(stacks: &[StackInput<'_>], images: &Images) -> Result<Self, ValidationErrors> {
        let mut diagnostics = Diagnostics::new();
        let stacks = Stacks::new(stacks, &mut diagnostics);
        let resources = stacks.resources(&mut diagnostics);
        let mut not_simulated = sort_out(&resources, &mut diagnostics);
        let mut reader = Reader::new(&resources, &mut diagnostics);
        let cloud_map = cloud_map::read(&mut reader);
        let meshes = meshes::read(&mut reader);
        let services = service::describe_all(&mut reader, &cloud_map, &meshes, images);
        for listed in reader.into_not_simulated() {
            // Services that share a task definition have each read it.
            if !not_simulated.contains(&listed) {
                not_simulated.push(listed);
            }
        }
        stacks.check_import_cycles(&mut diagnostics);
        limits::reject_duplicate_names(&services, &mut diagnostics);
        limits::reject_too_many_tasks(&services, &mut diagnostics);
        let namespaces = namespaces::resolve(&services, &mut diagnostics);
        deduplicate(&diagnostics).into_result(Self {
            namespaces,
            meshes: meshes.topologies,
            cloud_map: cloud_map.into_services(),
            services: services.into_iter().map(|service| service.plan).collect(),
            not_simulated,
        })
    }

    /// What means nothing on one machine whose tasks are in such a network: [`Plan::not_simulated`], and where nothing is
    /// redirected, or not for a virtual gateway, what the template says of that.
    #[must_use]
    pub fn not_simulated_in(&self, network: Network) -> Vec<(String, String)> {
        let members = self.services.iter().filter_map(|service| match &service.membership {
            Membership::Mesh(member) => Some(member.as_ref()),
            Membership::Namespace(_) | Membership::None => None,
        });
        let nothing_is_redirected =
            |member: &&MeshNode| network == Network::Shared || member.path.kind == Kind::VirtualGateway;
        let interceptions = members
            .filter(nothing_is_redirected)
            .filter_map(|member| member.interception.as_ref());
        let mut all = self.not_simulated.clone();
        for interception in interceptions {
            let listed = (interception.path.clone(), "property".to_owned());
            // Services may share a task definition.
            if !all.contains(&listed) {
                all.push(listed);
            }
        }
        all
    }

    /// The same plan, if there is anything to run.
    ///
    /// # Errors
    ///
    /// If there is no service: the templates have at most a mesh, which can be looked at and not run.
    pub fn with_services(self) -> Result<Self, ValidationErrors> {
        let mut diagnostics = Diagnostics::new();
        if self.services.is_empty() {
            diagnostics.add("Resources", "there is no AWS::ECS::Service to run");
        }
        diagnostics.into_result(self)
    }

    /// The names of the images that the templates' containers run. `None` if one of them cannot be evaluated.
    #[must_use]
    pub fn image_names(stacks: &[StackInput<'_>]) -> Option<BTreeSet<String>> {
        let mut reported_by_new = Diagnostics::new();
        let stacks = Stacks::new(stacks, &mut reported_by_new);
        let mut names = BTreeSet::new();
        for resource in stacks.resources(&mut reported_by_new) {
            if resource.kind == ecs::TaskDefinition::KIND {
                let properties = resource.properties(&mut reported_by_new);
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
fn sort_out(resources: &[Resource<'_>], diagnostics: &mut Diagnostics) -> Vec<(String, String)> {
    let mut not_simulated = Vec::new();
    for resource in resources {
        let kind = resource.kind;
        if is_not_simulated(kind) || is_foreign_parameter(*resource, diagnostics) {
            not_simulated.push((resource.qualified_id(), kind.to_owned()));
        } else if is_unsupported(kind) {
            diagnostics.add(
                format!("{}.Type", resource.path()),
                format!(
                    "`{kind}` cannot be run here; what can is {}",
                    supported_types_like(kind).join(", ")
                ),
            );
        }
    }
    gathered(not_simulated)
}

/// The same resources, those of one part of AWS together if there are many: a network alone would fill a screen.
fn gathered(resources: Vec<(String, String)>) -> Vec<(String, String)> {
    /// As many are read one by one.
    const MOST: usize = 10;
    /// As many names fit into a line.
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

/// Whether this is a parameter that holds no resource of a mesh.
fn is_foreign_parameter(resource: Resource<'_>, diagnostics: &mut Diagnostics) -> bool {
    let mut name = || resource.text("Name", diagnostics).unwrap_or_default();
    resource.kind == ssm::Parameter::KIND && !name().starts_with(PARAMETER_PREFIX)
}

/// Notes a problem, unless it follows from one that was noted: of the same place, or of a place that it is part of.
fn report(diagnostics: &mut Diagnostics, path: impl Into<String>, message: impl Into<String>) {
    let path = path.into();
    if !diagnostics.iter().any(|noted| is_part_of(&path, &noted.path)) {
        diagnostics.add(path, message);
    }
}

/// The same mistake is found again by each that refers to it, and by each service that shares a task definition.
fn deduplicate(diagnostics: &Diagnostics) -> Diagnostics {
    let mut once = Diagnostics::new();
    for diagnostic in diagnostics.iter() {
        if !once.iter().any(|noted| noted == diagnostic) {
            once.add(diagnostic.path.clone(), diagnostic.message.clone());
        }
    }
    once
}

#[cfg(test)]
mod tests;
