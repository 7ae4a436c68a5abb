//! Nested stacks: parameters from the parent, outputs to the parent.

use serde_json::Value as Json;

use super::{Context, Evaluated, Reason, StackScope, Unknown, scalar_text};
use crate::schema::closest;

/// The resource type of a nested stack.
pub const NESTED_STACK: &str = "AWS::CloudFormation::Stack";

/// One of an evaluator's stacks that is a resource of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nesting {
    /// The index of the stack that contains the resource.
    pub parent: usize,
    /// The logical id of the resource, an `AWS::CloudFormation::Stack`.
    pub logical_id: String,
    /// The index of the nested stack.
    pub child: usize,
}

impl<'e> StackScope<'e> {
    /// The stack that contains this one, and the logical id of its resource. `None` for a stack of its own.
    #[must_use]
    pub fn parent(self) -> Option<(StackScope<'e>, &'e str)> {
        let nesting = self
            .evaluator
            .nesting
            .iter()
            .find(|nesting| nesting.child == self.index)?;
        Some((StackScope::new(self.evaluator, nesting.parent), &nesting.logical_id))
    }

    /// The nested stack that is a resource of this one.
    #[must_use]
    pub fn nested(self, logical_id: &str) -> Option<StackScope<'e>> {
        let is_meant = |nesting: &&super::Nesting| nesting.parent == self.index && nesting.logical_id == logical_id;
        let nesting = self.evaluator.nesting.iter().find(is_meant)?;
        Some(StackScope::new(self.evaluator, nesting.child))
    }

    /// Whether the stack exists: the conditions of its resource and of those around it are not known to be false.
    pub(super) fn exists(self, context: &mut Context<'_>) -> bool {
        match self.parent() {
            Some((parent, logical_id)) => parent.exists(context) && parent.has_resource(logical_id, context),
            None => true,
        }
    }

    /// The value that the parent gives to a parameter. `None` if it gives none.
    pub(super) fn parameter_from_parent(self, name: &str, path: &str, context: &mut Context<'_>) -> Option<Evaluated> {
        let (parent, logical_id) = self.parent()?;
        let given = &parent.template().resources.get(logical_id)?.properties;
        let given = given.get("Parameters")?.get(name)?;
        if let Some(value) = self.stack().cache.borrow().parameters.get(name) {
            return Some(value.clone());
        }
        let visited = format!("{}Parameters.{name}", self.path_prefix());
        let value = context.visit(&visited, path, |context| {
            let path = format!("{}.Properties.Parameters.{name}", parent.resource_path(logical_id));
            parent.evaluate(given, &path, context)
        });
        // A cycle is not remembered: the caller that started it remembers its result.
        let Some(value) = value else {
            return Some(Evaluated::Unknown(Unknown::new(path, Reason::Invalid, Json::Null)));
        };
        let value = self.as_parameter(name, value.unwrap_or(Evaluated::Known(Json::from(""))));
        self.stack()
            .cache
            .borrow_mut()
            .parameters
            .insert(name.to_owned(), value.clone());
        Some(value)
    }

    /// A value in the type of a parameter: a list, or a text.
    fn as_parameter(self, name: &str, value: Evaluated) -> Evaluated {
        let Some(parameter) = self.template().parameters.get(name) else {
            return value;
        };
        match value {
            Evaluated::Known(Json::Array(items)) if !parameter.is_list() => {
                Evaluated::Known(Json::from(items.iter().map(scalar_text).collect::<Vec<_>>().join(",")))
            }
            Evaluated::Known(Json::Array(items)) => Evaluated::Known(Json::Array(items)),
            Evaluated::Known(scalar) => Evaluated::Known(parameter.value_from_text(&scalar_text(&scalar))),
            other => other,
        }
    }

    /// `Outputs.NAME` of the nested stack `logical_id`. `None` for another attribute, or if no template of it was given.
    pub(super) fn nested_output(
        self,
        logical_id: &str,
        attribute: &str,
        path: &str,
        context: &mut Context<'_>,
    ) -> Option<Result<Evaluated, Reason>> {
        let nested = self.nested(logical_id)?;
        let output = attribute.strip_prefix("Outputs.")?;
        if !nested.has_output(output, context) {
            let outputs = nested.template().outputs.keys().map(String::as_str);
            let hint = closest(output, outputs.clone()).map_or_else(
                || match outputs.collect::<Vec<_>>().join(", ") {
                    none if none.is_empty() => "it has none".to_owned(),
                    names => format!("it has {names}"),
                },
                |meant| format!("did you mean {meant}?"),
            );
            let message = format!("the nested stack `{logical_id}` has no output `{output}`; {hint}");
            context.report(path, message);
            return Some(Err(Reason::Invalid));
        }
        Some(Ok(nested.exported_output(output, path, context)))
    }
}
