//! Renders values of a template for people, evaluated as far as the values of parameters decide.

use cfn::evaluate::{Evaluator, NothingKnown, StackInput};
use cfn::intrinsic;
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::TemplateVersion;

/// Evaluates and renders the values of a template.
#[derive(Debug)]
pub(super) struct Renderer<'a> {
    evaluator: Evaluator<'a>,
}

impl<'a> Renderer<'a> {
    pub(super) fn new(version: TemplateVersion<'a>) -> Self {
        let parameters = version.parameters.iter().map(|(name, text)| {
            let parameter = version.template.parameters.get(name);
            let value = parameter.map_or_else(|| Json::from(text.as_str()), |known| known.value_from_text(text));
            (name.clone(), value)
        });
        let stack = StackInput {
            name: "",
            template: version.template,
            parameters: parameters.collect(),
        };
        // Errors in the template are reported by CloudFormation.
        Self {
            evaluator: Evaluator::with_stacks([stack], NothingKnown, &mut Diagnostics::new()),
        }
    }

    /// The value of a condition, if the parameters decide it.
    pub(super) fn condition(&self, name: &str) -> Option<bool> {
        self.evaluator.condition(name)
    }

    /// The evaluated value. An undecided `Fn::If` in a list is replaced by both values, elsewhere by the first of them
    /// that exists.
    pub(super) fn evaluate(&self, value: &Json) -> Json {
        possible_value(&self.evaluator.evaluate(value).into_expression()).unwrap_or(Json::Null)
    }

    /// A value as text.
    pub(super) fn render(&self, value: &Json) -> String {
        self.evaluator.evaluate(value).to_string()
    }

    /// A value, or each value of a list, as text.
    pub(super) fn render_each(&self, value: Option<&Json>) -> Vec<String> {
        match value.map(|value| self.evaluate(value)) {
            None | Some(Json::Null) => Vec::new(),
            Some(Json::Array(items)) => items.iter().map(|item| self.render(item)).collect(),
            Some(one) => vec![self.render(&one)],
        }
    }
}

/// One of the values that an expression can have; `None` for `AWS::NoValue`.
fn possible_value(json: &Json) -> Option<Json> {
    match intrinsic(json) {
        Some(("Fn::If", _)) => possible_items(json).into_iter().next(),
        Some(("Ref", Json::String(name))) if name == "AWS::NoValue" => None,
        _ => Some(match json {
            Json::Object(object) => Json::Object(
                object
                    .iter()
                    .filter_map(|(name, value)| Some((name.clone(), possible_value(value)?)))
                    .collect(),
            ),
            Json::Array(items) => items.iter().flat_map(possible_items).collect(),
            scalar => scalar.clone(),
        }),
    }
}

/// The items that an item of a list can become: both values of an undecided `Fn::If`.
fn possible_items(item: &Json) -> Vec<Json> {
    match intrinsic(item) {
        Some(("Fn::If", Json::Array(arguments))) => match arguments.as_slice() {
            [_, yes, no] => [possible_items(yes), possible_items(no)].concat(),
            _ => Vec::new(),
        },
        Some(("Fn::If", _)) => Vec::new(),
        _ => possible_value(item).into_iter().collect(),
    }
}
