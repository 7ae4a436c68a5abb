//! Values of a template in renderer: parameters by their values, conditions by what they come to, the rest as it is
//! written in `Fn::Sub`.

use serde_json::{Map, Value as Json};

use super::TemplateVersion;

/// How deep conditions may refer to each other, so that a circle in somebody's template ends.
const DEPTH: usize = 32;

/// One who reads a template aloud.
#[derive(Debug, Clone, Copy)]
pub(super) struct Renderer<'a>(TemplateVersion<'a>);

impl<'a> Renderer<'a> {
    pub(super) fn new(side: TemplateVersion<'a>) -> Self {
        Self(side)
    }

    /// What a condition comes to, if that can be told from the parameters.
    pub(super) fn condition(&self, name: &str) -> Option<bool> {
        self.holds(self.0.template.conditions.get(name)?, DEPTH)
    }

    fn holds(&self, condition: &Json, depth: usize) -> Option<bool> {
        let depth = depth.checked_sub(1)?;
        let (function, argument) = function(condition)?;
        let of_each = || {
            argument
                .as_array()
                .map(|items| items.iter().map(|item| self.holds(item, depth)))
        };
        match function {
            "Condition" => self.holds(self.0.template.conditions.get(argument.as_str()?)?, depth),
            "Fn::Equals" => match argument.as_array()?.as_slice() {
                [left, right] => Some(self.scalar(left)? == self.scalar(right)?),
                _ => None,
            },
            "Fn::Not" => of_each()?.next()?.map(|holds| !holds),
            "Fn::And" => of_each()?.try_fold(true, |all, holds| Some(all && holds?)),
            "Fn::Or" => of_each()?.try_fold(false, |any, holds| Some(any || holds?)),
            _ => None,
        }
    }

    /// A value that is known.
    fn scalar(&self, value: &Json) -> Option<String> {
        match value {
            Json::String(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            Json::Bool(flag) => Some(flag.to_string()),
            _ => match function(value)? {
                ("Ref", name) => self.0.parameters.get(name.as_str()?).cloned(),
                _ => None,
            },
        }
    }

    /// The same value with parameters in their places and `Fn::If` decided. What cannot be decided stays, both ways.
    pub(super) fn evaluate(&self, value: &Json) -> Json {
        match value {
            Json::Object(_) if is_if(value) => self.either(value).unwrap_or(Json::Null),
            Json::Object(_) if self.scalar(value).is_some() => self.scalar(value).map_or(Json::Null, Json::String),
            Json::Object(members) => Json::Object(
                members
                    .iter()
                    .filter_map(|(name, member)| Some((name.clone(), self.member(member)?)))
                    .collect::<Map<_, _>>(),
            ),
            Json::Array(items) => Json::Array(items.iter().flat_map(|item| self.items(item)).collect()),
            scalar => scalar.clone(),
        }
    }

    fn member(&self, value: &Json) -> Option<Json> {
        if is_if(value) {
            return self.either(value);
        }
        Some(self.evaluate(value)).filter(|value| !is_no_value(value))
    }

    /// The items that stand for one: an undecided `Fn::If` in a list stands for both.
    fn items(&self, item: &Json) -> Vec<Json> {
        let Some(("Fn::If", argument)) = function(item) else {
            return self.member(item).into_iter().collect();
        };
        let Some([Json::String(condition), yes, no]) = argument.as_array().map(Vec::as_slice) else {
            return Vec::new();
        };
        match self.condition(condition) {
            Some(true) => self.items(yes),
            Some(false) => self.items(no),
            None => [self.items(yes), self.items(no)].concat(),
        }
        .into_iter()
        .filter(|item| !is_no_value(item))
        .collect()
    }

    /// What an `Fn::If` comes to; undecided, the first of the two that is something.
    fn either(&self, value: &Json) -> Option<Json> {
        self.items(value).into_iter().next()
    }

    /// A value in renderer.
    pub(super) fn render(&self, value: &Json) -> String {
        if let Some(text) = self.scalar(value) {
            return text;
        }
        if let Json::Array(items) = value {
            return items
                .iter()
                .map(|item| self.render(item))
                .collect::<Vec<_>>()
                .join(", ");
        }
        match function(value) {
            Some(("Ref", Json::String(name))) => format!("${{{name}}}"),
            Some(("Fn::GetAtt", Json::String(attribute))) => format!("${{{attribute}}}"),
            Some(("Fn::GetAtt", Json::Array(parts))) => {
                let parts: Vec<_> = parts.iter().filter_map(Json::as_str).collect();
                format!("${{{}}}", parts.join("."))
            }
            Some(("Fn::Sub", Json::String(text))) => self.substituted(text),
            Some(("Fn::Sub", Json::Array(parts))) => {
                let text = parts.first().and_then(Json::as_str).unwrap_or_default();
                let mut text = self.substituted(text);
                for (name, value) in parts.get(1).and_then(Json::as_object).into_iter().flatten() {
                    text = text.replace(&format!("${{{name}}}"), &self.render(value));
                }
                text
            }
            Some(("Fn::Join", Json::Array(parts))) => {
                let separator = parts.first().and_then(Json::as_str).unwrap_or_default();
                let items = parts.get(1).and_then(Json::as_array);
                let items: Vec<_> = items.into_iter().flatten().map(|item| self.render(item)).collect();
                items.join(separator)
            }
            Some(("Fn::ImportValue", name)) => format!("the import `{}`", self.render(name)),
            _ => value.to_string(),
        }
    }

    fn substituted(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in self.0.parameters {
            text = text.replace(&format!("${{{name}}}"), value);
        }
        text
    }

    /// A value that may be a list or one of them, in renderer.
    pub(super) fn render_each(&self, value: Option<&Json>) -> Vec<String> {
        match value {
            None | Some(Json::Null) => Vec::new(),
            Some(Json::Array(items)) => items.iter().map(|item| self.render(item)).collect(),
            Some(one) => vec![self.render(one)],
        }
    }
}

/// An object with one member that is a function of CloudFormation.
fn function(value: &Json) -> Option<(&str, &Json)> {
    let object = value.as_object()?;
    let (name, argument) = object.iter().next()?;
    let is_function = object.len() == 1 && (name.starts_with("Fn::") || name == "Ref" || name == "Condition");
    is_function.then_some((name.as_str(), argument))
}

fn is_if(value: &Json) -> bool {
    matches!(function(value), Some(("Fn::If", _)))
}

fn is_no_value(value: &Json) -> bool {
    matches!(function(value), Some(("Ref", Json::String(name))) if name == "AWS::NoValue")
}
