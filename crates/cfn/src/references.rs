//! Rewrites the references in a template: `Ref`, `Fn::GetAtt`, `Fn::Sub`, and the conditions of `Fn::If`.

use serde_json::{Map, Value as Json, json};

use crate::evaluate::escape_sub;
use crate::template::Template;
use crate::value::intrinsic;

/// A reference in a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceSite<'a> {
    /// `Ref`, or an attribute: of a resource, parameter or pseudo parameter.
    Id {
        /// The logical id.
        logical_id: &'a str,
        /// The attribute of `Fn::GetAtt`.
        attribute: Option<&'a str>,
    },
    /// The name of a condition.
    Condition(&'a str),
}

/// Decides what replaces a reference, given its path in the template: a value or expression, or the name of a condition.
/// `None` keeps it.
pub type Rewrite<'f> = dyn FnMut(&str, ReferenceSite<'_>) -> Option<Json> + 'f;

/// Rewrites the references in the values of a template: properties and other attributes of resources, outputs with the names
/// of their exports, conditions, and loops (`Fn::ForEach`), where the identifier of a loop is a name like others.
/// `DependsOn` and the `Condition` of resources and outputs are names, and stay.
pub fn rewrite_references(template: &mut Template, rewrite: &mut Rewrite<'_>) {
    for (id, condition) in &mut template.conditions {
        Walk::new(format!("Conditions.{id}"), true, rewrite).visit(condition, &[]);
    }
    for (id, resource) in &mut template.resources {
        Walk::new(format!("Resources.{id}.Properties"), false, rewrite).visit(&mut resource.properties, &[]);
        for (name, attribute) in &mut resource.other {
            Walk::new(format!("Resources.{id}.{name}"), false, rewrite).visit(attribute, &[]);
        }
    }
    for (id, output) in &mut template.outputs {
        Walk::new(format!("Outputs.{id}.Value"), false, rewrite).visit(&mut output.value, &[]);
        if let Some(export) = &mut output.export {
            Walk::new(format!("Outputs.{id}.Export"), false, rewrite).visit(export, &[]);
        }
    }
    for (section, loops) in [
        ("Resources", &mut template.resource_loops),
        ("Outputs", &mut template.output_loops),
    ] {
        for (name, entries) in loops {
            Walk::new(format!("{section}.{name}"), false, rewrite).visit(entries, &[]);
        }
    }
}

struct Walk<'w, 'f> {
    path: String,
    is_condition: bool,
    rewrite: &'w mut Rewrite<'f>,
}

impl<'w, 'f> Walk<'w, 'f> {
    fn new(path: String, is_condition: bool, rewrite: &'w mut Rewrite<'f>) -> Self {
        Self {
            path,
            is_condition,
            rewrite,
        }
    }

    /// `locals` are the variables of the enclosing `Fn::Sub`.
    fn visit(&mut self, json: &mut Json, locals: &[String]) {
        if self.is_condition
            && let Some(name) = condition_name(json)
            && let Some(new) = (self.rewrite)(&self.path, ReferenceSite::Condition(name))
        {
            *json = json!({ "Condition": new });
            return;
        }
        match intrinsic(json) {
            Some(("Ref", Json::String(id))) => {
                let site = ReferenceSite::Id {
                    logical_id: id,
                    attribute: None,
                };
                if let Some(new) = (self.rewrite)(&self.path, site) {
                    *json = new;
                }
            }
            Some(("Fn::GetAtt", argument)) => {
                if let Some((id, attribute)) = attribute_of(argument) {
                    let site = ReferenceSite::Id {
                        logical_id: &id,
                        attribute: Some(&attribute),
                    };
                    if let Some(new) = (self.rewrite)(&self.path, site) {
                        *json = new;
                    }
                }
            }
            Some(("Fn::Sub", argument)) => {
                let argument = argument.clone();
                *json = self.substitution(argument, locals);
            }
            Some((name, _)) => {
                let is_if = name == "Fn::If";
                let Some(argument) = json.as_object_mut().and_then(|object| object.values_mut().next()) else {
                    return;
                };
                if is_if
                    && let Some(Json::String(name)) = argument.get(0)
                    && let Some(new) = (self.rewrite)(&self.path, ReferenceSite::Condition(name))
                {
                    argument[0] = new;
                }
                self.children(argument, locals);
            }
            None => self.children(json, locals),
        }
    }

