//! Reads YAML as CloudFormation does, short forms of intrinsic functions included.
//!
//! The result is the equivalent JSON document. Differences from YAML 1.2, as CloudFormation's reader has them: scalars follow
//! YAML 1.1 ([`scalar`]), a closing bracket may be in its key's column, and the last of two equal keys wins, with a
//! warning. Aliases are rejected: CloudFormation does not support them, and a page of aliases can expand without bound.
//! Source: CloudFormation user guide, template formats (read 2026-11-23).

mod scalar;

use std::borrow::Cow;

use granit_parser::{Event, Parser, Span, Tag};
use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

use self::scalar::scalar;
use super::{TemplateError, TemplateWarning};

/// Maximum nesting, that of the JSON reader.
const MAX_DEPTH: usize = 128;

/// Reads the only document in `text`.
pub(super) fn document(text: &str) -> Result<(Json, Vec<TemplateWarning>), TemplateError> {
    let mut open: Vec<Open> = Vec::new();
    let mut document = None;
    let mut warnings = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| TemplateError::Yaml {
            line: error.marker().line(),
            column: error.marker().col() + 1,
            message: error.info(),
        })?;
        let finished = match event {
            Event::Scalar(text, style, _, tag) => {
                let is_text = tag
                    .as_deref()
                    .is_some_and(|tag| !name_of(tag).is_empty() || tag.suffix() == "str");
                let value = scalar(&text, style, is_text);
                let node = Node {
                    value: tagged(value, tag, span)?,
                    key: Some(text.into_owned()),
                };
                Some(node)
            }
            Event::SequenceStart(_, _, tag) => {
                open.push(Open::new(Content::List(Vec::new()), tag, span));
                None
            }
            Event::MappingStart(_, _, tag) => {
                open.push(Open::new(Content::Object(IndexMap::new(), None), tag, span));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().map(Open::finish).transpose()?,
            Event::Alias(_) => return Err(wrong(span, "is an alias; CloudFormation does not support aliases")),
            Event::DocumentStart(..) if document.is_some() => {
                return Err(wrong(span, "is a second document; a template is one document"));
            }
            _ => None,
        };
        if open.len() > MAX_DEPTH {
            return Err(wrong(span, format!("is nested more than {MAX_DEPTH} levels deep")));
        }
        let Some(node) = finished else { continue };
        match open.last_mut() {
            Some(parent) => parent.add(node, span, &mut warnings)?,
            None => document = Some(node.value),
        }
    }
    Ok((document.unwrap_or(Json::Null), warnings))
}

/// A complete value.
struct Node {
    value: Json,
    /// The text of a scalar, which is its name where it is a key: keys are texts in CloudFormation, also `on` and `1`.
    key: Option<String>,
}

/// An incomplete list or object.
struct Open {
    content: Content,
    tag: Option<(String, Span)>,
}

enum Content {
    List(Vec<Json>),
    /// Values with the line of their key, and the key whose value comes next.
    Object(IndexMap<String, (Json, usize)>, Option<(String, usize)>),
}

impl Open {
    fn new(content: Content, tag: Option<Cow<'_, Tag>>, span: Span) -> Self {
        Self {
            content,
            tag: tag.map(|tag| (name_of(&tag), span)),
        }
    }

    fn add(&mut self, node: Node, span: Span, warnings: &mut Vec<TemplateWarning>) -> Result<(), TemplateError> {
        match &mut self.content {
            Content::List(items) => items.push(node.value),
            Content::Object(fields, key) => match key.take() {
                Some((name, line)) => {
                    fields.insert(name, (node.value, line));
                }
                None => {
                    let line = span.start.line();
                    let Some(name) = node.key.filter(|_| !matches!(node.value, Json::Object(_))) else {
                        return Err(wrong(span, "cannot be a key; keys are texts"));
                    };
                    if let Some((_, first)) = fields.get(&name) {
                        warnings.push(TemplateWarning::DuplicateKey {
                            key: name.clone(),
                            first: *first,
                            last: line,
                        });
                    }
                    *key = Some((name, line));
                }
            },
        }
        Ok(())
    }

    fn finish(self) -> Result<Node, TemplateError> {
        let value = match self.content {
            Content::List(items) => Json::Array(items),
            Content::Object(fields, _) => {
                let fields = fields.into_iter().map(|(key, (value, _))| (key, value));
                Json::Object(fields.collect::<Map<_, _>>())
            }
        };
        let value = match self.tag {
            Some((tag, span)) => function(&tag, value, span)?,
            None => value,
        };
        Ok(Node { value, key: None })
    }
}

fn tagged(value: Json, tag: Option<Cow<'_, Tag>>, span: Span) -> Result<Json, TemplateError> {
    match tag {
        Some(tag) => function(&name_of(&tag), value, span),
        None => Ok(value),
    }
}

