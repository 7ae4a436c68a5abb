//! The view of a stack that a construct has while it is added.

use cfn::{Output, Parameter, Resource};
use mesh_model::app_mesh::ResourcePath;
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::{LogicalId, Stack, logical_id};

/// Ids of a construct that is being added, and access to the stack.
#[derive(Debug)]
pub struct Scope<'a> {
    stack: &'a mut Stack,
    given_id: String,
    stem: String,
    kind: &'static str,
}

impl<'a> Scope<'a> {
    pub(super) fn new(stack: &'a mut Stack, given_id: &str, kind: &'static str) -> Self {
        let id = logical_id::capitalised(given_id).unwrap_or_else(|| {
            stack.diagnostics.add(
                format!("Resources.{given_id}"),
                "is not a valid id; allowed are 1 to 200 ASCII letters and digits, with - _ . or spaces between words",
            );
            given_id.chars().filter(char::is_ascii_alphanumeric).collect()
        });
        Self {
            given_id: given_id.to_owned(),
            stem: logical_id::stem(&id, kind).to_owned(),
            kind,
            stack,
        }
    }

    /// The logical id of the construct itself, such as `GreenService`.
    #[must_use]
    pub fn logical_id(&self) -> LogicalId {
        self.part(self.kind)
    }

    /// The logical id of another resource of the construct, such as `GreenTaskDefinition`.
    #[must_use]
    pub fn part(&self, name: &str) -> LogicalId {
        LogicalId {
            stack: self.stack.name.clone(),
            id: format!("{}{name}", self.stem),
        }
    }

    /// The logical id of something that the stack contains once for all constructs: a parameter such as
    /// `AllowedCidr`.
    #[must_use]
    pub fn shared(&self, name: &str) -> LogicalId {
        LogicalId {
            stack: self.stack.name.clone(),
            id: name.to_owned(),
        }
    }

    /// The id under which the construct is added, as given.
    #[must_use]
    pub fn given_id(&self) -> &str {
        &self.given_id
    }

    /// Adds a resource.
    pub fn add_resource(&mut self, id: &LogicalId, resource: Resource) {
        if self.claim(id) {
            self.stack.template.resources.insert(id.id.clone(), resource);
        }
    }

    /// Adds a parameter. Parameters and resources share their ids, because `Ref` refers to both.
    pub fn add_parameter(&mut self, id: &LogicalId, parameter: Parameter) {
        if self.claim(id) {
            self.stack.template.parameters.insert(id.id.clone(), parameter);
        }
    }

    /// Adds a parameter that several constructs share, unless it was added before.
    pub fn share_parameter(&mut self, id: &LogicalId, parameter: Parameter) {
        if self.stack.template.parameters.get(&id.id) != Some(&parameter) {
            self.add_parameter(id, parameter);
        }
    }

    /// Adds a condition that several constructs share, unless it was added before. Conditions have their own ids.
    pub fn share_condition(&mut self, id: &LogicalId, condition: Json) {
        let conditions = &mut self.stack.template.conditions;
        let is_other = conditions.get(&id.id).is_some_and(|existing| *existing != condition);
        conditions.entry(&id.id).or_insert(condition);
        if is_other {
            let message = format!("exists already, but `{}` needs a different one", self.given_id);
            self.diagnostics().add(format!("Conditions.{id}"), message);
        }
    }

    /// Adds a resource of a mesh, to which others can refer by its path.
    pub fn add_mesh_resource(&mut self, id: &LogicalId, path: &ResourcePath, resource: Resource) {
        self.stack.mesh_resources.insert(path.clone(), id.id.clone());
        self.add_resource(id, resource);
    }

    /// The logical id of the mesh resource with this path.
    #[must_use]
    pub fn mesh_resource(&self, path: &ResourcePath) -> Option<&str> {
        self.stack.mesh_resources.get(path).map(String::as_str)
    }

    /// Adds an output. Outputs have their own ids, which may equal those of resources.
    pub fn add_output(&mut self, id: &LogicalId, output: Output) {
        if self.stack.template.outputs.insert(id.id.clone(), output).is_some() {
            self.diagnostics()
                .add(format!("Outputs.{id}"), "exists already; ids are unique in a stack");
        }
    }

    /// Records that the construct refers to a handle, which may be of another stack of the same app: that stack is deployed
    /// first. `path` is where it refers to it.
    pub fn refer_to(&mut self, handle: &LogicalId, path: &str) {
        if handle.stack != self.stack.name {
            self.stack.foreign_handles.push((handle.clone(), path.to_owned()));
        }
    }

    /// The collector of errors.
    pub fn diagnostics(&mut self) -> &mut Diagnostics {
        &mut self.stack.diagnostics
    }

    /// True if the id was not in use.
    fn claim(&mut self, id: &LogicalId) -> bool {
        let Some(owner) = self.stack.given_ids.get(&id.id) else {
            self.stack.given_ids.insert(id.id.clone(), self.given_id.clone());
            return true;
        };
        let message = format!(
            "is created by `{}`, but `{owner}` created it already; ids are unique in a stack",
            self.given_id
        );
        self.diagnostics().add(format!("Resources.{id}"), message);
        false
    }
}
