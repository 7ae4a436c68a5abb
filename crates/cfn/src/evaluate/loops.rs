//! `Fn::ForEach`: carries out the loops of a template.
//!
//! Semantics: CloudFormation user guide, "Fn::ForEach" and "AWS::LanguageExtensions transform" (read 2026-11-30). A loop
//! is an entry `Fn::ForEach::NAME` of conditions, resources, outputs or properties. Its value is an identifier, a
//! collection and a fragment; for each item of the collection, the fragment's entries take the place of the loop, with
//! the item in place of `${identifier}` and of `Ref` to the identifier. `&{identifier}` is the item without characters that
//! a logical id cannot have.

use serde_json::{Map, Value as Json};

use super::{Context, Evaluated, StackScope, scalar_text};
use crate::template::{LANGUAGE_EXTENSIONS, Template};
use crate::value::intrinsic;

const PREFIX: &str = "Fn::ForEach::";

/// Limit on the steps of all loops of a template, so that nested loops end: values made, and items of collections. The
/// largest template that CloudFormation accepts has 1 MB, which is fewer values.
const MAX_STEPS: usize = 200_000;

/// Limit on the text that the loops of a template make, in bytes, with the paths of their values.
const MAX_TEXT: usize = 64 << 20;

/// The sections in which CloudFormation allows loops.
const SECTIONS: [&str; 3] = ["Conditions", "Resources", "Outputs"];

impl StackScope<'_> {
    /// The template with its loops carried out. `None` if it has none.
    ///
    /// Reports loops with another shape, collections that are not known, and entries that a loop makes twice.
    pub fn expand_loops(self, context: &mut Context<'_>) -> Option<Template> {
        let template = self.template();
        let mut document = template.to_document();
        let has_loops = SECTIONS
            .iter()
            .any(|section| document.get(section).is_some_and(has_loop));
        if !has_loops {
            return None;
        }
        let prefix = self.path_prefix();
        if !template.transforms().contains(&LANGUAGE_EXTENSIONS) {
            let message =
                format!("Fn::ForEach requires the macro {LANGUAGE_EXTENSIONS}: `Transform: {LANGUAGE_EXTENSIONS}`");
            context.report(format!("{prefix}Transform"), message);
        }
        let mut expansion = Expansion {
            stack: self,
            context,
            steps: 0,
            text: 0,
        };
        for section in SECTIONS {
            if let Some(Json::Object(entries)) = document.get_mut(section) {
                let path = format!("{prefix}{section}");
                *entries = expansion.entries(entries, &path, &mut Vec::new());
            }
        }
        match Template::from_document(document) {
            Ok(template) => Some(template),
            Err(error) => {
                context.report(format!("{prefix}Resources"), format!("after its loops: {error}"));
                None
            }
        }
    }
}

/// Whether a value contains a loop.
fn has_loop(json: &Json) -> bool {
    match json {
        Json::Object(entries) => entries
            .iter()
            .any(|(key, value)| key.starts_with(PREFIX) || has_loop(value)),
        Json::Array(items) => items.iter().any(has_loop),
        _ => false,
    }
}

/// The identifiers of the loops around a value, with their items.
type Variables = Vec<(String, String)>;

struct Expansion<'e, 'c, 'd> {
    stack: StackScope<'e>,
    context: &'c mut Context<'d>,
    /// The number of values made and of items visited so far.
    steps: usize,
    /// The bytes of text made so far.
    text: usize,
}

