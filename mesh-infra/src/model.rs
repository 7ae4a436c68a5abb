//! The typed model of templates, computed once and shared by checks, diagrams, the mesh encoding and local plans.
//!
//! Its input is a list of resources, evaluated as far as their values are known:
//! - for checks, diagrams and the mesh encoding, those of one template before its deployment. What only CloudFormation
//!   can evaluate is unresolved, and so is everything that depends on it;
//! - for a local plan, those of all stacks with their parameters, imports and physical ids. What is unresolved there was
//!   reported as an error.
//!
//! A reference to a resource is an expression with its logical id, or, once evaluated, one of its identifiers.

mod cloud_map;
mod ecs_view;
mod input;
mod mesh_names;
mod mesh_resource;
mod meshes;
mod typed_resources;

use std::collections::{BTreeMap, BTreeSet};

use cfn::{ResourceType, Template, Value, ecs, elbv2, ssm};
use mesh_model::app_mesh::{ResourcePath, Topology};
use sidecar_contract::{Diagnostic, Diagnostics};

use self::input::InputScope;
use self::meshes::Meshes;
use self::typed_resources::{Typed, TypedResources};

pub use self::cloud_map::{DnsNamespace, NamespaceView, namespace_id};
pub(crate) use self::ecs_view::envoy_resource_arns;
pub use self::ecs_view::{EnvoyResourceArn, Identity, NamespaceReference, ServiceView};
pub use self::input::InputResource;
pub(crate) use self::mesh_names::{MeshNames, ReferenceValue};
pub use self::mesh_resource::{MeshResource, SpecReading, UnknownName, UnknownReason};
pub use self::typed_resources::TypedResource;

/// Templates as typed objects: ECS services with their task definitions, Service Connect namespaces, and the meshes in
/// either [encoding](crate::MeshEncoding).
#[derive(Debug)]
pub struct TemplateModel<'t> {
    resources: Vec<InputResource<'t>>,
    /// Positions of resources by logical id, which several stacks may have.
    logical_ids: BTreeMap<&'t str, Vec<usize>>,
    /// Positions of resources by identifier.
    identifiers: BTreeMap<String, Vec<usize>>,
    typed: TypedResources,
    mesh_resources: Vec<MeshResource<'t>>,
    meshes: Meshes,
}

impl<'t> TemplateModel<'t> {
    /// Reads a template. Reading never fails: what is wrong is part of the model.
    #[must_use]
    pub fn new(template: &'t Template) -> Self {
        Self::with_names(template, &MeshNames::new(template))
    }

    /// Reads a template whose names of mesh resources were read before.
    pub(crate) fn with_names(template: &'t Template, names: &MeshNames<'_>) -> Self {
        let resources = template.resources.iter().map(|(id, declared)| {
            let properties = names.resolve_known(&declared.properties);
            InputResource::new(id, declared, format!("Resources.{id}"), properties)
        });
        Self::of_resources(resources.collect(), InputScope::OneTemplate)
    }

    /// Reads the evaluated resources of all stacks that belong together. Reading never fails: what is wrong is part of
    /// the model.
    #[must_use]
    pub fn of_stacks(resources: Vec<InputResource<'t>>) -> Self {
        Self::of_resources(resources, InputScope::AllStacks)
    }

    fn of_resources(resources: Vec<InputResource<'t>>, scope: InputScope) -> Self {
        let mut logical_ids: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut identifiers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (position, resource) in resources.iter().enumerate() {
            logical_ids.entry(resource.logical_id).or_default().push(position);
            for identifier in &resource.identifiers {
                identifiers.entry(identifier.clone()).or_default().push(position);
            }
        }
        let mesh_resources = mesh_resource::read_all(&resources, scope);
        Self {
            logical_ids,
            identifiers,
            typed: TypedResources::read(&resources, scope),
            meshes: Meshes::assemble(&mesh_resources, scope),
            mesh_resources,
            resources,
        }
    }

    /// The resources that were read, in the order of the stacks and their templates.
    #[must_use]
    pub fn resources(&self) -> &[InputResource<'t>] {
        &self.resources
    }

