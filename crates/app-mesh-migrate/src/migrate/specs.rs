//! Specs as values of parameters.
//!
//! A text or number that CloudFormation evaluates, such as a weight from a parameter of the stack, stays an expression: the
//! value is an `Fn::Sub` with it. A part of the document's structure cannot be inserted into a text, so an expression that
//! is an object, a list or absent gets the value that the parameters have now, and those parameters are fixed.

use std::collections::BTreeSet;

use cfn::evaluate::escape_sub;
use cfn::{Value, intrinsic};
use mesh_model::app_mesh::{KeyCasing, Kind, ResourceSpec};
use serde_json::{Map, Value as Json, json};
use sidecar_contract::Diagnostics;

use super::stacks::Stacks;

/// Enclose the number of an expression in the written document. Both are private use characters.
const MARKS: (char, char) = ('\u{f8f0}', '\u{f8f1}');

/// A spec as the value of a parameter.
pub(crate) struct EncodedSpec {
    pub(crate) value: Value<String>,
    /// The spec with the present values of the stack's parameters.
    pub(crate) spec: ResourceSpec,
    /// The parameters whose present value became part of the document's structure.
    pub(crate) fixed: BTreeSet<String>,
}

/// Encodes a spec in CloudFormation's key casing. `None` if it is invalid, which is reported; `path` is its path.
pub(crate) fn encode(
    stacks: &Stacks<'_>,
    stack: usize,
    kind: Kind,
    declared: &Json,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Option<EncodedSpec> {
    let mut merger = Merger {
        stacks,
        stack,
        expressions: Vec::new(),
        fixed: BTreeSet::new(),
    };
    let valued = stacks.valued(stack, declared).unwrap_or(json!({}));
    let live = stacks.live(stack, declared);
    let document = merger.merge(declared, live.as_ref(), &valued, &mut Vec::new());
    let spec = match ResourceSpec::read(kind, &document, KeyCasing::Pascal, path) {
        Ok(spec) => spec,
        Err(errors) => {
            diagnostics.extend(errors);
            return None;
        }
    };
    let mut written = spec.write(KeyCasing::Camel);
    let mut variables = Map::new();
    for (at, expression) in merger.expressions {
        let Some(found) = find_mut(&mut written, &at) else {
            let message = "is an expression in a place that the specification drops; set a known value";
            diagnostics.add(format!("{path}{}", display(&at)), message);
            continue;
        };
        let number = variables.len();
        let mark = format!("{}{number}{}", MARKS.0, MARKS.1);
        // What is not a text in the document must not be in quotes.
        *found = match found {
            Json::String(_) => Json::from(mark),
            _ => Json::from(format!("{mark}{}", MARKS.1)),
        };
        variables.insert(format!("Late{number}"), expression);
    }
    Some(EncodedSpec {
        value: substitution(&written.to_string(), variables),
        spec,
        fixed: merger.fixed,
    })
}

/// The text with variables in place of marks.
fn substitution(text: &str, variables: Map<String, Json>) -> Value<String> {
    if variables.is_empty() {
        return Value::Known(text.to_owned());
    }
    let mut text = escape_sub(text);
    for number in 0..variables.len() {
        let mark = format!("{}{number}{}", MARKS.0, MARKS.1);
        let name = format!("${{Late{number}}}");
        text = text
            .replace(&format!("\"{mark}{}\"", MARKS.1), &name)
            .replace(&mark, &name);
    }
    Value::Function {
        name: "Fn::Sub".to_owned(),
        argument: json!([text, variables]),
    }
}

/// A step in a document.
#[derive(Debug, Clone)]
enum Step {
    Key(String),
    Index(usize),
}

struct Merger<'m> {
    stacks: &'m Stacks<'m>,
    stack: usize,
    expressions: Vec<(Vec<Step>, Json)>,
    fixed: BTreeSet<String>,
}

impl Merger<'_> {
    /// The document with known values, which records the expressions at scalars. `declared` is the value in the template,
    /// or that of the nearest part that has one.
    fn merge(&mut self, declared: &Json, live: Option<&Json>, valued: &Json, at: &mut Vec<Step>) -> Json {
        match live {
            Some(live) if is_expression(live) => match valued {
                Json::Object(_) | Json::Array(_) if !is_expression(valued) => {
                    self.fix(declared);
                    self.merge(declared, None, valued, at)
                }
                _ => self.expression(live.clone(), valued, at),
            },
            // A part whose parameters are fixed.
            None if is_expression(valued) => self.expression(valued.clone(), valued, at),
            _ => self.children(declared, live, valued, at),
        }
    }

    /// An expression of a scalar. A value that only AWS knows gets a stand-in until the document is written.
    fn expression(&mut self, expression: Json, valued: &Json, at: &[Step]) -> Json {
        self.expressions.push((at.to_vec(), expression));
        match is_expression(valued) {
            true => Json::from(format!("known-to-aws-{}", self.expressions.len())),
            false => valued.clone(),
        }
    }

    fn children(&mut self, declared: &Json, live: Option<&Json>, valued: &Json, at: &mut Vec<Step>) -> Json {
        match valued {
            Json::Object(object) => {
                let live_object = live.and_then(Json::as_object);
                let is_absent = |key: &String| !object.contains_key(key);
                if live_object.is_some_and(|live| live.keys().any(is_absent)) {
                    self.fix(declared);
                }
                let entries = object.iter().map(|(key, value)| {
                    at.push(Step::Key(key.clone()));
                    let declared = declared.get(key).unwrap_or(declared);
                    let merged = self.merge(declared, live_object.and_then(|live| live.get(key)), value, at);
                    at.pop();
                    (key.clone(), merged)
                });
                Json::Object(entries.collect())
            }
            Json::Array(items) => {
                let live_items = live.and_then(Json::as_array);
                let aligned = live_items.filter(|live| live.len() == items.len());
                if live_items.is_some() && aligned.is_none() {
                    self.fix(declared);
                }
                let merged = items.iter().enumerate().map(|(index, item)| {
                    at.push(Step::Index(index));
                    let declared = aligned.and_then(|_| declared.get(index)).unwrap_or(declared);
                    let merged = self.merge(declared, aligned.map(|live| &live[index]), item, at);
                    at.pop();
                    merged
                });
                merged.collect()
            }
            scalar => scalar.clone(),
        }
    }

    fn fix(&mut self, declared: &Json) {
        self.fixed.extend(self.stacks.parameters_in(self.stack, declared));
    }
}

