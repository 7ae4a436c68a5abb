//! What a construct sees of the stack it is added to.

use cfn::{Output, Parameter, Resource};
use mesh_model::app_mesh::ResourcePath;
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::{LogicalId, Stack, logical_id};

/// A construct's place in a stack: its ids, and the way in for its resources.
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
                "is no id; allowed are 1 to 200 ASCII letters and digits, with - _ . or spaces between words",
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

    /// The logical id of something the construct brings with it, such as `GreenTaskDefinition`.
    #[must_use]
    pub fn part(&self, name: &str) -> LogicalId {
        LogicalId {
            stack: self.stack.name.clone(),
            id: format!("{}{name}", self.stem),
        }
    }

    /// The logical id of something that the whole stack has once, whoever asks for it: a parameter such as
    /// `AllowedCidr`.
    #[must_use]
    pub fn shared(&self, name: &str) -> LogicalId {
        LogicalId {
            stack: self.stack.name.clone(),
            id: name.to_owned(),
        }
    }

    /// The id under which the construct is added, as it was given.
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

    /// Adds a parameter. Parameters and resources share their ids, since `Ref` names both.
    pub fn add_parameter(&mut self, id: &LogicalId, parameter: Parameter) {
        if self.claim(id) {
            self.stack.template.parameters.insert(id.id.clone(), parameter);
        }
    }

    /// Adds a parameter that several constructs ask for, unless one of them did already.
    pub fn share_parameter(&mut self, id: &LogicalId, parameter: Parameter) {
        if self.stack.template.parameters.get(&id.id) != Some(&parameter) {
            self.add_parameter(id, parameter);
        }
    }

    /// Adds a condition that several constructs ask for, unless one of them did already. Conditions have ids of their
    /// own.
    pub fn share_condition(&mut self, id: &LogicalId, condition: Json) {
        let conditions = &mut self.stack.template.conditions;
        let is_other = conditions.get(&id.id).is_some_and(|there| *there != condition);
        conditions.entry(&id.id).or_insert(condition);
        if is_other {
            let message = format!(
                "is there already, and `{}` needs another one of this name",
                self.given_id
            );
            self.diagnostics().add(format!("Conditions.{id}"), message);
        }
    }

    /// Adds a resource of a mesh, which others may name.
    pub fn add_mesh_resource(&mut self, id: &LogicalId, path: &ResourcePath, resource: Resource) {
        self.stack.mesh_resources.insert(path.clone(), id.id.clone());
        self.add_resource(id, resource);
    }

    /// The logical id of the resource of a mesh that was added with this path.
    #[must_use]
    pub fn mesh_resource(&self, path: &ResourcePath) -> Option<&str> {
        self.stack.mesh_resources.get(path).map(String::as_str)
    }

    /// Adds an output. Outputs have ids of their own: one may be named as a resource is.
    pub fn add_output(&mut self, id: &LogicalId, output: Output) {
        if self.stack.template.outputs.insert(id.id.clone(), output).is_some() {
            self.diagnostics().add(
                format!("Outputs.{id}"),
                "is there already; an id is unique in its stack",
            );
        }
    }

    /// Notes that a handle of another stack was used, where one was. Such a handle would point at whatever has
    /// the same logical id here, or at nothing.
    pub fn expect_own(&mut self, handle: &LogicalId, path: &str) {
        if handle.stack != self.stack.name {
            let message = format!(
                "refers to `{handle}` of stack `{}`; a handle is good for its own stack only",
                handle.stack
            );
            self.diagnostics().add(path, message);
        }
    }

    /// Where a construct notes what is wrong with it.
    pub fn diagnostics(&mut self) -> &mut Diagnostics {
        &mut self.stack.diagnostics
    }

    /// True if the id was free.
    fn claim(&mut self, id: &LogicalId) -> bool {
        let Some(owner) = self.stack.given_ids.get(&id.id) else {
            self.stack.given_ids.insert(id.id.clone(), self.given_id.clone());
            return true;
        };
        let message = format!(
            "is what `{}` makes, and `{owner}` made it already; an id is unique in its stack",
            self.given_id
        );
        self.diagnostics().add(format!("Resources.{id}"), message);
        false
    }
}