    /// The ECS services with readable properties, in the template's order.
    pub fn services(&self) -> impl Iterator<Item = ServiceView<'_>> {
        self.typed(&self.typed.services)
            .map(|service| ServiceView::new(self, service))
    }

    /// The ECS clusters with readable properties.
    pub fn clusters(&self) -> impl Iterator<Item = TypedResource<'_, ecs::Cluster>> {
        self.typed(&self.typed.clusters)
    }

    /// The task definitions with readable properties.
    pub fn task_definitions(&self) -> impl Iterator<Item = TypedResource<'_, ecs::TaskDefinition>> {
        self.typed(&self.typed.task_definitions)
    }

    /// The task definition that a value refers to, if it is in the input.
    #[must_use]
    pub fn task_definition(&self, value: &Value<String>) -> Option<TypedResource<'_, ecs::TaskDefinition>> {
        let position = self.position(value, |resource| resource.kind() == ecs::TaskDefinition::KIND)?;
        self.typed_at(&self.typed.task_definitions, position)
    }

    /// The parameters of Parameter Store with readable properties.
    pub fn ssm_parameters(&self) -> impl Iterator<Item = TypedResource<'_, ssm::Parameter>> {
        self.typed(&self.typed.ssm_parameters)
    }

    /// The load balancers with readable properties.
    pub fn load_balancers(&self) -> impl Iterator<Item = TypedResource<'_, elbv2::LoadBalancer>> {
        self.typed(&self.typed.load_balancers)
    }

    /// The listeners of load balancers with readable properties.
    pub fn listeners(&self) -> impl Iterator<Item = TypedResource<'_, elbv2::Listener>> {
        self.typed(&self.typed.listeners)
    }

    /// The rules of listeners with readable properties.
    pub fn listener_rules(&self) -> impl Iterator<Item = TypedResource<'_, elbv2::ListenerRule>> {
        self.typed(&self.typed.listener_rules)
    }

    /// The additional certificates of listeners with readable properties.
    pub fn listener_certificates(&self) -> impl Iterator<Item = TypedResource<'_, elbv2::ListenerCertificate>> {
        self.typed(&self.typed.listener_certificates)
    }

    /// The target groups with readable properties.
    pub fn target_groups(&self) -> impl Iterator<Item = TypedResource<'_, elbv2::TargetGroup>> {
        self.typed(&self.typed.target_groups)
    }

    /// The resources of all meshes, in the template's order.
    #[must_use]
    pub fn mesh_resources(&self) -> &[MeshResource<'t>] {
        &self.mesh_resources
    }

    /// The valid meshes that the input describes completely, by name.
    #[must_use]
    pub fn topologies(&self) -> &BTreeMap<String, Topology> {
        &self.meshes.topologies
    }

    /// Whether the input describes a mesh completely: a resource that it does not contain does not exist.
    #[must_use]
    pub fn is_complete_mesh(&self, mesh: &str) -> bool {
        self.meshes.is_complete_mesh(mesh)
    }

    /// The paths of all mesh resources with a known path.
    #[must_use]
    pub fn mesh_paths(&self) -> &BTreeSet<ResourcePath> {
        &self.meshes.paths
    }

    /// Whether a mesh resource does not exist. False if it may exist outside of the input, or under an unknown name.
    #[must_use]
    pub fn lacks(&self, path: &ResourcePath) -> bool {
        self.is_complete_mesh(&path.mesh) && !self.mesh_paths().contains(path)
    }

    /// The resource that a value refers to: by `Ref` or an attribute, or by an identifier.
    #[must_use]
    pub fn referenced(&self, value: &Value<String>) -> Option<&InputResource<'t>> {
        Some(&self.resources[self.position(value, |_| true)?])
    }

    /// The resource of a type that a value refers to.
    #[must_use]
    pub fn referenced_as(&self, value: &Value<String>, kind: &str) -> Option<&InputResource<'t>> {
        let position = self.position(value, |resource| resource.kind() == kind)?;
        Some(&self.resources[position])
    }

    /// Errors of properties that do not fit their resource type.
    pub fn property_errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.typed.errors.iter().map(|(_, error)| error)
    }

    /// Errors of the properties of one resource.
    pub fn property_errors_of<'m>(&'m self, resource: &InputResource<'_>) -> impl Iterator<Item = &'m Diagnostic> {
        let is_same = |position: usize| self.resources[position].path == resource.path;
        let errors = self.typed.errors.iter();
        errors
            .filter(move |(position, _)| is_same(*position))
            .map(|(_, error)| error)
    }

    /// Errors within and between the resources of meshes.
    #[must_use]
    pub fn mesh_errors(&self) -> &Diagnostics {
        &self.meshes.errors
    }

    /// The position of the resource that a value refers to. Of several with an identifier, the last one.
    fn position(&self, value: &Value<String>, is_meant: impl Fn(&InputResource<'_>) -> bool) -> Option<usize> {
        match value {
            Value::Ref(logical_id) | Value::GetAtt { logical_id, .. } => {
                let mut positions = self.logical_ids.get(logical_id.as_str())?.iter().copied();
                positions.find(|position| is_meant(&self.resources[*position]))
            }
            Value::Known(identifier) => {
                let mut positions = self.identifiers.get(identifier)?.iter().copied().rev();
                positions.find(|position| is_meant(&self.resources[*position]))
            }
            Value::Sub(_) | Value::Function { .. } => None,
        }
    }

    fn typed<'m, T>(&'m self, typed: &'m Typed<T>) -> impl Iterator<Item = TypedResource<'m, T>> {
        typed
            .iter()
            .map(|(position, value)| TypedResource::new(&self.resources[*position], value))
    }

    fn typed_at<'m, T>(&'m self, typed: &'m Typed<T>, position: usize) -> Option<TypedResource<'m, T>> {
        let value = typed.get(&position)?;
        Some(TypedResource::new(&self.resources[position], value))
    }
}

#[cfg(test)]
mod tests;
