//! Evaluates resources as the input of the model, and keeps what their evaluation found until they are used.

use std::collections::{BTreeMap, BTreeSet};

use cfn::evaluate::scalar_text;
use mesh_infra::Value;
use mesh_infra::cfn::appmesh::{kind_of, name_properties};
use mesh_infra::cfn::{ResourceType, ecs, elbv2, servicediscovery as cloud_map, ssm, unknown};
use mesh_infra::model::InputResource;
use mesh_model::app_mesh::resource_path::PARAMETER_PREFIX;
use mesh_model::app_mesh::{Kind, ResourcePath};
use serde_json::{Value as Json, json};
use sidecar_contract::Diagnostics;

use super::{environment_files, fixed_instances, properties};
use crate::evaluate::{Assumption, Resource};

/// The evaluated resources, in the order in which a plan uses them.
#[derive(Default)]
pub(super) struct Input<'s> {
    pub(super) resources: Vec<InputResource<'s>>,
    /// By path of the resource.
    pub(super) findings: BTreeMap<String, Findings>,
}

/// What the evaluation of a resource found.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) errors: Diagnostics,
    /// The paths of properties that are not simulated.
    pub(super) not_simulated: Vec<String>,
    /// Values that only AWS knows, and their stand-ins.
    pub(super) assumptions: Vec<Assumption>,
}

/// Evaluates what the plan uses. Resources without simulation are left out, and so are task definitions of no service,
/// unless a service may mean any of them.
pub(super) fn evaluate<'s>(resources: &[Resource<'s>], diagnostics: &mut Diagnostics) -> Input<'s> {
    let all_of = |kind: &'static str| resources.iter().copied().filter(move |resource| resource.kind == kind);
    let mut input = Input::default();
    for resource in all_of(cloud_map::HttpNamespace::KIND).chain(all_of(cloud_map::PrivateDnsNamespace::KIND)) {
        input.add(resource, |resource, input, errors| {
            // A namespace with an unknown name, which was reported, can still be referred to.
            let name = text(&input.properties, "Name").unwrap_or_else(|| format!("unknown-{}", resource.id));
            let references = [physical_id(resource, errors), attribute(resource, "Arn", errors)];
            input.identifiers.push(name.clone());
            input.identifiers.extend(references);
            input.name = Some(name);
        });
    }
    for resource in all_of(cloud_map::Service::KIND) {
        input.add(resource, |resource, input, errors| {
            let references = [physical_id(resource, errors), attribute(resource, "Arn", errors)];
            input.identifiers.extend(references);
            input.name = Some(attribute(resource, "Name", errors));
        });
    }
    for resource in all_of(fixed_instances::KIND) {
        input.add(resource, |_, _, _| {});
    }
    for resource in resources {
        match (kind_of(resource.kind), resource.kind) {
            (Some(kind), _) => input.add(*resource, |resource, input, errors| {
                complete_names(kind, resource, &mut input.properties, errors);
            }),
            (None, ssm::Parameter::KIND) => input.add_parameter(*resource),
            (None, _) => {}
        }
    }
    for resource in all_of(ecs::Cluster::KIND) {
        input.add(resource, |resource, input, errors| {
            let name = physical_id(resource, errors);
            input
                .identifiers
                .extend([name.clone(), attribute(resource, "Arn", errors)]);
            input.name = Some(name);
        });
    }
    for resource in all_of(elbv2::LoadBalancer::KIND) {
        input.add(resource, |resource, input, errors| {
            input.name = Some(attribute(resource, "LoadBalancerName", errors));
            let references = [physical_id(resource, errors), attribute(resource, "DNSName", errors)];
            input.identifiers.extend(references);
        });
    }
    for resource in all_of(elbv2::TargetGroup::KIND) {
        input.add(resource, |resource, input, errors| {
            input.name = Some(attribute(resource, "TargetGroupName", errors));
            input.identifiers.push(physical_id(resource, errors));
        });
    }
    for resource in all_of(elbv2::Listener::KIND) {
        input.add(resource, |resource, input, errors| {
            input.identifiers.push(physical_id(resource, errors));
        });
    }
    for resource in all_of(elbv2::ListenerRule::KIND).chain(all_of(elbv2::ListenerCertificate::KIND)) {
        input.add(resource, |_, _, _| {});
    }
    let task_definitions = all_of(ecs::TaskDefinition::KIND);
    let task_definitions: Vec<_> = task_definitions
        .map(|resource| (resource, physical_id(resource, diagnostics)))
        .collect();
    let mut used = BTreeSet::new();
    for resource in all_of(ecs::Service::KIND) {
        input.add(resource, |resource, input, errors| {
            input.name = Some(attribute(resource, "Name", errors));
            used.insert(text(&input.properties, "TaskDefinition"));
        });
    }
    let is_found = |arn: &Option<String>| task_definitions.iter().any(|(_, known)| Some(known) == arn.as_ref());
    let are_all_found = used.iter().all(is_found);
    for (resource, arn) in task_definitions {
        if !are_all_found || used.contains(&Some(arn.clone())) {
            input.add(resource, |_, input, _| {
                input.name = Some(family(&arn));
                input.identifiers.push(arn);
            });
        }
    }
    input
}

