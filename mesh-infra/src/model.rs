//! The typed model of a template, computed once and shared by checks, diagrams and the mesh encoding.
//!
//! References between resources are followed within the template. A value that only CloudFormation can evaluate is
//! unresolved, and so is everything that depends on it.

mod dns_namespaces;
mod ecs_view;
mod mesh_names;
mod mesh_resource;
mod meshes;
mod typed_resources;

use std::collections::{BTreeMap, BTreeSet};

use cfn::{Resource, Template, Value, ecs, ssm};
use indexmap::IndexMap;
use mesh_model::app_mesh::{ResourcePath, Topology};
use sidecar_contract::Diagnostics;

use self::meshes::Meshes;
use self::typed_resources::TypedResources;

pub use self::dns_namespaces::DnsNamespace;
pub(crate) use self::ecs_view::envoy_resource_arns;
pub use self::ecs_view::{EnvoyResourceArn, Identity, ServiceView};
pub use self::mesh_names::UnknownPath;
pub(crate) use self::mesh_names::{MeshNames, ReferenceValue};
pub use self::mesh_resource::{MeshResource, SpecReading};

/// A template as typed objects: ECS services with their task definitions, Service Connect namespaces, and the meshes in
/// either [encoding](crate::MeshEncoding).
#[derive(Debug)]
pub struct TemplateModel<'t> {
    template: &'t Template,
    resources: TypedResources<'t>,
    names: MeshNames<'t>,
    mesh_resources: Vec<MeshResource<'t>>,
    meshes: Meshes,
}

impl<'t> TemplateModel<'t> {
    /// Reads a template. Reading never fails: what is wrong is part of the model.
    #[must_use]
    pub fn new(template: &'t Template) -> Self {
        let names = MeshNames::new(template);
        let mesh_resources = mesh_resource::read_all(template, &names);
        Self {
            template,
            resources: TypedResources::read(template),
            meshes: Meshes::assemble(&mesh_resources),
            names,
            mesh_resources,
        }
    }

    /// The template that was read.
    #[must_use]
    pub fn template(&self) -> &'t Template {
        self.template
    }

    /// The ECS services with readable properties, in the template's order.
    pub fn services(&self) -> impl Iterator<Item = ServiceView<'_>> {
        let services = self.resources.services.iter();
        services.map(|(id, service)| ServiceView::new(self, id, service))
    }

    /// The task definitions with readable properties, by logical id.
    #[must_use]
    pub fn task_definitions(&self) -> &IndexMap<&'t str, ecs::TaskDefinition> {
        &self.resources.task_definitions
    }

    /// The parameters of Parameter Store with readable properties, by logical id.
    #[must_use]
    pub fn ssm_parameters(&self) -> &IndexMap<&'t str, ssm::Parameter> {
        &self.resources.ssm_parameters
    }

    /// The resources of all meshes, in the template's order.
    #[must_use]
    pub fn mesh_resources(&self) -> &[MeshResource<'t>] {
        &self.mesh_resources
    }

    /// The valid meshes that the template describes completely, by name.
    #[must_use]
    pub fn topologies(&self) -> &BTreeMap<String, Topology> {
        &self.meshes.topologies
    }

    /// Whether the template describes a mesh completely: a resource that it does not contain does not exist.
    #[must_use]
    pub fn is_complete_mesh(&self, mesh: &str) -> bool {
        self.meshes.complete.contains(mesh)
    }

    /// The paths of all mesh resources with a known path.
    #[must_use]
    pub fn mesh_paths(&self) -> BTreeSet<&ResourcePath> {
        let paths = self.mesh_resources.iter().map(|resource| resource.path.as_ref());
        paths.filter_map(Result::ok).collect()
    }

    /// The resource that a value refers to, by `Ref` or by an attribute.
    #[must_use]
    pub fn referenced(&self, value: &Value<String>) -> Option<(&'t str, &'t Resource)> {
        let (Value::Ref(logical_id) | Value::GetAtt { logical_id, .. }) = value else {
            return None;
        };
        let (id, resource) = self.template.resources.get_key_value(logical_id)?;
        Some((id.as_str(), resource))
    }

    /// The private DNS namespaces and the names that register in them. `None` if the template does not contain all of
    /// them.
    #[must_use]
    pub fn dns_namespaces(&self) -> Option<Vec<DnsNamespace<'_>>> {
        dns_namespaces::read(self.template, &self.resources)
    }

    /// Errors of properties that do not fit their resource type.
    pub(crate) fn property_errors(&self) -> &Diagnostics {
        &self.resources.errors
    }

    /// Errors within and between the resources of meshes.
    pub(crate) fn mesh_errors(&self) -> &Diagnostics {
        &self.meshes.errors
    }

    /// The names of mesh resources, which references to them evaluate to.
    pub(crate) fn mesh_names(&self) -> &MeshNames<'t> {
        &self.names
    }
}