impl Expansion<'_, '_, '_> {
    fn value(&mut self, json: &Json, path: &str, variables: &mut Variables) -> Json {
        if !self.has_room(1, path.len(), path) {
            return Json::Null;
        }
        if let Some(("Ref", Json::String(name))) = intrinsic(json)
            && let Some((_, item)) = variables.iter().rev().find(|(variable, _)| variable == name)
        {
            let item = item.clone();
            self.has_room(0, item.len(), path);
            return Json::from(item);
        }
        match json {
            Json::Object(entries) => Json::Object(self.entries(entries, path, variables)),
            Json::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| self.value(item, &format!("{path}[{index}]"), variables))
                .collect(),
            Json::String(text) => Json::from(self.substituted(text, path, variables)),
            other => other.clone(),
        }
    }

    fn entries(&mut self, entries: &Map<String, Json>, path: &str, variables: &mut Variables) -> Map<String, Json> {
        let mut expanded = Map::with_capacity(entries.len());
        for (key, value) in entries {
            if self.is_exhausted() {
                return expanded;
            }
            let path = format!("{path}.{key}");
            if key.starts_with(PREFIX) {
                self.expand(value, &path, variables, &mut expanded);
            } else {
                let key = self.substituted(key, &path, variables);
                let value = self.value(value, &path, variables);
                if expanded.insert(key.clone(), value).is_some() {
                    self.context.report(path, duplicate(&key));
                }
            }
        }
        expanded
    }

    /// Adds the entries of a loop to those around it.
    fn expand(&mut self, json: &Json, path: &str, variables: &mut Variables, expanded: &mut Map<String, Json>) {
        let parts = json.as_array().map(Vec::as_slice);
        let Some([Json::String(identifier), collection, Json::Object(fragment)]) = parts else {
            let message = "Fn::ForEach requires an identifier, a collection and an object with the entries to repeat";
            self.context.report(path, message);
            return;
        };
        for item in self.collection(collection, path, variables) {
            if !self.has_room(1, item.len(), path) {
                return;
            }
            variables.push((identifier.clone(), item));
            let made = self.entries(fragment, path, variables);
            variables.pop();
            for (key, value) in made {
                if expanded.insert(key.clone(), value).is_some() {
                    self.context.report(path, duplicate(&key));
                }
            }
        }
    }

    fn is_exhausted(&self) -> bool {
        self.steps > MAX_STEPS || self.text > MAX_TEXT
    }

    /// Counts what is about to be made. `false` beyond a limit, which is reported once: then all loops end.
    fn has_room(&mut self, steps: usize, text: usize, path: &str) -> bool {
        if self.is_exhausted() {
            return false;
        }
        self.steps += steps;
        self.text = self.text.saturating_add(text);
        if self.is_exhausted() {
            let limit = MAX_TEXT >> 20;
            let message =
                format!("the loops of this template make more than {MAX_STEPS} values, or {limit} MiB of text");
            self.context.report(path, message);
        }
        !self.is_exhausted()
    }

    /// A text with the items of loops in place of their identifiers; cut off at the limit on text.
    fn substituted(&mut self, text: &str, path: &str, variables: &Variables) -> String {
        let mut result = String::new();
        let mut rest = text;
        while let Some(brace) = rest.find('{') {
            let (before, opened) = rest.split_at(brace);
            let sigil = before.chars().next_back().filter(|sigil| matches!(sigil, '$' | '&'));
            let name = opened.find('}').map(|end| &opened[1..end]);
            let item = name.and_then(|name| variables.iter().rev().find(|(variable, _)| variable == name));
            let (Some(sigil), Some((name, item))) = (sigil, item) else {
                result.push_str(&rest[..=brace]);
                rest = &opened[1..];
                continue;
            };
            if !self.has_room(0, item.len(), path) {
                break;
            }
            result.push_str(&before[..before.len() - 1]);
            if sigil == '$' {
                result.push_str(item);
            } else {
                result.extend(item.chars().filter(char::is_ascii_alphanumeric));
            }
            rest = &opened[name.len() + 2..];
        }
        result + rest
    }

    /// The items of a collection: a list, or a function that returns one.
    fn collection(&mut self, json: &Json, path: &str, variables: &mut Variables) -> Vec<String> {
        let path = format!("{path}[1]");
        let collection = self.value(json, &path, variables);
        let collection = self.stack.evaluate(&collection, &path, self.context);
        match collection.unwrap_or(Evaluated::Known(Json::Null)).into_known() {
            Ok(Json::Array(items)) => items.iter().map(scalar_text).collect(),
            Ok(other) => {
                let message = format!("the collection of Fn::ForEach is {other}; allowed is a list");
                self.context.report(path, message);
                Vec::new()
            }
            Err(unknown) => {
                let message = format!("the collection of Fn::ForEach must be known here: {}", unknown.reason());
                self.context.report(path, message);
                Vec::new()
            }
        }
    }
}

fn duplicate(key: &str) -> String {
    format!("Fn::ForEach makes `{key}` twice; the name of an entry must contain the identifier of its loop")
}