impl<'s> Input<'s> {
    /// All stand-ins, also of resources that are not used.
    pub(super) fn assumptions(&self) -> impl Iterator<Item = &Assumption> {
        self.findings.values().flat_map(|findings| &findings.assumptions)
    }

    /// Evaluates a resource; `identify` sets its name and identifiers.
    fn add(
        &mut self,
        resource: Resource<'s>,
        identify: impl FnOnce(Resource<'s>, &mut InputResource<'s>, &mut Diagnostics),
    ) {
        let path = resource.path();
        let mut findings = Findings::default();
        let is_read = |property: &str| properties::is_read(resource.kind, property);
        let mut properties = resource.properties(&is_read, &mut findings.assumptions, &mut findings.errors);
        give_secrets(&mut properties, resource);
        environment_files::give(&mut properties, resource);
        let properties_path = format!("{path}.Properties");
        findings.not_simulated =
            properties::check_names(resource.kind, &mut properties, &properties_path, &mut findings.errors);
        let mut input = InputResource::new(resource.id, resource.declared(), path.clone(), properties);
        identify(resource, &mut input, &mut findings.errors);
        self.resources.push(input);
        self.findings.insert(path, findings);
    }

    /// A parameter without a mesh resource is ignored; one with an unknown name may contain any.
    fn add_parameter(&mut self, resource: Resource<'s>) {
        // `classify_resources` reported its errors.
        let mut reported = Diagnostics::new();
        match resource.text("Name", &mut reported) {
            Some(name) if name.starts_with(PARAMETER_PREFIX) => self.add(resource, |_, _, _| {}),
            Some(_) => {}
            None if resource.is_unknown("Name", &mut reported) => {
                let properties = json!({"Name": unknown(), "Type": unknown(), "Value": unknown()});
                let input = InputResource::new(resource.id, resource.declared(), resource.path(), properties);
                self.resources.push(input);
            }
            None => {}
        }
    }
}

/// Makes variables of those secrets of containers whose values the environment has.
fn give_secrets(properties: &mut Json, resource: Resource<'_>) {
    let containers = properties.get_mut("ContainerDefinitions").and_then(Json::as_array_mut);
    for container in containers.into_iter().flatten().filter_map(Json::as_object_mut) {
        let Some(Json::Array(secrets)) = container.get_mut("Secrets") else {
            continue;
        };
        let mut given = Vec::new();
        secrets.retain(|secret| {
            let value_from = secret.get("ValueFrom").and_then(Json::as_str);
            let value = value_from.and_then(|value_from| resource.secret(value_from));
            let is_given = value.is_some();
            given.extend(value.map(|value| json!({"Name": secret.get("Name"), "Value": scalar_text(&value)})));
            !is_given
        });
        if given.is_empty() {
            continue;
        }
        if secrets.is_empty() {
            container.shift_remove("Secrets");
        }
        if let Json::Array(variables) = container.entry("Environment").or_insert_with(|| json!([])) {
            variables.extend(given);
        }
    }
}

/// Replaces ARNs in the names of an App Mesh resource by names, and sets the name that CloudFormation generates.
fn complete_names(kind: Kind, resource: Resource<'_>, properties: &mut Json, errors: &mut Diagnostics) {
    let Json::Object(properties) = properties else { return };
    let names = name_properties(kind);
    for property in names {
        let is_named_by_property = |path: &ResourcePath| name_properties(path.kind).last() == Some(property);
        let path = properties
            .get(*property)
            .and_then(Json::as_str)
            .and_then(ResourcePath::parse);
        if let Some(path) = path.filter(is_named_by_property) {
            properties.insert((*property).to_owned(), Json::from(path.name));
        }
    }
    // A virtual service has no generated name.
    if let Some(own) = names.last().filter(|_| kind != Kind::VirtualService)
        && !properties.contains_key(*own)
    {
        properties.insert((*own).to_owned(), Json::from(attribute(resource, own, errors)));
    }
}

/// A property as text, if it is known.
fn text(properties: &Json, property: &str) -> Option<String> {
    Value::<String>::from_json(properties.get(property)?)
        .ok()?
        .known()
        .cloned()
}

/// The family in a task definition's ARN.
fn family(arn: &str) -> String {
    let family = arn.rsplit('/').next().unwrap_or_default();
    family.split(':').next().unwrap_or_default().to_owned()
}

fn physical_id(resource: Resource<'_>, errors: &mut Diagnostics) -> String {
    string(&resource.physical_id(errors))
}

fn attribute(resource: Resource<'_>, attribute: &str, errors: &mut Diagnostics) -> String {
    string(&resource.attribute(attribute, errors))
}

fn string(json: &Json) -> String {
    json.as_str().map(str::to_owned).unwrap_or_default()
}