    fn children(&mut self, json: &mut Json, locals: &[String]) {
        match json {
            Json::Object(object) => {
                for (key, value) in object {
                    self.at(&format!(".{key}"), |walk| walk.visit(value, locals));
                }
            }
            Json::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.at(&format!("[{index}]"), |walk| walk.visit(item, locals));
                }
            }
            _ => {}
        }
    }

    fn at(&mut self, step: &str, visit: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push_str(step);
        visit(self);
        self.path.truncate(length);
    }

    /// An `Fn::Sub` with its references rewritten. An expression that a text cannot hold becomes a variable.
    fn substitution(&mut self, argument: Json, locals: &[String]) -> Json {
        let (text, mut variables) = match argument {
            Json::String(text) => (text, Map::new()),
            Json::Array(parts) => match <[Json; 2]>::try_from(parts) {
                Ok([Json::String(text), Json::Object(variables)]) => (text, variables),
                Ok(parts) => return json!({ "Fn::Sub": parts }),
                Err(parts) => return json!({ "Fn::Sub": parts }),
            },
            other => return json!({ "Fn::Sub": other }),
        };
        for value in variables.values_mut() {
            self.visit(value, locals);
        }
        let mut written = String::new();
        let mut rest = text.as_str();
        while let Some((before, opened)) = rest.split_once("${") {
            written.push_str(before);
            let Some((name, after)) = opened.split_once('}') else {
                written.push_str("${");
                rest = opened;
                continue;
            };
            rest = after;
            let trimmed = name.trim();
            let is_reference = !trimmed.starts_with('!') && !variables.contains_key(trimmed);
            let new = is_reference.then(|| self.in_text(trimmed)).flatten();
            match new.as_ref().map(placeholder) {
                None => written.push_str(&format!("${{{name}}}")),
                Some(Some(text)) => written.push_str(&text),
                Some(None) => {
                    let variable = free_name(&variables);
                    written.push_str(&format!("${{{variable}}}"));
                    variables.insert(variable, new.unwrap_or_default());
                }
            }
        }
        written.push_str(rest);
        match variables.is_empty() {
            true => json!({ "Fn::Sub": written }),
            false => json!({ "Fn::Sub": [written, variables] }),
        }
    }

    fn in_text(&mut self, name: &str) -> Option<Json> {
        let (logical_id, attribute) = match name.split_once('.') {
            Some((id, attribute)) => (id, Some(attribute)),
            None => (name, None),
        };
        (self.rewrite)(&self.path, ReferenceSite::Id { logical_id, attribute })
    }
}

/// The name of a condition in the form `{"Condition": "Name"}`, which only conditions have.
fn condition_name(json: &Json) -> Option<&str> {
    let object = json.as_object().filter(|object| object.len() == 1)?;
    object.get("Condition")?.as_str()
}

fn attribute_of(argument: &Json) -> Option<(String, String)> {
    match argument {
        Json::String(dotted) => dotted
            .split_once('.')
            .map(|(id, attribute)| (id.to_owned(), attribute.to_owned())),
        Json::Array(parts) => match parts.as_slice() {
            [Json::String(id), Json::String(attribute)] => Some((id.clone(), attribute.clone())),
            _ => None,
        },
        _ => None,
    }
}

/// A value as a part of the text of `Fn::Sub`. `None` if it needs a variable.
fn placeholder(json: &Json) -> Option<String> {
    match (intrinsic(json), json) {
        (Some(("Ref", Json::String(id))), _) => Some(format!("${{{id}}}")),
        (Some(("Fn::GetAtt", argument)), _) => {
            attribute_of(argument).map(|(id, attribute)| format!("${{{id}.{attribute}}}"))
        }
        (None, Json::String(text)) => Some(escape_sub(text)),
        _ => None,
    }
}

