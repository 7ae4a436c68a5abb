//! From a YAML document to the JSON document that means the same, CloudFormation's short forms included.
//!
//! Events are taken from the parser one by one rather than a finished tree: a tree has forgotten where things
//! were, and has copied out aliases, with which a page of text can fill any memory. CloudFormation knows no
//! aliases either. Source: CloudFormation user guide, template formats (read 2026-11-23).

use std::borrow::Cow;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::{Map, Number, Value as Json};

use super::TemplateError;

/// As deep as the JSON reader goes.
const DEEPEST: usize = 128;

/// The document in `text`.
pub(super) fn document(text: &str) -> Result<Json, TemplateError> {
    let mut open: Vec<Open> = Vec::new();
    let mut document = None;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| TemplateError::Yaml {
            line: error.marker().line(),
            column: error.marker().col() + 1,
            message: error.info().to_owned(),
        })?;
        let finished = match event {
            Event::Scalar(text, style, _, tag) => Some(tagged(scalar(&text, style, tag.as_deref()), tag, span)?),
            Event::SequenceStart(_, tag) => {
                open.push(Open::new(Content::List(Vec::new()), tag, span));
                None
            }
            Event::MappingStart(_, tag) => {
                open.push(Open::new(Content::Object(Map::new(), None), tag, span));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().map(Open::finish).transpose()?,
            Event::Alias(_) => return Err(wrong(span, "is an alias; templates have none")),
            Event::DocumentStart(_) if document.is_some() => {
                return Err(wrong(span, "is a second document; a template is one"));
            }
            _ => None,
        };
        if open.len() > DEEPEST {
            return Err(wrong(span, format!("lies more than {DEEPEST} levels deep")));
        }
        let Some(value) = finished else { continue };
        match open.last_mut() {
            Some(parent) => parent.take(value, span)?,
            None => document = Some(value),
        }
    }
    Ok(document.unwrap_or(Json::Null))
}

/// A list or an object that is not complete yet.
struct Open {
    content: Content,
    tag: Option<(String, Span)>,
}

enum Content {
    List(Vec<Json>),
    /// With the key whose value comes next.
    Object(Map<String, Json>, Option<String>),
}

impl Open {
    fn new(content: Content, tag: Option<Cow<'_, Tag>>, span: Span) -> Self {
        Self {
            content,
            tag: tag.map(|tag| (name_of(&tag), span)),
        }
    }

    fn take(&mut self, value: Json, span: Span) -> Result<(), TemplateError> {
        match &mut self.content {
            Content::List(items) => items.push(value),
            Content::Object(fields, key) => match key.take() {
                Some(key) => {
                    fields.insert(key, value);
                }
                None => {
                    let name = match value {
                        Json::String(name) => name,
                        scalar @ (Json::Number(_) | Json::Bool(_)) => scalar.to_string(),
                        _ => return Err(wrong(span, "cannot be a key; keys are texts")),
                    };
                    if fields.contains_key(&name) {
                        return Err(wrong(span, format!("gives the key `{name}` a second time")));
                    }
                    *key = Some(name);
                }
            },
        }
        Ok(())
    }

    fn finish(self) -> Result<Json, TemplateError> {
        let value = match self.content {
            Content::List(items) => Json::Array(items),
            Content::Object(fields, _) => Json::Object(fields),
        };
        match self.tag {
            Some((tag, span)) => function(&tag, value, span),
            None => Ok(value),
        }
    }
}

/// A scalar by the rules of YAML's core schema, with one exception: digits after a leading zero are a text. They
/// are account ids.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Json {
    let is_text = tag.is_some_and(|tag| !name_of(tag).is_empty() || tag.suffix == "str");
    if style != ScalarStyle::Plain || is_text {
        return Json::from(text);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Json::Null,
        "true" | "True" | "TRUE" => Json::Bool(true),
        "false" | "False" | "FALSE" => Json::Bool(false),
        _ => number(text).map_or_else(|| Json::from(text), Json::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.trim_start_matches(['-', '+']);
    let leading_zero = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    if leading_zero || !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Ok(integer) = text.parse::<i64>() {
        return Some(integer.into());
    }
    digits
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+'))
        .then(|| text.parse().ok().and_then(Number::from_f64))
        .flatten()
}

fn tagged(value: Json, tag: Option<Cow<'_, Tag>>, span: Span) -> Result<Json, TemplateError> {
    match tag {
        Some(tag) => function(&name_of(&tag), value, span),
        None => Ok(value),
    }
}

/// The name behind a tag: `!Ref` is `Ref`. Tags of YAML itself, `!!str` among them, have none.
fn name_of(tag: &Tag) -> String {
    if tag.handle == "!" {
        tag.suffix.clone()
    } else {
        String::new()
    }
}

/// What a short form stands for: `!Sub x` is `{"Fn::Sub": "x"}`.
fn function(name: &str, argument: Json, span: Span) -> Result<Json, TemplateError> {
    let long = match name {
        "" => return Ok(argument),
        "Ref" | "Condition" => name.to_owned(),
        "And" | "Base64" | "Cidr" | "Equals" | "FindInMap" | "GetAtt" | "GetAZs" | "If" | "ImportValue" | "Join"
        | "Length" | "Not" | "Or" | "Select" | "Split" | "Sub" | "ToJsonString" | "Transform" => {
            format!("Fn::{name}")
        }
        _ => return Err(wrong(span, format!("`!{name}` is no function of CloudFormation"))),
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
        document(text).map_err(|error| error.to_string())
    }

    #[test]
    fn short_forms_and_scalars_mean_what_cloudformation_means() {
        let text = "
AWSTemplateFormatVersion: 2010-09-09
Plain: [1, -2, 1.5, true, ~, '3', 012345678901, yes, 0x10]
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
                "Plain": [1, -2, 1.5, true, null, "3", "012345678901", "yes", "0x10"],
                "Ref": {"Ref": "Cluster"},
                "Sub": {"Fn::Sub": ["${A}", {"A": {"Fn::GetAtt": ["Nested", "Outputs.Name"]}}]},
                "If": {"Fn::If": ["IsLive", {"Ref": "AWS::NoValue"}, {"Fn::Select": [0, {"Fn::GetAZs": ""}]}]},
                "Text": "two\nlines\n",
                "Tagged": "5"
            })
        );
    }

    #[test]
    fn mistakes_are_named_with_line_and_column() {
        for (text, expected) in [
            ("A: 1\nB: [", "line 3, column 1: while parsing a node"),
            ("A: 1\nA: 2", "line 2, column 1: gives the key `A` a second time"),
            ("A: &x 1\nB: *x", "line 2, column 4: is an alias; templates have none"),
            (
                "A: !Reff x",
                "line 1, column 4: `!Reff` is no function of CloudFormation",
            ),
            (
                "A: 1\n---\nB: 2",
                "line 2, column 1: is a second document; a template is one",
            ),
            ("? [a]\n: b", "cannot be a key; keys are texts"),
        ] {
            let diagnostic = read(text).unwrap_err();
            assert!(diagnostic.contains(expected), "{text:?}: {diagnostic}");
        }
        let deep = "[".repeat(1000);
        assert!(read(&deep).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_read_or_refused(text in "[-\\[\\]{}:,#!&*|>'\"%@~? \nA-Ca-c0-9]{0,60}") {
            let _read = document(&text);
        }
    }
}
