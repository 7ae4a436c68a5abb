//! Evaluates templates' intrinsic functions, as CloudFormation would, for stacks on this machine. Pure.
//!
//! | understood | refused by name |
//! |---|---|
//! | `Ref` to parameters, pseudo parameters and resources; `Fn::GetAtt` | `Fn::Transform`, and macros |
//! | `Fn::ImportValue` of what one of the stacks exports | every other function |
//! | `Fn::Sub`, with and without variables of its own | |
//! | `Fn::If`, `Fn::Equals`, `Fn::And`, `Fn::Or`, `Fn::Not`, `Condition` | |
//! | `Fn::Join`, `Fn::Select`, `Fn::Split`, `Fn::FindInMap`, `Fn::Base64`, `Fn::Cidr`, `Fn::GetAZs` | |
//! | `Fn::Length`, `Fn::ToJsonString` | |
//!
//! `Rules` say which parameters may be deployed together, and `Metadata` are for tools: neither is looked at.

mod conditions;
mod functions;
mod kinds;
mod parameters;
mod physical;
mod properties;
mod resource;
mod stacks;
mod substitution;

use mesh_infra::cfn::{is_unknown, unknown};
use serde_json::{Map, Value as Json};
use sidecar_contract::Diagnostics;

use kinds::RUN;
pub(crate) use kinds::{is_not_simulated, is_refused, that_run_beside};
pub(crate) use physical::{ACCOUNT, REGION};
use properties::bounded;
pub(crate) use resource::Resource;
use stacks::Stack;
pub(crate) use stacks::Stacks;

/// How deep values may lie in each other, and lead to values of other resources, which lie deep again. A document
/// alone has 128 levels at most; what goes further leads from one resource to the next without end.
const DEEPEST: usize = 256;

/// One of several stacks, to be evaluated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evaluation<'s> {
    stacks: &'s Stacks<'s>,
    index: usize,
}

/// Where an evaluation stands: what it is in the middle of, and what went wrong so far.
struct Progress<'p> {
    /// The resources whose names, the outputs whose values and the conditions whose truth is being found, to notice
    /// circles.
    visiting: Vec<String>,
    depth: usize,
    diagnostics: &'p mut Diagnostics,
}

impl<'p> Progress<'p> {
    fn new(diagnostics: &'p mut Diagnostics) -> Self {
        Self {
            visiting: Vec::new(),
            depth: 0,
            diagnostics,
        }
    }

    /// Does `find`, one level deeper. `None` if that is too deep, which is noted.
    fn deeper<T>(&mut self, path: &str, find: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth == DEEPEST {
            self.diagnostics.add(
                path,
                format!("leads on and on: what it depends on lies more than {DEEPEST} levels deep"),
            );
            return None;
        }
        self.depth += 1;
        let found = find(self);
        self.depth -= 1;
        Some(found)
    }

    /// Does `find` while `what` is noted as being found. `None` if it is being found already, which is noted as a
    /// problem of whoever asks.
    fn visit<T>(&mut self, what: &str, path: &str, find: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if let Some(beginning) = self.visiting.iter().position(|visited| visited == what) {
            let circle = format!("{} -> {what}", self.visiting[beginning..].join(" -> "));
            self.diagnostics.add(path, format!("depends on itself: {circle}"));
            return None;
        }
        self.visiting.push(what.to_owned());
        let found = find(self);
        self.visiting.pop();
        Some(found)
    }
}

impl<'s> Evaluation<'s> {
    fn new(stacks: &'s Stacks<'_>, index: usize) -> Self {
        Self { stacks, index }
    }

    fn stack(self) -> &'s Stack<'s> {
        self.stacks.stack(self.index)
    }

    /// The resources that are there.
    fn resources(self, diagnostics: &mut Diagnostics) -> Vec<Resource<'s>> {
        let mut progress = Progress::new(diagnostics);
        let resources = self.stack().template.resources.iter();
        let mut there = Vec::new();
        for (id, resource) in resources {
            if self.is_there(id, &mut progress) {
                there.push(Resource {
                    stack: self,
                    id,
                    kind: &resource.kind,
                });
            }
        }
        there
    }

    fn place(self, logical_id: &str) -> String {
        format!("{}Resources.{logical_id}", self.stack().prefix)
    }

    fn is_there(self, logical_id: &str, progress: &mut Progress<'_>) -> bool {
        let resource = self.stack().template.resources.get(logical_id);
        match resource.and_then(|resource| resource.condition.as_deref()) {
            // One whose condition cannot be evaluated is there: its own mistakes count, and so does who refers to it.
            Some(condition) => self
                .named_condition(condition, &format!("{}.Condition", self.place(logical_id)), progress)
                .unwrap_or(true),
            None => resource.is_some(),
        }
    }

    /// Evaluates one value. `None` for `AWS::NoValue`, which takes its property away.
    fn value(self, json: &Json, path: &str, progress: &mut Progress<'_>) -> Option<Json> {
        let value = progress.deeper(path, |progress| self.shallow_value(json, path, progress));
        value.unwrap_or_else(|| Some(unknown()))
    }

    fn shallow_value(self, json: &Json, path: &str, progress: &mut Progress<'_>) -> Option<Json> {
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

    fn call(self, name: &str, argument: &Json, path: &str, progress: &mut Progress<'_>) -> Json {
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
            "Fn::ImportValue" => self.import(argument, path, progress),
            "Fn::Length" => self.length(argument, path, progress),
            "Fn::ToJsonString" => self.to_json_string(argument, path, progress),
            _ => {
                let understood = "Ref, Fn::GetAtt, Fn::Sub, Fn::If, Fn::Join, Fn::Select, Fn::Split, Fn::FindInMap, \
                                  Fn::Base64, Fn::Cidr, Fn::GetAZs, Fn::ImportValue, Fn::Length and \
                                  Fn::ToJsonString";
                wrong(
                    path,
                    &format!("`{name}` cannot be evaluated here; understood are {understood}"),
                    progress,
                )
            }
        }
    }

    fn get_att(self, argument: &Json, path: &str, progress: &mut Progress<'_>) -> Json {
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
    progress.diagnostics.add(path, message);
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
