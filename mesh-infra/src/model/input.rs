//! The input of the model: resources of one or several stacks, evaluated as far as their values are known.

use cfn::Resource;
use serde_json::Value as Json;

/// A resource as the model reads it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct InputResource<'t> {
    /// Its logical id, unique in its stack.
    pub logical_id: &'t str,
    /// The resource as its template declares it.
    pub declared: &'t Resource,
    /// Its path: `Resources.Blue`, after the stack's name and a slash if there are several stacks.
    pub path: String,
    /// Its properties. A part that is not known is an expression.
    pub properties: Json,
    /// Its name, if it is known: that of a cluster or service, the family of a task definition.
    pub name: Option<String>,
    /// What references to it evaluate to: names, ids and ARNs. Empty if references remain expressions.
    pub identifiers: Vec<String>,
}

/// What the input covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InputScope {
    /// One template before its deployment: what is unresolved may be valid, and other resources may exist elsewhere.
    OneTemplate,
    /// All stacks with all of their values: what is unresolved is an error that was reported, and nothing exists
    /// elsewhere.
    AllStacks,
}

impl<'t> InputResource<'t> {
    /// A resource without known references to it.
    #[must_use]
    pub fn new(logical_id: &'t str, declared: &'t Resource, path: String, properties: Json) -> Self {
        Self {
            logical_id,
            declared,
            path,
            properties,
            name: None,
            identifiers: Vec::new(),
        }
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> &'t str {
        &self.declared.kind
    }

    /// Its logical id, after the stack's name and a slash if there are several stacks.
    #[must_use]
    pub fn qualified_id(&self) -> String {
        self.path.replacen("Resources.", "", 1)
    }

    /// The path of its properties.
    #[must_use]
    pub fn properties_path(&self) -> String {
        format!("{}.Properties", self.path)
    }
}

/// Whether this is a Cloud Map namespace of any kind.
pub(super) fn is_namespace(resource: &InputResource<'_>) -> bool {
    let kind = resource.kind();
    kind.starts_with("AWS::ServiceDiscovery::") && kind.ends_with("Namespace")
}
