//! Validates a document against its schema and converts it to the API's casing.

use serde_json::{Map, Value};
use sidecar_contract::Diagnostics;

use super::cursor::{join, key};
use super::schema::{Field, Shape};
use crate::key_casing::KeyCasing;

/// Validates a document against its schema and converts it to the API's casing.
///
/// Numbers and flags that CloudFormation accepts as strings (`"80"`, `"true"`) are converted.
pub(super) struct Reader<'d> {
    pub(super) casing: KeyCasing,
    /// True for documents of virtual gateways, which do not support all fields.
    pub(super) in_gateway: bool,
    pub(super) diagnostics: &'d mut Diagnostics,
}

impl Reader<'_> {
    pub(super) fn read(&mut self, shape: &Shape, value: &Value, path: &str) -> Value {
        match (shape, value) {
            (Shape::Structure { .. }, Value::Object(object)) => self.structure(shape, object, path),
            (Shape::Union(_), Value::Object(object)) => self.union(shape, object, path),
            (Shape::List { of, min, max }, Value::Array(items)) => {
                if items.len() < *min || items.len() > *max {
                    let message = format!("has {} items; allowed are {}", items.len(), range(*min, *max));
                    self.diagnostics.add(path, message);
                }
                let items = items.iter().enumerate();
                items
                    .map(|(index, item)| self.read(of, item, &format!("{path}[{index}]")))
                    .collect()
            }
            (scalar, value) => self.scalar(scalar, value, path),
        }
    }

    fn structure(&mut self, shape: &Shape, object: &Map<String, Value>, path: &str) -> Value {
        let fields = shape.fields(self.in_gateway);
        let read = self.fields(&fields, object, path);
        for field in fields {
            if field.required && !read.contains_key(field.name) {
                self.diagnostics
                    .add(join(path, &key(field.name, self.casing)), "is missing");
            }
        }
        Value::Object(read)
    }

    fn union(&mut self, shape: &Shape, object: &Map<String, Value>, path: &str) -> Value {
        let fields = shape.fields(self.in_gateway);
        let read = self.fields(&fields, object, path);
        if read.len() != 1 {
            let found = if read.is_empty() {
                "none".to_owned()
            } else {
                read.len().to_string()
            };
            let message = format!("has {found} of {}; exactly one is allowed", self.keys(&fields));
            self.diagnostics.add(path, message);
        }
        Value::Object(read)
    }

    fn fields(&mut self, fields: &[&Field], object: &Map<String, Value>, path: &str) -> Map<String, Value> {
        let mut read = Map::new();
        for (name, value) in object {
            let path = join(path, name);
            match fields.iter().find(|field| key(field.name, self.casing) == *name) {
                // Some tools write null for an absent field.
                Some(_) if value.is_null() => {}
                Some(field) => {
                    read.insert(field.name.to_owned(), self.read(field.shape, value, &path));
                }
                None => {
                    let message = format!("is not a known field; known are {}", self.keys(fields));
                    self.diagnostics.add(path, message);
                }
            }
        }
        read
    }

    fn keys(&self, fields: &[&Field]) -> String {
        let keys: Vec<String> = fields.iter().map(|field| key(field.name, self.casing)).collect();
        keys.join(", ")
    }

    fn scalar(&mut self, shape: &Shape, value: &Value, path: &str) -> Value {
        let is_lenient = self.casing == KeyCasing::Pascal;
        let (read, is_allowed) = match (shape, value) {
            (Shape::Flag, Value::String(text)) if is_lenient && matches!(text.as_str(), "true" | "false") => {
                (Value::Bool(text == "true"), true)
            }
            (Shape::Flag, Value::Bool(_)) => (value.clone(), true),
            (Shape::Whole { min, max }, _) => {
                let number = match value {
                    Value::String(text) if is_lenient => text.parse().ok(),
                    value => value.as_i64(),
                };
                let is_allowed = number.is_some_and(|number: i64| number >= *min && number <= *max);
                (number.map_or(Value::Null, Value::from), is_allowed)
            }
            (Shape::Text { min, max }, Value::String(text)) => {
                let length = text.chars().count();
                (value.clone(), length >= *min && length <= *max)
            }
            (Shape::Printable { min, max, spaces }, Value::String(text)) => {
                let is_printable = |c: char| c.is_ascii_graphic() || (*spaces && c == ' ');
                let is_trimmed = text.trim() == text;
                let is_in_range = text.len() >= *min && text.len() <= *max;
                (
                    value.clone(),
                    is_in_range && is_trimmed && text.chars().all(is_printable),
                )
            }
            (Shape::Keyword(_), Value::String(text)) => {
                (value.clone(), shape.keywords(self.in_gateway).contains(&text.as_str()))
            }
            _ => (value.clone(), false),
        };
        if !is_allowed {
            let message = format!("is {}; allowed is {}", shortened(value), self.allowed(shape));
            self.diagnostics.add(path, message);
        }
        read
    }

    fn allowed(&self, shape: &Shape) -> String {
        match shape {
            Shape::Structure { .. } | Shape::Union(_) => "an object".to_owned(),
            Shape::List { .. } => "a list".to_owned(),
            Shape::Flag => "true or false".to_owned(),
            Shape::Keyword(_) => shape.keywords(self.in_gateway).join(", "),
            Shape::Whole { min: i64::MIN, .. } => "a whole number".to_owned(),
            Shape::Whole { min, max: i64::MAX } => format!("a whole number from {min}"),
            Shape::Whole { min, max } => format!("a whole number from {min} to {max}"),
            Shape::Text {
                min: 0,
                max: usize::MAX,
            } => "a string".to_owned(),
            Shape::Text { min, max } => format!("a string of {} characters", range(*min, *max)),
            Shape::Printable { min, max, spaces } => {
                let spaces = if *spaces { "spaces only inside" } else { "no spaces" };
                format!("{} printable ASCII characters, {spaces}", range(*min, *max))
            }
        }
    }
}

fn shortened(value: &Value) -> String {
    const MAX_CHARACTERS: usize = 60;
    let text = value.to_string();
    let count = text.chars().count();
    if count <= MAX_CHARACTERS {
        text
    } else {
        let start: String = text.chars().take(MAX_CHARACTERS).collect();
        format!("{start}… ({count} characters)")
    }
}

fn range(min: usize, max: usize) -> String {
    match (min, max) {
        (min, usize::MAX) => format!("{min} or more"),
        (min, max) if min == max => format!("exactly {min}"),
        (min, max) => format!("{min} to {max}"),
    }
}