fn free_name(variables: &Map<String, Json>) -> String {
    let names = (1..).map(|number| format!("Value{number}"));
    let mut free = names.filter(|name| !variables.contains_key(name));
    free.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_reference_is_rewritten() {
        let document = json!({
            "Conditions": {"C": {"Fn::And": [{"Condition": "D"}, {"Fn::Equals": [{"Ref": "A"}, ""]}]}},
            "Resources": {"R": {"Type": "T", "Properties": {
                "Ref": [{"Ref": "A"}, {"Ref": "AWS::Region"}],
                "Attributes": [{"Fn::GetAtt": ["A", "X.Y"]}, {"Fn::GetAtt": "A.X"}],
                "Text": {"Fn::Sub": "${A} ${A.X} ${!A} ${E} ${F} ${open"},
                "Local": {"Fn::Sub": ["${A} ${E}", {"A": {"Ref": "A"}}]},
                "If": {"Fn::If": ["D", {"Ref": "A"}, {"Condition": "D"}]}
            }}},
            "Outputs": {"O": {"Value": {"Fn::Join": [",", [{"Ref": "A"}]]}}}
        });
        let mut template = Template::from_json(&document.to_string()).expect("a template");
        let mut paths = Vec::new();
        rewrite_references(&mut template, &mut |path, site| {
            paths.push(path.to_owned());
            match site {
                ReferenceSite::Condition(name) => Some(json!(format!("{name}2"))),
                ReferenceSite::Id {
                    logical_id: "A",
                    attribute: None,
                } => Some(json!({"Ref": "B"})),
                ReferenceSite::Id {
                    logical_id: "A",
                    attribute: Some(attribute),
                } => Some(json!({"Fn::GetAtt": ["B", attribute]})),
                ReferenceSite::Id { logical_id: "E", .. } => Some(json!({"Fn::ImportValue": "x"})),
                ReferenceSite::Id { logical_id: "F", .. } => Some(json!("${f}")),
                ReferenceSite::Id { .. } => None,
            }
        });
        let expected = json!({
            "Conditions": {"C": {"Fn::And": [{"Condition": "D2"}, {"Fn::Equals": [{"Ref": "B"}, ""]}]}},
            "Resources": {"R": {"Type": "T", "Properties": {
                "Ref": [{"Ref": "B"}, {"Ref": "AWS::Region"}],
                "Attributes": [{"Fn::GetAtt": ["B", "X.Y"]}, {"Fn::GetAtt": ["B", "X"]}],
                "Text": {"Fn::Sub": ["${B} ${B.X} ${!A} ${Value1} ${!f} ${open", {"Value1": {"Fn::ImportValue": "x"}}]},
                "Local": {"Fn::Sub": ["${A} ${Value1}", {"A": {"Ref": "B"}, "Value1": {"Fn::ImportValue": "x"}}]},
                "If": {"Fn::If": ["D2", {"Ref": "B"}, {"Condition": "D"}]}
            }}},
            "Outputs": {"O": {"Value": {"Fn::Join": [",", [{"Ref": "B"}]]}}}
        });
        assert_eq!(
            template,
            Template::from_json(&expected.to_string()).expect("a template")
        );
        assert!(
            paths.contains(&"Resources.R.Properties.If[1]".to_owned())
                && paths.contains(&"Outputs.O.Value[1][0]".to_owned()),
            "{paths:?}"
        );
    }

    #[test]
    fn names_of_exports_and_loops_are_rewritten() {
        let document = json!({
            "Resources": {
                "Fn::ForEach::Each": ["Name", ["x"], {"R${Name}": {"Type": "T", "Properties": {"V": [{"Ref": "Name"}, {"Ref": "A"}]}}}]
            },
            "Outputs": {
                "O": {"Value": 1, "Export": {"Name": {"Fn::Sub": "${A}-x"}}},
                "Fn::ForEach::Out": ["Name", ["x"], {"O${Name}": {"Value": {"Ref": "A"}}}]
            }
        });
        let mut template = Template::from_json(&document.to_string()).expect("a template");
        rewrite_references(&mut template, &mut |_, site| match site {
            ReferenceSite::Id { logical_id: "A", .. } => Some(json!({"Ref": "B"})),
            _ => None,
        });
        let text = template.to_document().to_string();
        assert!(!text.contains("\"A\"") && !text.contains("${A}"), "{text}");
        assert!(text.contains("\"Name\""), "{text}");
    }
}
