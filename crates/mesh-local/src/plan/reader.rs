//! Resources as they are once their functions are evaluated.

use mesh_infra::cfn::{self, ResourceType};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::{properties, report};
use crate::evaluate::Resource;

/// Reads evaluated resources, and notes what cannot be read.
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

    /// The resources that are there, in order.
    pub(super) fn resources(&self) -> &'p [Resource<'s>] {
        self.resources
    }

    /// Those of one type.
    pub(super) fn all_of(&self, kind: &'static str) -> impl Iterator<Item = Resource<'s>> + use<'s, 'p> {
        let resources = self.resources;
        resources.iter().copied().filter(move |resource| resource.kind == kind)
    }

    /// A resource's evaluated properties, with the names in them sorted out, and where they stand.
    pub(super) fn properties(&mut self, resource: Resource<'_>) -> (Json, String) {
        let path = format!("{}.Properties", resource.path());
        let mut properties = resource.properties(self.diagnostics);
        for property in properties::sort_out(resource.kind, &mut properties, &path, self.diagnostics) {
            self.mark_not_simulated(property, "property");
        }
        (properties, path)
    }

    /// A resource, with everything that does not fit noted and late in it. `None` if nothing of it fits.
    pub(super) fn read<T: ResourceType>(&mut self, resource: Resource<'_>) -> Option<T> {
        let (properties, path) = self.properties(resource);
        let (read, errors) = cfn::read_all(&properties);
        self.report_all(errors, &path);
        read
    }

    /// Notes what could not be read. What is late was reported when it was evaluated.
    pub(super) fn report_all(&mut self, errors: Vec<cfn::ReadError>, path: &str) {
        for error in errors.into_iter().filter(|error| !error.is_unresolved()) {
            let diagnostic = error.into_diagnostic(path);
            report(self.diagnostics, diagnostic.path, diagnostic.message);
        }
    }

    /// What the resource answers to `Ref`.
    pub(super) fn physical_id(&mut self, resource: Resource<'_>) -> String {
        string(&resource.physical_id(self.diagnostics))
    }

    /// What the resource answers to `Fn::GetAtt`.
    pub(super) fn attribute(&mut self, resource: Resource<'_>, attribute: &str) -> String {
        string(&resource.attribute(attribute, self.diagnostics))
    }

    /// Lists something as not simulated: a `property`, or a `container`.
    pub(super) fn mark_not_simulated(&mut self, path: String, what: &str) {
        self.not_simulated.push((path, what.to_owned()));
    }

    /// What is not simulated of the resources that were read.
    pub(super) fn into_not_simulated(self) -> Vec<(String, String)> {
        self.not_simulated
    }
}

fn string(json: &Json) -> String {
    json.as_str().map(str::to_owned).unwrap_or_default()
}