fn is_expression(json: &Json) -> bool {
    intrinsic(json).is_some()
}

/// The place in the written document, whose keys have the API's casing: `dns` for `DNS`, `awsCloudMap` for `AWSCloudMap`.
fn find_mut<'j>(document: &'j mut Json, at: &[Step]) -> Option<&'j mut Json> {
    at.iter().try_fold(document, |json, step| match step {
        Step::Key(key) => {
            let entries = json.as_object_mut()?.iter_mut();
            let mut same = entries.filter(|(name, _)| name.eq_ignore_ascii_case(key));
            same.next().map(|(_, value)| value)
        }
        Step::Index(index) => json.get_mut(*index),
    })
}

fn display(at: &[Step]) -> String {
    let steps = at.iter().map(|step| match step {
        Step::Key(key) => format!(".{key}"),
        Step::Index(index) => format!("[{index}]"),
    });
    steps.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::SourceStack;
    use cfn::Template;

    fn encoded(kind: Kind, spec: Json) -> (Json, BTreeSet<String>) {
        let template = json!({
            "Parameters": {
                "Weight": {"Type": "Number", "Default": 20},
                "Domain": {"Type": "String", "Default": "local"},
                "Stage": {"Type": "String", "Default": "test"}
            },
            "Conditions": {"IsProduction": {"Fn::Equals": [{"Ref": "Stage"}, "production"]}},
            "Resources": {"Certificate": {"Type": "AWS::CertificateManager::Certificate"}}
        });
        let source = SourceStack {
            name: "app".to_owned(),
            template: Template::from_json(&template.to_string()).expect("a template"),
            parameters: Default::default(),
        };
        let sources = [source];
        let mut diagnostics = Diagnostics::new();
        let stacks = Stacks::new(&sources, &mut diagnostics);
        let encoded = encode(&stacks, 0, kind, &spec, "Spec", &mut diagnostics);
        let encoded = encoded.unwrap_or_else(|| panic!("{diagnostics}"));
        assert!(diagnostics.is_empty(), "{diagnostics}");
        (encoded.value.to_json(), encoded.fixed)
    }

    #[test]
    fn scalars_stay_expressions_and_numbers_have_no_quotes() {
        let targets =
            json!([{"VirtualNode": "blue", "Weight": {"Ref": "Weight"}}, {"VirtualNode": "green", "Weight": 80}]);
        let action = json!({"WeightedTargets": targets});
        let (value, fixed) = encoded(
            Kind::Route,
            json!({"HttpRoute": {"Match": {"Prefix": "/${x}"}, "Action": action}}),
        );
        let text = value["Fn::Sub"][0].as_str().expect("a text");
        assert!(text.contains(r#"{"virtualNode":"blue","weight":${Late0}}"#), "{text}");
        assert!(text.contains(r#""prefix":"/${!x}""#), "{text}");
        assert_eq!(value["Fn::Sub"][1], json!({"Late0": {"Ref": "Weight"}}));
        assert!(fixed.is_empty());
    }

    #[test]
    fn texts_that_only_aws_knows_stay_expressions() {
        let certificate = json!({"ACM": {"CertificateArn": {"Ref": "Certificate"}}});
        let tls = json!({"Mode": "STRICT", "Certificate": certificate});
        let hostname = json!({"Fn::Sub": "blue.${Domain}"});
        let (value, fixed) = encoded(
            Kind::VirtualNode,
            json!({
                "Listeners": [{"PortMapping": {"Port": 80, "Protocol": "http"}, "TLS": tls}],
                "ServiceDiscovery": {"DNS": {"Hostname": hostname.clone()}}
            }),
        );
        let text = value["Fn::Sub"][0].as_str().expect("a text");
        assert!(text.contains(r#""certificateArn":"${Late0}""#), "{text}");
        assert!(text.contains(r#""hostname":"${Late1}""#), "{text}");
        assert_eq!(
            value["Fn::Sub"][1],
            json!({"Late0": {"Ref": "Certificate"}, "Late1": hostname})
        );
        assert!(fixed.is_empty());
    }

    #[test]
    fn structure_has_the_present_value_and_fixes_its_parameters() {
        let filter = json!({"Fn::If": ["IsProduction", {"Type": "DROP_ALL"}, {"Type": "ALLOW_ALL"}]});
        let (value, fixed) = encoded(Kind::Mesh, json!({"EgressFilter": filter}));
        assert_eq!(value, json!(r#"{"egressFilter":{"type":"ALLOW_ALL"}}"#));
        assert_eq!(fixed, BTreeSet::from(["Stage".to_owned()]));

        let filter = json!({"Fn::If": ["IsProduction", {"Type": "DROP_ALL"}, {"Ref": "AWS::NoValue"}]});
        let (value, fixed) = encoded(Kind::Mesh, json!({"EgressFilter": filter}));
        assert_eq!(value, json!("{}"));
        assert_eq!(fixed, BTreeSet::from(["Stage".to_owned()]));
    }
}
