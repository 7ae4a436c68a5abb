//! One stack of an evaluator: its resources, conditions and values.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::functions::{self, Call};
use super::{Context, Evaluated, Evaluator, Reason, Resolver, Unknown, dynamic_reference, scalar_text};
use crate::template::{Resource, Template};
use crate::value::intrinsic;

/// Limit on the length of names, attributes and exports in characters. Parameters have at most 8 KiB, everything else
/// less; values composed of values must not grow without bound.
pub(super) const MAX_TEXT_LENGTH: usize = 8192;

/// A stack to evaluate.
#[derive(Debug, Clone)]
pub struct StackInput<'t> {
    /// The stack's name.
    pub name: &'t str,
    /// Its template.
    pub template: &'t Template,
    /// The values of its parameters, as far as they are known; see
    /// [`Parameter::value_from_text`](crate::Parameter::value_from_text). Defaults are not applied.
    pub parameters: BTreeMap<String, Json>,
}

/// A stack with its remembered results.
#[derive(Debug)]
pub(super) struct Stack<'t> {
    pub(super) name: &'t str,
    pub(super) template: &'t Template,
    pub(super) parameters: BTreeMap<String, Json>,
    /// Prefix of all paths: empty for a single stack, else the stack's name and a slash.
    pub(super) prefix: String,
    pub(super) cache: RefCell<Cache>,
    /// The stacks it has imported from so far.
    pub(super) imports: RefCell<BTreeSet<usize>>,
}

/// Results by what was evaluated. Without it, a chain of resources that each refer to the next one twice would take
/// twice as long with every resource.
#[derive(Debug, Default)]
pub(super) struct Cache {
    /// Property texts by logical id and property.
    properties: BTreeMap<(String, String), Option<Result<String, Unknown>>>,
    pub(super) conditions: BTreeMap<String, Result<bool, Reason>>,
    pub(super) outputs: BTreeMap<String, Evaluated>,
    /// Values of parameters from the parent and from Systems Manager.
    pub(super) parameters: BTreeMap<String, Evaluated>,
    pub(super) ssm_parameters: BTreeMap<String, Evaluated>,
}

impl<'t> Stack<'t> {
    pub(super) fn new(input: StackInput<'t>, is_single: bool) -> Self {
        Self {
            name: input.name,
            template: input.template,
            parameters: input.parameters,
            prefix: if is_single {
                String::new()
            } else {
                format!("{}/", input.name)
            },
            cache: RefCell::default(),
            imports: RefCell::default(),
        }
    }
}

/// One stack of an [`Evaluator`].
#[derive(Debug, Clone, Copy)]
pub struct StackScope<'e> {
    pub(super) evaluator: &'e Evaluator<'e>,
    pub(super) index: usize,
}

impl<'e> StackScope<'e> {
    pub(super) fn new(evaluator: &'e Evaluator<'_>, index: usize) -> Self {
        Self { evaluator, index }
    }

    pub(super) fn stack(self) -> &'e Stack<'e> {
        &self.evaluator.stacks[self.index]
    }

