//! Evaluates a template's intrinsic functions, as CloudFormation would, for a stack on this machine. Pure.
//!
//! | understood | refused by name |
//! |---|---|
//! | `Ref` to parameters, pseudo parameters and resources; `Fn::GetAtt` | `Fn::ImportValue` |
//! | `Fn::Sub`, with and without variables of its own | `Fn::Transform` |
//! | `Fn::If`, `Fn::Equals`, `Fn::And`, `Fn::Or`, `Fn::Not`, `Condition` | every other function |
//! | `Fn::Join`, `Fn::Select`, `Fn::Split`, `Fn::FindInMap`, `Fn::Base64`, `Fn::Cidr`, `Fn::GetAZs` | |

mod conditions;
mod functions;
mod kinds;
mod parameters;
mod physical;
mod substitution;

use std::cell::RefCell;
use std::collections::BTreeMap;

use mesh_infra::Template;
use mesh_infra::cfn::{is_unknown, unknown};
use mesh_model::Problems;
use serde_json::{Map, Value as Json};

pub(crate) use kinds::{RUN, is_not_simulated, is_refused};
pub(crate) use physical::ACCOUNT;
pub(crate) use physical::REGION;

/// A template with the values of its parameters.
#[derive(Debug)]
pub(crate) struct Evaluation<'t> {
    template: &'t Template,
    stack: &'t str,
    parameters: BTreeMap<String, Json>,
    /// What was found before, by what it was asked for. Without it, a template in which each name refers to the
    /// next one twice would take twice as long with every resource.
    found: RefCell<Found>,
}

#[derive(Debug, Default)]
struct Found {
    names: BTreeMap<String, String>,
    /// `None` for a condition that cannot be evaluated.
    conditions: BTreeMap<String, Option<bool>>,
}

/// Where an evaluation stands: what it is in the middle of, and what went wrong so far.
struct Progress<'p> {
    /// The resources whose names and the conditions whose truth is being found, to notice circles.
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
            found: RefCell::default(),
        }
    }

    /// Whether the stack has this resource: its condition holds, or it has none.
    pub(crate) fn has(&self, logical_id: &str, problems: &mut Problems) -> bool {
        let mut progress = Progress {
            visiting: Vec::new(),
            problems,
        };
        self.is_there(logical_id, &mut progress)
    }

    fn is_there(&self, logical_id: &str, progress: &mut Progress<'_>) -> bool {
        let resource = self.template.resources.get(logical_id);
        match resource.and_then(|resource| resource.condition.as_deref()) {
            // One whose condition cannot be evaluated is there: its own mistakes count, and so does who refers to it.
            Some(condition) => self
                .named_condition(condition, &format!("Resources.{logical_id}.Condition"), progress)
                .unwrap_or(true),
            None => resource.is_some(),
        }
    }

    /// A resource's properties with every function evaluated. Where one cannot be, a problem is noted and the
    /// value is [`unknown`]. What is made of an unknown value is unknown, too, and no problem of its own.
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
                Some(("Fn::If", argument)) => self.choose(argument, path, progress),
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
            "Fn::FindInMap" => self.find_in_map(argument, path, progress),
            "Fn::Base64" => self.base64(argument, path, progress),
            "Fn::Cidr" => self.cidr(argument, path, progress),
            "Fn::GetAZs" => self.availability_zones(),
            _ => {
                let understood = "Ref, Fn::GetAtt, Fn::Sub, Fn::If, Fn::Join, Fn::Select, Fn::Split, Fn::FindInMap, \
                                  Fn::Base64, Fn::Cidr and Fn::GetAZs";
                wrong(
                    path,
                    &format!("`{name}` cannot be evaluated here; understood are {understood}"),
                    progress,
                )
            }
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
}

/// The intrinsic function that an object stands for, if it does.
fn function(object: &Map<String, Json>) -> Option<(&str, &Json)> {
    let mut entries = object.iter();
    match (entries.next(), entries.next()) {
        (Some((name, argument)), None) if name == "Ref" || name.starts_with("Fn::") => Some((name, argument)),
        _ => None,
    }
}

fn wrong(path: &str, message: &str, progress: &mut Progress<'_>) -> Json {
    progress.problems.add(path, message);
    unknown()
}

/// Whether a part of this could not be evaluated.
fn has_unknown(json: &Json) -> bool {
    match json {
        Json::Object(object) => is_unknown(json) || object.values().any(has_unknown),
        Json::Array(items) => items.iter().any(has_unknown),
        _ => false,
    }
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
