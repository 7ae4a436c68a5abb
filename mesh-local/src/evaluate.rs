//! Evaluates a template's intrinsic functions, as CloudFormation would, for a stack on this machine. Pure.
//!
//! | understood | refused by name |
//! |---|---|
//! | `Ref` to parameters, pseudo parameters and resources | `Fn::If` and conditions |
//! | `Fn::GetAtt` | `Fn::FindInMap`, `Fn::ImportValue` |
//! | `Fn::Sub`, with and without variables of its own | `Fn::Base64`, `Fn::Cidr`, `Fn::GetAZs` |
//! | `Fn::Join`, `Fn::Select`, `Fn::Split` | `Fn::Transform` and every other function |

mod parameters;
mod physical;
mod substitution;

use std::collections::BTreeMap;

use mesh_infra::Template;
use mesh_model::Problems;
use serde_json::{Map, Value as Json};

pub(crate) use physical::ACCOUNT;
pub(crate) use physical::REGION;

/// A template with the values of its parameters.
#[derive(Debug)]
pub(crate) struct Evaluation<'t> {
    template: &'t Template,
    stack: &'t str,
    parameters: BTreeMap<String, Json>,
}

/// Where an evaluation stands: what it is in the middle of, and what went wrong so far.
struct Progress<'p> {
    /// The resources whose names are being found, to notice when one depends on itself.
    visiting: Vec<String>,
    problems: &'p mut Problems,
}

impl<'t> Evaluation<'t> {
    /// Decides the parameters' values: those that are `given`, else the defaults. Notes every parameter that lacks a
    /// value, has one that is not allowed, or does not exist.
    pub(crate) fn new(
        template: &'t Template,
        stack: &'t str,
        given: &BTreeMap<String, String>,
        problems: &mut Problems,
    ) -> Self {
        Self {
            template,
            stack,
            parameters: parameters::values(template, given, problems),
        }
    }

    /// A resource's properties with every function evaluated. Where one cannot be, a problem is noted and the
    /// value is null.
    pub(crate) fn properties(&self, logical_id: &str, problems: &mut Problems) -> Json {
        let Some(resource) = self.template.resources.get(logical_id) else {
            return Json::Null;
        };
        let mut progress = Progress {
            visiting: Vec::new(),
            problems,
        };
        let path = format!("Resources.{logical_id}.Properties");
        self.value(&resource.properties, &path, &mut progress)
            .unwrap_or(Json::Object(Map::new()))
    }

    /// What a resource answers to `Ref`.
    pub(crate) fn physical_id(&self, logical_id: &str, problems: &mut Problems) -> Json {
        let mut progress = Progress {
            visiting: Vec::new(),
            problems,
        };
        let path = format!("Resources.{logical_id}");
        self.reference(logical_id, &path, &mut progress)
    }

    /// What a resource answers to `Fn::GetAtt`.
    pub(crate) fn attribute_of(&self, logical_id: &str, attribute: &str, problems: &mut Problems) -> Json {
        let mut progress = Progress {
            visiting: Vec::new(),
            problems,
        };
        let path = format!("Resources.{logical_id}");
        self.attribute(logical_id, attribute, &path, &mut progress)
    }

    /// Evaluates one value. `None` for `AWS::NoValue`, which takes its property away.
    fn value(&self, json: &Json, path: &str, progress: &mut Progress<'_>) -> Option<Json> {
        match json {
            Json::Object(object) => match function(object) {
                Some(("Ref", Json::String(name))) if name == "AWS::NoValue" => None,
                Some((name, argument)) => Some(self.call(name, argument, path, progress)),
                None => Some(Json::Object(
                    object
                        .iter()
                        .filter_map(|(key, value)| {
                            Some((key.clone(), self.value(value, &format!("{path}.{key}"), progress)?))
                        })
                        .collect(),
                )),
            },
            Json::Array(items) => Some(Json::Array(
                items
                    .iter()
                    .enumerate()
                    .filter_map(|(index, item)| self.value(item, &format!("{path}[{index}]"), progress))
                    .collect(),
            )),
            scalar => Some(scalar.clone()),
        }
    }

