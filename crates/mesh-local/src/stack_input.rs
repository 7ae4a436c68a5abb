//! A stack as it is given to be run: a template, the stack's name, and the values of its parameters.

use std::collections::BTreeMap;

use mesh_infra::Template;

/// A stack to be run. Several that import from each other are run together, whichever comes first.
#[derive(Debug, Clone, Copy)]
pub struct StackInput<'t> {
    /// The stack's name: of it the names are made that the template leaves to CloudFormation.
    pub name: &'t str,
    /// What it consists of.
    pub template: &'t Template,
    /// Its parameters' values. Default for one that is not here: the template's.
    pub parameters: &'t BTreeMap<String, String>,
}