/// The function named by a tag: `Ref` for `!Ref`, nothing for tags of YAML itself such as `!!str`.
fn name_of(tag: &Tag) -> String {
    if tag.handle() == "!" {
        tag.suffix().to_owned()
    } else {
        String::new()
    }
}

/// Expands a short form: `!Sub x` is `{"Fn::Sub": "x"}`.
fn function(name: &str, argument: Json, span: Span) -> Result<Json, TemplateError> {
    let long = match name {
        "" => return Ok(argument),
        "Ref" | "Condition" => name.to_owned(),
        "And" | "Base64" | "Cidr" | "Equals" | "FindInMap" | "GetAtt" | "GetAZs" | "If" | "ImportValue" | "Join"
        | "Length" | "Not" | "Or" | "Select" | "Split" | "Sub" | "ToJsonString" | "Transform" => {
            format!("Fn::{name}")
        }
        _ => return Err(wrong(span, format!("`!{name}` is not a CloudFormation function"))),
    };
    let argument = match (name, &argument) {
        // An attribute's name may have dots of its own, a resource's may not.
        ("GetAtt", Json::String(dotted)) => match dotted.split_once('.') {
            Some((resource, attribute)) => Json::from(vec![resource, attribute]),
            None => argument,
        },
        _ => argument,
    };
    Ok(Json::Object(Map::from_iter([(long, argument)])))
}

fn wrong(span: Span, message: impl Into<String>) -> TemplateError {
    TemplateError::Yaml {
        line: span.start.line(),
        column: span.start.col() + 1,
        message: message.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(text: &str) -> Result<Json, String> {
        document(text)
            .map(|(document, _)| document)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn short_forms_and_scalars_mean_what_cloudformation_means() {
        let text = "
AWSTemplateFormatVersion: 2010-09-09
Plain: [1, -2, 1.5, true, ~, '3', 012345678901, yes, 0x10]
on: 2
Ref: !Ref Cluster
Sub: !Sub
  - ${A}
  - A: !GetAtt Nested.Outputs.Name
If: !If [IsLive, !Ref AWS::NoValue, !Select [0, !GetAZs '']]
Text: |
  two
  lines
Tagged: !!str 5
";
        assert_eq!(
            read(text).unwrap(),
            json!({
                "AWSTemplateFormatVersion": "2010-09-09",
                "Plain": [1, -2, 1.5, true, null, "3", "012345678901", true, 16],
                "on": 2,
                "Ref": {"Ref": "Cluster"},
                "Sub": {"Fn::Sub": ["${A}", {"A": {"Fn::GetAtt": ["Nested", "Outputs.Name"]}}]},
                "If": {"Fn::If": ["IsLive", {"Ref": "AWS::NoValue"}, {"Fn::Select": [0, {"Fn::GetAZs": ""}]}]},
                "Text": "two\nlines\n",
                "Tagged": "5"
            })
        );
    }

    #[test]
    fn errors_have_line_and_column() {
        for (text, expected) in [
            ("A: 1\nB: [", "line 2, column 4: unclosed bracket '['"),
            (
                "A: &x 1\nB: *x",
                "line 2, column 4: is an alias; CloudFormation does not support aliases",
            ),
            (
                "A: !Reff x",
                "line 1, column 10: `!Reff` is not a CloudFormation function",
            ),
            (
                "A: 1\n---\nB: 2",
                "line 2, column 1: is a second document; a template is one document",
            ),
            ("? [a]\n: b", "cannot be a key; keys are texts"),
        ] {
            let diagnostic = read(text).unwrap_err();
            assert!(diagnostic.contains(expected), "{text:?}: {diagnostic}");
        }
        let deep = "[".repeat(1000);
        assert!(read(&deep).is_err());
    }

    #[test]
    fn the_last_of_two_equal_keys_wins_with_a_warning() {
        let (document, warnings) = document("A: 1\nB: {C: 1, C: 2}\nA: 3").unwrap();
        assert_eq!(document, json!({"A": 3, "B": {"C": 2}}));
        let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
        assert_eq!(
            warnings,
            [
                "line 2: the key `C` is already in line 2; the last value is used",
                "line 3: the key `A` is already in line 1; the last value is used"
            ]
        );
    }

    #[test]
    fn what_libyaml_reads_is_read() {
        for (text, expected) in [
            ("A:\n  B: [\n    x\n  ]\nC: {\n}\n", json!({"A": {"B": ["x"]}, "C": {}})),
            ("A:\n  B: \"first\n second\"\n", json!({"A": {"B": "first second"}})),
            ("A:\n    B: 'first\n\n  second'\n", json!({"A": {"B": "first\nsecond"}})),
            ("A:\n- x\nB: y\n", json!({"A": ["x"], "B": "y"})),
        ] {
            assert_eq!(read(text).unwrap(), expected, "{text:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_read_or_refused(text in "[-\\[\\]{}:,#!&*|>'\"%@~? \nA-Ca-c0-9]{0,60}") {
            let _read = document(&text);
        }
    }
}
