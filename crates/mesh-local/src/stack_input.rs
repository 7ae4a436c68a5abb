//! Input stacks: template, stack name and parameter values.

use std::collections::BTreeMap;

use mesh_infra::Template;

/// A stack to run. Stacks that import from each other are run together, in any order.
#[derive(Debug, Clone, Copy)]
pub struct StackInput<'t> {
    /// The stack's name, which is part of generated names.
    pub name: &'t str,
    /// Its template.
    pub template: &'t Template,
    /// Its parameter values. Default for a missing one: the template's default.
    pub parameters: &'t BTreeMap<String, String>,
}
