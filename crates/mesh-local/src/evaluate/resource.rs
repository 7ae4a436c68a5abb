//! One resource of one stack, for whoever reads it: where it stands, what it says, what it answers.

use mesh_infra::cfn::appmesh::kind_of;
use mesh_model::app_mesh::ResourcePath;
use serde_json::{Map, Value as Json};
use sidecar_contract::Diagnostics;

use super::{Evaluation, Progress};

/// A resource that one of the stacks has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resource<'s> {
    pub(super) stack: Evaluation<'s>,
    /// Its logical id.
    pub(crate) id: &'s str,
    /// Its type.
    pub(crate) kind: &'s str,
}

impl<'s> Resource<'s> {
    /// Where it stands: `Resources.Blue`, after the stack's name if there are several.
    pub(crate) fn place(self) -> String {
        self.stack.place(self.id)
    }

    /// Its logical id, after the stack's name if there are several.
    pub(crate) fn name(self) -> String {
        format!("{}{}", self.stack.stack().prefix, self.id)
    }

    /// Its properties with every function evaluated. Where one cannot be, a problem is noted and the value is
    /// [`unknown`](mesh_infra::cfn::unknown). What is made of an unknown value is unknown, too, and no problem of its own.
    pub(crate) fn properties(self, diagnostics: &mut Diagnostics) -> Json {
        let Some(resource) = self.stack.stack().template.resources.get(self.id) else {
            return Json::Null;
        };
        let path = format!("{}.Properties", self.place());
        self.stack
            .value(&resource.properties, &path, &mut Progress::new(diagnostics))
            .unwrap_or(Json::Object(Map::new()))
    }

    /// One of its properties as a text. `None` if it is not known, or not given.
    pub(crate) fn text(self, property: &str, diagnostics: &mut Diagnostics) -> Option<String> {
        let mut progress = Progress::new(diagnostics);
        self.stack.property(self.id, property, &self.place(), &mut progress)
    }

    /// Whether the template gives it this property.
    pub(crate) fn says(self, property: &str) -> bool {
        let resource = self.stack.stack().template.resources.get(self.id);
        resource.is_some_and(|resource| resource.properties.get(property).is_some())
    }

    /// What it answers to `Ref`.
    pub(crate) fn physical_id(self, diagnostics: &mut Diagnostics) -> Json {
        self.stack
            .reference(self.id, &self.place(), &mut Progress::new(diagnostics))
    }

    /// What it answers to `Fn::GetAtt`.
    pub(crate) fn attribute(self, attribute: &str, diagnostics: &mut Diagnostics) -> Json {
        self.stack
            .attribute(self.id, attribute, &self.place(), &mut Progress::new(diagnostics))
    }

    /// Which resource of which mesh it is, by its type and names. `None` for one that is not App Mesh's.
    pub(crate) fn mesh_path(self, diagnostics: &mut Diagnostics) -> Option<ResourcePath> {
        let kind = kind_of(self.kind)?;
        let mut progress = Progress::new(diagnostics);
        Some(self.stack.mesh_path(self.id, kind, &self.place(), &mut progress))
    }
}