    fn call(&self, name: &str, argument: &Json, path: &str, progress: &mut Progress<'_>) -> Json {
        match name {
            "Ref" => match argument {
                Json::String(target) => self.reference(target, path, progress),
                _ => wrong(path, "Ref takes a name", progress),
            },
            "Fn::GetAtt" => self.get_att(argument, path, progress),
            "Fn::Sub" => self.substitute(argument, path, progress),
            "Fn::Join" => self.join(argument, path, progress),
            "Fn::Select" => self.select(argument, path, progress),
            "Fn::Split" => self.split(argument, path, progress),
            _ => wrong(
                path,
                &format!(
                    "`{name}` cannot be evaluated here; understood are Ref, Fn::GetAtt, Fn::Sub, Fn::Join, Fn::Select and Fn::Split"
                ),
                progress,
            ),
        }
    }

    fn get_att(&self, argument: &Json, path: &str, progress: &mut Progress<'_>) -> Json {
        let parts = match argument {
            Json::String(dotted) => dotted.split_once('.'),
            Json::Array(items) => match items.as_slice() {
                [Json::String(target), Json::String(attribute)] => Some((target.as_str(), attribute.as_str())),
                _ => None,
            },
            _ => None,
        };
        match parts {
            Some((target, attribute)) => self.attribute(target, attribute, path, progress),
            None => wrong(path, "Fn::GetAtt takes a resource and an attribute", progress),
        }
    }

    fn join(&self, argument: &Json, path: &str, progress: &mut Progress<'_>) -> Json {
        let argument = self.value(argument, path, progress).unwrap_or(Json::Null);
        match argument.as_array().map(Vec::as_slice) {
            Some([Json::String(delimiter), Json::Array(items)]) => {
                let texts: Vec<String> = items.iter().map(text_of).collect();
                Json::from(texts.join(delimiter))
            }
            _ => wrong(path, "Fn::Join takes a delimiter and a list", progress),
        }
    }

    fn split(&self, argument: &Json, path: &str, progress: &mut Progress<'_>) -> Json {
        let argument = self.value(argument, path, progress).unwrap_or(Json::Null);
        match argument.as_array().map(Vec::as_slice) {
            Some([Json::String(delimiter), Json::String(text)]) if !delimiter.is_empty() => {
                text.split(delimiter.as_str()).map(Json::from).collect()
            }
            _ => wrong(path, "Fn::Split takes a delimiter and a text", progress),
        }
    }

    fn select(&self, argument: &Json, path: &str, progress: &mut Progress<'_>) -> Json {
        let argument = self.value(argument, path, progress).unwrap_or(Json::Null);
        let Some([index, Json::Array(items)]) = argument.as_array().map(Vec::as_slice) else {
            return wrong(path, "Fn::Select takes an index and a list", progress);
        };
        let position = text_of(index).parse::<usize>().ok();
        match position.and_then(|position| items.get(position)) {
            Some(item) => item.clone(),
            None => wrong(
                path,
                &format!("Fn::Select has no item {} in a list of {}", text_of(index), items.len()),
                progress,
            ),
        }
    }
}

/// The intrinsic function that an object stands for, if it does.
fn function(object: &Map<String, Json>) -> Option<(&str, &Json)> {
    let mut entries = object.iter();
    match (entries.next(), entries.next()) {
        (Some((name, argument)), None) if name == "Ref" || name == "Condition" || name.starts_with("Fn::") => {
            Some((name, argument))
        }
        _ => None,
    }
}

fn wrong(path: &str, message: &str, progress: &mut Progress<'_>) -> Json {
    progress.problems.add(path, message);
    Json::Null
}

/// A scalar as it reads within a text.
fn text_of(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