    pub(super) fn resolver(self) -> &'e dyn Resolver {
        &*self.evaluator.resolver
    }

    /// The stack's name; empty for [`Evaluator::new`].
    #[must_use]
    pub fn name(self) -> &'e str {
        self.stack().name
    }

    /// The stack's template.
    #[must_use]
    pub fn template(self) -> &'e Template {
        self.stack().template
    }

    /// The given value of a parameter.
    #[must_use]
    pub fn parameter(self, name: &str) -> Option<&'e Json> {
        self.stack().parameters.get(name)
    }

    /// The prefix of the stack's paths: empty for a single stack, else its name and a slash.
    #[must_use]
    pub fn path_prefix(self) -> &'e str {
        &self.stack().prefix
    }

    /// The path of a resource: `Resources.Blue`, prefixed with the stack's name if there are several.
    #[must_use]
    pub fn resource_path(self, logical_id: &str) -> String {
        format!("{}Resources.{logical_id}", self.stack().prefix)
    }

    /// The resources of the stack, without those whose condition is false. A resource with an unknown condition is
    /// included. A nested stack has none if its own condition is false.
    pub fn resources(self, context: &mut Context<'_>) -> Vec<(&'e str, &'e Resource)> {
        if !self.exists(context) {
            return Vec::new();
        }
        let resources = self.template().resources.iter();
        resources
            .filter(|(id, _)| self.has_resource(id, context))
            .map(|(id, resource)| (id.as_str(), resource))
            .collect()
    }

    /// True if the template has the resource and its condition is not known to be false.
    pub(super) fn has_resource(self, logical_id: &str, context: &mut Context<'_>) -> bool {
        let resource = self.template().resources.get(logical_id);
        match resource.and_then(|resource| resource.condition.as_deref()) {
            Some(condition) => {
                let path = format!("{}.Condition", self.resource_path(logical_id));
                self.condition(condition, &path, context).unwrap_or(true)
            }
            None => resource.is_some(),
        }
    }

    /// Evaluates a value at `path`. `None` for `AWS::NoValue`, which removes its property or list item.
    pub fn evaluate(self, json: &Json, path: &str, context: &mut Context<'_>) -> Option<Evaluated> {
        context
            .nested(path, |context| self.evaluate_nested(json, path, context))
            .unwrap_or_else(|| Some(Evaluated::Unknown(Unknown::new(path, Reason::Invalid, json.clone()))))
    }

    fn evaluate_nested(self, json: &Json, path: &str, context: &mut Context<'_>) -> Option<Evaluated> {
        if let Some((name, argument)) = intrinsic(json) {
            let call = Call {
                stack: self,
                name,
                argument,
                path,
            };
            let value = functions::call(call, context)?;
            // A list or an object can have the same large text many times.
            if let Evaluated::Known(json) = &value
                && !context.has_room(text_length(json), path)
            {
                return Some(Evaluated::Unknown(Unknown::new(path, Reason::Invalid, Json::Null)));
            }
            return Some(match &value {
                Evaluated::Known(Json::String(text)) if text.contains("{{resolve:") => {
                    dynamic_reference::resolve(self, text, path, context)
                }
                _ => value,
            });
        }
        Some(match json {
            Json::Object(object) => {
                let mut entries = IndexMap::with_capacity(object.len());
                for (key, value) in object {
                    if let Some(value) = self.evaluate(value, &joined(path, key), context) {
                        entries.insert(key.clone(), value);
                    }
                }
                Evaluated::object(entries)
            }
            Json::Array(items) => {
                let items = items.iter().enumerate();
                let items = items.filter_map(|(index, item)| self.evaluate(item, &format!("{path}[{index}]"), context));
                Evaluated::list(items.collect())
            }
            Json::String(text) if text.contains("{{resolve:") => dynamic_reference::resolve(self, text, path, context),
            scalar => Evaluated::Known(scalar.clone()),
        })
    }

    /// What a parameter or resource returns for `Ref`.
    pub fn reference(self, name: &str, path: &str, context: &mut Context<'_>) -> Evaluated {
        functions::reference(self, name, path, context)
    }

    /// An attribute of a resource.
    pub fn attribute(self, logical_id: &str, attribute: &str, path: &str, context: &mut Context<'_>) -> Evaluated {
        functions::attribute(self, logical_id, attribute, path, context)
    }

    /// A property of a resource as text: a name, for instance. `None` if the resource does not set it; unknown if it
    /// is not a scalar. Remembered.
    ///
    /// Reports a property that depends on itself at `path`.
    pub fn property_text(
        self,
        logical_id: &str,
        property: &str,
        path: &str,
        context: &mut Context<'_>,
    ) -> Option<Result<String, Unknown>> {
        let given = self.template().resources.get(logical_id)?.properties.get(property)?;
        let key = (logical_id.to_owned(), property.to_owned());
        if let Some(known) = self.stack().cache.borrow().properties.get(&key) {
            return known.clone();
        }
        let invalid = || Unknown::new(path, Reason::Invalid, given.clone());
        let visited = format!("{}{logical_id}", self.stack().prefix);
        let evaluated = context.visit(&visited, path, |context| {
            let path = format!("{}.Properties.{property}", self.resource_path(logical_id));
            self.evaluate(given, &path, context)
        });
        // A cycle is not remembered: the caller that started it remembers its result.
        let Some(evaluated) = evaluated else {
            return Some(Err(invalid()));
        };
        let text = evaluated.map(|evaluated| match evaluated.into_known() {
            Ok(Json::Array(_) | Json::Object(_)) => Err(invalid()),
            Ok(json) => check_length(scalar_text(&json), MAX_TEXT_LENGTH, path, context).ok_or_else(invalid),
            Err(unknown) => Err(unknown),
        });
        self.stack().cache.borrow_mut().properties.insert(key, text.clone());
        text
    }
}

/// `path.key`, or the key alone.
fn joined(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// A text of at most `limit` characters; a longer one is reported.
pub(super) fn check_length(text: String, limit: usize, path: &str, context: &mut Context<'_>) -> Option<String> {
    let length = text.chars().count();
    if length <= limit {
        return Some(text);
    }
    context.report(
        path,
        format!("is {length} characters long; at most {limit} are allowed"),
    );
    None
}

/// The bytes of text in a value, without numbers.
fn text_length(json: &Json) -> usize {
    match json {
        Json::String(text) => text.len(),
        Json::Array(items) => items.iter().map(text_length).sum(),
        Json::Object(entries) => entries.iter().map(|(key, value)| key.len() + text_length(value)).sum(),
        _ => 0,
    }
}
