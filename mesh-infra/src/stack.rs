//! A stack under construction: constructs go in, typed handles come out, a judged template is the result.
//!
//! Nothing here fails half-way. Whatever is wrong with an id, a handle or an override is noted and told by
//! [`Stack::synth`], together with everything that is wrong with the template as a whole.

mod logical_id;
mod overrides;
mod scope;

use cfn::Template;
use indexmap::IndexMap;
use mesh_model::app_mesh::ResourcePath;
use serde_json::Value as Json;
use sidecar_contract::{Diagnostics, ValidationErrors};

use crate::check::check_model;
use crate::construct::Construct;
use crate::mesh_encoding::{MeshEncoding, to_parameters};
use crate::model::TemplateModel;

pub use logical_id::LogicalId;
use overrides::Override;
pub use scope::Scope;

/// What is deployed, updated and deleted together: one CloudFormation stack.
#[derive(Debug)]
pub struct Stack {
    name: String,
    template: Template,
    /// Which given id stands behind which logical id, to name the other one when two meet.
    given_ids: IndexMap<String, String>,
    /// The logical ids of the resources of meshes, for those that refer to them by name.
    mesh_resources: IndexMap<ResourcePath, String>,
    overrides: Vec<Override>,
    diagnostics: Diagnostics,
}

impl Stack {
    /// A stack without resources.
    ///
    /// The name is CloudFormation's: 1 to 128 ASCII letters, digits and `-`, beginning with a letter (AWS
    /// CloudFormation API reference, `CreateStack`, read 2026-11-23). Anything else is told by [`Stack::synth`].
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        let mut diagnostics = Diagnostics::new();
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(allowed) || name.len() > 128 {
            diagnostics.add(
                "StackName",
                format!("is `{name}`; allowed are 1 to 128 of A-Z, a-z, 0-9 and -, beginning with a letter"),
            );
        }
        Self {
            name,
            template: Template::default(),
            given_ids: IndexMap::new(),
            mesh_resources: IndexMap::new(),
            overrides: Vec::new(),
            diagnostics,
        }
    }

    /// The same stack with a description. Default: none.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.template.description = Some(description.into());
        self
    }

    /// The stack's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds a construct under an id, and answers its handle.
    ///
    /// **Logical ids are a public contract**: CloudFormation replaces a resource whose logical id changes. They
    /// follow from the given id and the kind of construct alone, never from the order of calls: `green` and
    /// `Green` make a service `GreenService`, `GreenService` stays as it is, `blue-2` makes `Blue2Service`. What a
    /// construct brings with it is named after the same stem: `GreenTaskDefinition`.
    ///
    /// An id is made of ASCII letters and digits, with `-`, `_`, `.` or spaces between words. A bad id, one that
    /// is taken, or a handle of another stack is told by [`Stack::synth`].
    pub fn add<C: Construct>(&mut self, id: &str, construct: C) -> C::Handle {
        let mut scope = Scope::new(self, id, C::KIND);
        construct.add_to(&mut scope)
    }

    /// Sets one property of a resource to `value`, whatever the construct wrote there; `null` takes it away.
    ///
    /// The way out when a construct does not offer what CloudFormation does. `path` leads from the resource's
    /// properties, such as `NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp` or
    /// `ContainerDefinitions[0].Cpu`; objects on the way are made, items of lists must be there. Overrides are
    /// applied in order after everything was added, and what they make is checked like everything else.
    ///
    /// The resources of a mesh are changed as `AWS::AppMesh::…` in either [`MeshEncoding`]:
    /// `Spec.Listeners[0].PortMapping.Port`.
    pub fn override_property(&mut self, logical_id: &str, path: &str, value: impl Into<Json>) {
        self.overrides.push(Override::new(logical_id, path, value.into()));
    }

    /// The stack as a template, its meshes in the default form: [`MeshEncoding::Parameters`].
    ///
    /// # Errors
    ///
    /// Every problem: ids, handles and overrides that do not fit, all that [`crate::check`] finds, and what of a mesh
    /// cannot be said in parameters.
    pub fn synth(&self) -> Result<Template, ValidationErrors> {
        self.synth_as(MeshEncoding::default())
    }

    /// The stack as a template, its meshes in this form. For a stack without a mesh both are the same.
    ///
    /// # Errors
    ///
    /// As [`Stack::synth`]. Paths lead through the resources as they were described, in either form:
    /// `Resources.BlueVirtualNode.Properties.Spec.…`.
    pub fn synth_as(&self, encoding: MeshEncoding) -> Result<Template, ValidationErrors> {
        let mut diagnostics = self.diagnostics.clone();
        let mut template = self.template.clone();
        for change in &self.overrides {
            change.apply(&mut template, &mut diagnostics);
        }
        let model = TemplateModel::new(&template);
        check_model(&model, &mut diagnostics);
        let encoded = match encoding {
            MeshEncoding::Parameters => Some(to_parameters(&model, &mut diagnostics)),
            MeshEncoding::AppMesh => None,
        };
        drop(model);
        diagnostics.into_result(encoded.unwrap_or(template))
    }
}
