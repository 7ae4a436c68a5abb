//! A resource of a stack to run, with evaluated properties and physical ids.

use cfn::evaluate::{Context, Evaluated, StackScope};
use cfn::unknown;
use serde_json::{Map, Value as Json};
use sidecar_contract::Diagnostics;

/// A resource of one of the stacks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resource<'s> {
    pub(super) stack: StackScope<'s>,
    /// Its logical id.
    pub(crate) id: &'s str,
    /// Its type.
    pub(crate) kind: &'s str,
}

impl<'s> Resource<'s> {
    /// Its path: `Resources.Blue`, prefixed with the stack's name if there are several.
    pub(crate) fn path(self) -> String {
        self.stack.resource_path(self.id)
    }

    /// Its logical id, prefixed with the stack's name if there are several.
    pub(crate) fn qualified_id(self) -> String {
        format!("{}{}", self.stack.path_prefix(), self.id)
    }

    /// Its evaluated properties. A value that cannot be evaluated is reported and [`unknown`]; a value that depends on
    /// it is unknown without another report.
    pub(crate) fn properties(self, diagnostics: &mut Diagnostics) -> Json {
        let Some(resource) = self.stack.template().resources.get(self.id) else {
            return Json::Null;
        };
        let path = format!("{}.Properties", self.path());
        let properties = self
            .stack
            .evaluate(&resource.properties, &path, &mut Context::new(diagnostics));
        properties.map_or_else(|| Json::Object(Map::new()), with_unknown)
    }

    /// One of its properties as text. `None` if it is not set or unknown.
    pub(crate) fn text(self, property: &str, diagnostics: &mut Diagnostics) -> Option<String> {
        let mut context = Context::new(diagnostics);
        let text = self
            .stack
            .property_text(self.id, property, &self.path(), &mut context)?;
        text.ok()
    }

    /// The resource as the template declares it.
    pub(crate) fn declared(self) -> &'s cfn::Resource {
        &self.stack.template().resources[self.id]
    }

    /// True if this property is set to a value that is unknown, or no text.
    pub(crate) fn is_unknown(self, property: &str, diagnostics: &mut Diagnostics) -> bool {
        let mut context = Context::new(diagnostics);
        let text = self.stack.property_text(self.id, property, &self.path(), &mut context);
        text.is_some_and(|text| text.is_err())
    }

    /// What it returns for `Ref`.
    pub(crate) fn physical_id(self, diagnostics: &mut Diagnostics) -> Json {
        let mut context = Context::new(diagnostics);
        with_unknown(self.stack.reference(self.id, &self.path(), &mut context))
    }

    /// What it returns for `Fn::GetAtt`.
    pub(crate) fn attribute(self, attribute: &str, diagnostics: &mut Diagnostics) -> Json {
        let mut context = Context::new(diagnostics);
        with_unknown(self.stack.attribute(self.id, attribute, &self.path(), &mut context))
    }
}

fn with_unknown(evaluated: Evaluated) -> Json {
    evaluated.into_json(&|_| unknown())
}
