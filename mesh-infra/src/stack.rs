//! Stacks: constructs are added, typed handles are returned, and synthesis returns a checked template.
//!
//! No step fails early. Errors of ids, handles and overrides are collected, and [`Stack::synth`] returns them
//! together with the errors of the template as a whole.

mod logical_id;
mod overrides;
mod roles;
mod scope;
mod synth;
mod tags;

use cfn::{Template, Value};
use indexmap::IndexMap;
use mesh_model::app_mesh::ResourcePath;
use serde_json::Value as Json;
use sidecar_contract::{Diagnostics, ValidationErrors};

use crate::construct::Construct;
use crate::mesh_encoding::MeshEncoding;

pub use logical_id::LogicalId;
use overrides::Override;
use roles::RoleSettings;
pub use scope::Scope;
pub(crate) use synth::synth_app;
use synth::synth_stack;

/// A CloudFormation stack: resources that are deployed, updated and deleted together.
#[derive(Debug)]
pub struct Stack {
    name: String,
    template: Template,
    /// The given id of each logical id, for errors about duplicates.
    given_ids: IndexMap<String, String>,
    /// The logical ids of mesh resources, for references by name.
    mesh_resources: IndexMap<ResourcePath, String>,
    /// Handles of other stacks, each with the path where it is used.
    foreign_handles: Vec<(LogicalId, String)>,
    overrides: Vec<Override>,
    roles: RoleSettings,
    tags: IndexMap<String, String>,
    diagnostics: Diagnostics,
}

impl Stack {
    /// A stack without resources.
    ///
    /// The name follows CloudFormation's rules: 1 to 128 ASCII letters, digits and `-`, beginning with a letter (AWS
    /// CloudFormation API reference, `CreateStack`, read 2026-11-23). [`Stack::synth`] reports other names.
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
            foreign_handles: Vec::new(),
            overrides: Vec::new(),
            roles: RoleSettings::default(),
            tags: IndexMap::new(),
            diagnostics,
        }
    }

    /// Sets the description. Default: none.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.template.description = Some(description.into());
        self
    }

    /// Limits the permissions of every role in the stack by a managed policy, given by its ARN; many companies require
    /// one of each role that a deployment creates. A role that has a boundary keeps it. Default: none.
    ///
    /// A boundary allows nothing by itself: it must include the permissions of the roles.
    #[must_use]
    pub fn with_permission_boundary(mut self, arn: impl Into<Value<String>>) -> Self {
        self.roles.boundary = Some(arn.into());
        self
    }

    /// Sets the path of every role in the stack, such as `/mesh/`, which a deployer's policy can match. A role that has
    /// a path keeps it. Default, decided by IAM: `/`. A change replaces the roles; if they have names
    /// ([`Stack::with_role_name_prefix`]), it needs another prefix, because IAM's names are unique across paths.
    #[must_use]
    pub fn with_role_path(mut self, path: impl Into<String>) -> Self {
        self.roles.path = Some(path.into());
        self
    }

    /// Names every role in the stack: the prefix, the logical id and eight digits of the stack's id, such as
    /// `mesh-BlueExecutionRole-1a2b3c4d`. The digits are there because names of roles are unique in an account, in all its
    /// regions. A role that has a name keeps it. Default, decided by CloudFormation: stack name, logical id and a random
    /// part.
    ///
    /// A stack that names roles needs the capability `CAPABILITY_NAMED_IAM`; `deploy` sets it.
    #[must_use]
    pub fn with_role_name_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.roles.name_prefix = Some(prefix.into());
        self
    }

    /// Adds a tag to all resources that can be tagged, and to the tasks of its services, which get the tags of their
    /// service (`PropagateTags`) and ECS's own (`EnableECSManagedTags`). A resource that has a tag with the same key keeps
    /// it; a later value replaces an earlier one. At most 50.
    ///
    /// Tags are in the template, decided by us, and not tags of the stack, which CloudFormation would pass on: a template
    /// has everything, whatever deploys it, and a difference shows them. Types whose resources would be replaced by a new
    /// tag, and types without tags, such as routes, are left as they are.
    ///
    /// Deploying tags needs permissions such as `iam:TagRole` and `ecs:TagResource`.
    #[must_use]
    pub fn with_tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }

    /// The stack's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds a construct under an id, and returns its handle.
    ///
    /// **Logical ids are a public contract**: CloudFormation replaces a resource whose logical id changes. They
    /// depend only on the given id and the kind of construct, never on the order of calls: `green` and `Green` make a
    /// service `GreenService`, `GreenService` stays as it is, `blue-2` makes `Blue2Service`. Other resources of a
    /// construct have the same stem: `GreenTaskDefinition`.
    ///
    /// An id consists of ASCII letters and digits, with `-`, `_`, `.` or spaces between words. [`Stack::synth`]
    /// reports an invalid id and a duplicate one.
    ///
    /// A construct may use handles of another stack, if both are added to one [`App`](crate::App).
    pub fn add<C: Construct>(&mut self, id: &str, construct: C) -> C::Handle {
        let mut scope = Scope::new(self, id, C::KIND);
        construct.add_to(&mut scope)
    }

    /// Sets one property of a resource to `value`, whatever the construct wrote there; `null` removes it.
    ///
    /// For CloudFormation properties that a construct does not offer. `path` starts at the resource's properties,
    /// such as `NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp` or `ContainerDefinitions[0].Cpu`; missing
    /// objects are created, items of lists must exist. Overrides are applied in order after all constructs were
    /// added, and the result is checked.
    ///
    /// Overrides apply to the `AWS::AppMesh::…` form of mesh resources in either [`MeshEncoding`]:
    /// `Spec.Listeners[0].PortMapping.Port`.
    pub fn override_property(&mut self, logical_id: &str, path: &str, value: impl Into<Json>) {
        self.overrides.push(Override::new(logical_id, path, value.into()));
    }

    /// Synthesizes the template, with meshes in the default encoding, [`MeshEncoding::Parameters`].
    ///
    /// # Errors
    ///
    /// All errors: invalid ids and overrides, handles of other stacks ([`App::synth`](crate::App::synth) resolves them), all
    /// that [`crate::check`] finds, parts of a mesh that parameters do not support, and CloudFormation's quotas for a stack.
    pub fn synth(&self) -> Result<Template, ValidationErrors> {
        self.synth_as(MeshEncoding::default())
    }

    /// Synthesizes the template, with meshes in this encoding. For a stack without a mesh, both are the same.
    ///
    /// # Errors
    ///
    /// As [`Stack::synth`]. In either encoding, paths refer to the resources as the constructs wrote them:
    /// `Resources.BlueVirtualNode.Properties.Spec.…`.
    pub fn synth_as(&self, encoding: MeshEncoding) -> Result<Template, ValidationErrors> {
        synth_stack(self, encoding)
    }

    /// The template as it is described, with overrides. References of handles have the stack's name.
    fn declared(&self, diagnostics: &mut Diagnostics) -> Template {
        diagnostics.extend(self.diagnostics.clone());
        let mut template = self.template.clone();
        self.roles.apply(&mut template, diagnostics);
        tags::check(&self.tags, diagnostics);
        tags::propagate(&self.tags, &mut template);
        for change in &self.overrides {
            change.apply(&mut template, diagnostics);
        }
        template
    }

    /// Handles of other stacks, each with the path where it is used.
    fn foreign_handles(&self) -> &[(LogicalId, String)] {
        &self.foreign_handles
    }
}
