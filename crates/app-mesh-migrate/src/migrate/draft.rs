//! A migration in progress.

use std::collections::BTreeSet;

use cfn::{ResourceType as _, Template, ssm};
use mesh_model::app_mesh::resource_path::REVISION_PREFIX;
use sidecar_contract::Diagnostics;

use super::changes::{ChangeKind, Changes};
use super::stacks::Stacks;

/// The templates being changed, and what was found.
pub(crate) struct Draft<'s> {
    pub(crate) stacks: &'s Stacks<'s>,
    /// In the order of the stacks.
    pub(crate) templates: Vec<Template>,
    pub(crate) changes: Changes,
    pub(crate) diagnostics: Diagnostics,
    /// Parameters that a deployment can no longer set, with the index of their stack.
    fixed: BTreeSet<(usize, String)>,
    /// The logical ids of the parameters with mesh resources, whose changes have the id of the resource.
    pub(crate) parameters: BTreeSet<(usize, String)>,
}

impl<'s> Draft<'s> {
    pub(crate) fn new(stacks: &'s Stacks<'s>, diagnostics: Diagnostics) -> Self {
        let templates = stacks.sources().iter().map(|source| source.template.clone());
        Self {
            stacks,
            templates: templates.collect(),
            changes: Changes::default(),
            diagnostics,
            fixed: BTreeSet::new(),
            parameters: BTreeSet::new(),
        }
    }

    /// The name of a stack.
    pub(crate) fn name(&self, stack: usize) -> &'s str {
        &self.stacks.sources()[stack].name
    }

    /// Records parameters whose present value became part of the result.
    pub(crate) fn fix(&mut self, stack: usize, parameters: BTreeSet<String>) {
        self.fixed
            .extend(parameters.into_iter().map(|parameter| (stack, parameter)));
    }

    /// Adds a change for each difference that has none: resources of a control plane, references, orders of creation.
    pub(crate) fn complete_changes(&mut self) {
        for (stack, source) in self.stacks.sources().iter().enumerate() {
            let (stack_name, before, after) = (self.name(stack), &source.template, &self.templates[stack]);
            let changes = &mut self.changes;
            let is_listed = |changes: &Changes, id: &str| {
                changes
                    .0
                    .iter()
                    .any(|change| change.stack == stack_name && change.logical_id == id)
            };
            for (id, resource) in &after.resources {
                let target = (stack_name, id.as_str(), resource.kind.as_str());
                match before.resources.get(id) {
                    _ if is_listed(changes, id) => {}
                    None if self.parameters.contains(&(stack, id.clone())) => {}
                    None if resource.kind == ssm::Parameter::KIND
                        && resource.properties.to_string().contains(REVISION_PREFIX) =>
                    {
                        let reason = "the control plane reads the mesh again when its value changes";
                        changes.add(target, ChangeKind::Added, "revision marker of the mesh", reason);
                    }
                    None => changes.add(target, ChangeKind::Added, "a resource", "other changes refer to it"),
                    Some(old) if old.properties != resource.properties || old.other != resource.other => {
                        let reason = "App Mesh no longer returns them";
                        changes.add(
                            target,
                            ChangeKind::Changed,
                            "values in place of references to the mesh",
                            reason,
                        );
                    }
                    Some(old) if old.depends_on != resource.depends_on => {
                        let what = format!("created after {}", resource.depends_on.join(", "));
                        let reason = "its tasks need the mesh's parameters and control plane";
                        changes.add(target, ChangeKind::Changed, what, reason);
                    }
                    Some(_) => {}
                }
            }
            for (name, output) in &after.outputs {
                if let Some(old) = before.outputs.get(name)
                    && old != output
                    && !is_listed(changes, name)
                {
                    changes.add(
                        (stack_name, name, "Output"),
                        ChangeKind::Changed,
                        "values in place of references to the mesh",
                        "App Mesh no longer returns them",
                    );
                }
            }
        }
    }

    /// Limits each fixed parameter to its present value, so that a deployment with another one fails instead of mixing two.
    pub(crate) fn restrict_fixed(&mut self) {
        for (stack, name) in std::mem::take(&mut self.fixed) {
            let stack_name = self.name(stack);
            let value = self.stacks.parameter(stack, &name);
            let parameter = self.templates[stack].parameters.get_mut(&name);
            let (Some(parameter), Some(value)) = (parameter, value) else {
                continue;
            };
            parameter.default = Some(value.as_str().into());
            // For a list, the allowed values are those of its items.
            if !parameter.is_list() {
                parameter.allowed_values = vec![value.as_str().into()];
            }
            self.changes.add(
                (stack_name, &name, "Parameter"),
                ChangeKind::Changed,
                format!("fixed to `{value}`"),
                "names of mesh resources and the structure of their specs are part of parameters and bootstraps",
            );
        }
    }
}
