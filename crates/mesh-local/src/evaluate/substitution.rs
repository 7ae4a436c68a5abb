//! `Fn::Sub`: texts with `${…}` in them.

use mesh_infra::cfn::unknown;
use serde_json::{Map, Value as Json};

use super::{Evaluation, Progress, has_unknown, text_of, wrong};

impl Evaluation<'_> {
    /// Evaluates `Fn::Sub` in both of its forms: a text, or a text and variables of its own.
    pub(super) fn substitute(self, argument: &Json, path: &str, progress: &mut Progress<'_>) -> Json {
        let none = Map::new();
        let (text, variables) = match argument {
            Json::String(text) => (text, &none),
            Json::Array(items) => match items.as_slice() {
                [Json::String(text), Json::Object(variables)] => (text, variables),
                _ => return wrong(path, "Fn::Sub takes a text, or a text and variables", progress),
            },
            _ => return wrong(path, "Fn::Sub takes a text, or a text and variables", progress),
        };
        let mut is_known = true;
        let mut result = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            result.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                return wrong(path, &format!("Fn::Sub: `${{` is not closed in `{text}`"), progress);
            };
            match name.strip_prefix('!') {
                // ${!Literal} is how a template says ${Literal}.
                Some(literal) => result.push_str(&format!("${{{literal}}}")),
                None => match self.variable(name.trim(), variables, path, progress) {
                    Some(text) => result.push_str(&text),
                    None => is_known = false,
                },
            }
            rest = after;
        }
        result.push_str(rest);
        if is_known { Json::from(result) } else { unknown() }
    }

    /// What stands for `${name}`; `None` if that is unknown.
    fn variable(self, name: &str, own: &Map<String, Json>, path: &str, progress: &mut Progress<'_>) -> Option<String> {
        let value = match (own.get(name), name.split_once('.')) {
            (Some(value), _) => self.value(value, path, progress).unwrap_or(Json::Null),
            (None, Some((target, attribute))) => self.attribute(target, attribute, path, progress),
            (None, None) => self.reference(name, path, progress),
        };
        (!has_unknown(&value)).then(|| text_of(&value))
    }
}
