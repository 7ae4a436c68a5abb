//! Reads evaluated resources into CloudFormation types.

use mesh_infra::cfn::{self, ResourceType};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::{properties, report};
use crate::evaluate::Resource;

/// Reads evaluated resources, and reports what cannot be read.
pub(super) struct Reader<'s, 'p> {
    resources: &'p [Resource<'s>],
    pub(super) diagnostics: &'p mut Diagnostics,
    not_simulated: Vec<(String, String)>,
}

impl<'s, 'p> Reader<'s, 'p> {
    pub(super) fn new(resources: &'p [Resource<'s>], diagnostics: &'p mut Diagnostics) -> Self {
        Self {
            resources,
            diagnostics,
            not_simulated: Vec::new(),
        }
    }

    /// All resources, in template order.
    pub(super) fn resources(&self) -> &'p [Resource<'s>] {
        self.resources
    }

    /// All resources of one type.
    pub(super) fn all_of(&self, kind: &'static str) -> impl Iterator<Item = Resource<'s>> + use<'s, 'p> {
        let resources = self.resources;
        resources.iter().copied().filter(move |resource| resource.kind == kind)
    }

    /// A resource's evaluated properties with validated names, and their path.
    pub(super) fn properties(&mut self, resource: Resource<'_>) -> (Json, String) {
        let path = format!("{}.Properties", resource.path());
        let mut properties = resource.properties(self.diagnostics);
        for property in properties::check_names(resource.kind, &mut properties, &path, self.diagnostics) {
            self.mark_not_simulated(property, "property");
        }
        (properties, path)
    }

    /// Reads a resource. Reports invalid properties and leaves them unknown. `None` if nothing can be read.
    pub(super) fn read<T: ResourceType>(&mut self, resource: Resource<'_>) -> Option<T> {
        let (properties, path) = self.properties(resource);
        let (read, errors) = cfn::read_all(&properties);
        self.report_all(errors, &path);
        read
    }

    /// Reports read errors, except those of unknown values, which were reported by their evaluation.
    pub(super) fn report_all(&mut self, errors: Vec<cfn::ReadError>, path: &str) {
        for error in errors.into_iter().filter(|error| !error.is_unresolved()) {
            let diagnostic = error.into_diagnostic(path);
            report(self.diagnostics, diagnostic.path, diagnostic.message);
        }
    }

    /// The resource's `Ref` value.
    pub(super) fn physical_id(&mut self, resource: Resource<'_>) -> String {
        string(&resource.physical_id(self.diagnostics))
    }

    /// The resource's value for `Fn::GetAtt`.
    pub(super) fn attribute(&mut self, resource: Resource<'_>, attribute: &str) -> String {
        string(&resource.attribute(attribute, self.diagnostics))
    }

    /// Lists something as not simulated: a `property`, or a `container`.
    pub(super) fn mark_not_simulated(&mut self, path: String, what: &str) {
        self.not_simulated.push((path, what.to_owned()));
    }

    /// What was read and is not simulated.
    pub(super) fn into_not_simulated(self) -> Vec<(String, String)> {
        self.not_simulated
    }
}

fn string(json: &Json) -> String {
    json.as_str().map(str::to_owned).unwrap_or_default()
}
