//! `Fn::Sub`, `Fn::Join`, `Fn::Split`, `Fn::Base64` and `Fn::ToJsonString`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use super::super::{Context, Evaluated, Unknown, escape_sub, scalar_text};
use super::Call;

pub(super) fn join(call: Call<'_>, context: &mut Context<'_>) -> Option<Evaluated> {
    let arguments = match call.known_arguments(context) {
        Ok(arguments) => arguments,
        Err(remaining) => return Some(remaining),
    };
    Some(match arguments.as_slice() {
        [Json::String(delimiter), Json::Array(items)] => {
            let texts: Vec<String> = items.iter().map(scalar_text).collect();
            let length = texts.iter().map(String::len).sum::<usize>() + delimiter.len() * texts.len();
            if !context.has_room(length, call.path) {
                return Some(call.too_large());
            }
            Evaluated::Known(Json::from(texts.join(delimiter)))
        }
        _ => call.invalid("Fn::Join requires a delimiter and a list", context),
    })
}

pub(super) fn split(call: Call<'_>, context: &mut Context<'_>) -> Option<Evaluated> {
    let arguments = match call.known_arguments(context) {
        Ok(arguments) => arguments,
        Err(remaining) => return Some(remaining),
    };
    Some(match arguments.as_slice() {
        [Json::String(delimiter), Json::String(text)] if !delimiter.is_empty() => {
            Evaluated::Known(text.split(delimiter.as_str()).map(Json::from).collect())
        }
        _ => call.invalid("Fn::Split requires a delimiter and a string", context),
    })
}

pub(super) fn base64(call: Call<'_>, context: &mut Context<'_>) -> Option<Evaluated> {
    Some(match call.known_argument(context) {
        Ok(Json::String(text)) => Evaluated::Known(Json::from(STANDARD.encode(text))),
        Ok(_) => call.invalid("Fn::Base64 requires a string", context),
        Err(remaining) => remaining,
    })
}

pub(super) fn to_json_string(call: Call<'_>, context: &mut Context<'_>) -> Option<Evaluated> {
    Some(match call.known_argument(context) {
        Ok(value @ (Json::Object(_) | Json::Array(_))) => Evaluated::Known(Json::from(value.to_string())),
        Ok(_) => call.invalid("Fn::ToJsonString requires an object or a list", context),
        Err(remaining) => remaining,
    })
}

/// `Fn::Sub` in both forms: a string, or a string and a map of variables.
pub(super) fn sub(call: Call<'_>, context: &mut Context<'_>) -> Option<Evaluated> {
    const USAGE: &str = "Fn::Sub requires a string, or a string and a map of variables";
    let (text, own) = match call.argument {
        Json::String(text) => (text, None),
        Json::Array(items) => match items.as_slice() {
            [Json::String(text), Json::Object(own)] => (text, Some(own)),
            _ => return Some(call.invalid(USAGE, context)),
        },
        _ => return Some(call.invalid(USAGE, context)),
    };
    let mut variables: IndexMap<&str, Evaluated> = IndexMap::new();
    for (name, value) in own.into_iter().flatten() {
        let value = call.stack.evaluate(value, call.path, context);
        variables.insert(name, value.unwrap_or(Evaluated::Known(Json::Null)));
    }
    // The result, and the text of the `Fn::Sub` that remains if a part is unknown.
    let (mut result, mut remaining) = (String::with_capacity(text.len()), String::new());
    let mut first_unknown: Option<Unknown> = None;
    let mut rest = text.as_str();
    while let Some((before, opened)) = rest.split_once("${") {
        let Some((name, after)) = opened.split_once('}') else {
            let message = format!("Fn::Sub: `${{` is not closed in `{text}`");
            return Some(call.invalid(message, context));
        };
        rest = after;
        result.push_str(before);
        remaining.push_str(before);
        let value = match name.strip_prefix('!') {
            Some(literal) => Evaluated::Known(Json::from(format!("${{{literal}}}"))),
            None => variable(call, name.trim(), &variables, context),
        };
        match value.into_known() {
            Ok(known) => {
                let known = scalar_text(&known);
                if !context.has_room(known.len(), call.path) {
                    return Some(call.too_large());
                }
                remaining.push_str(&escape_sub(&known));
                result.push_str(&known);
            }
            Err(unknown) => {
                remaining.push_str(&format!("${{{name}}}"));
                first_unknown.get_or_insert(unknown);
            }
        }
    }
    let Some(unknown) = first_unknown else {
        return Some(Evaluated::Known(Json::from(result + rest)));
    };
    remaining.push_str(rest);
    // Known variables are inserted; CloudFormation's validation warns of unused ones.
    variables.retain(|_, value| value.known().is_none());
    let argument = if variables.is_empty() {
        Json::from(remaining)
    } else {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into_expression()));
        json!([remaining, Json::Object(variables.collect())])
    };
    Some(Evaluated::Unknown(unknown.within(json!({ call.name: argument }))))
}

/// The value of `${name}`.
fn variable(call: Call<'_>, name: &str, own: &IndexMap<&str, Evaluated>, context: &mut Context<'_>) -> Evaluated {
    match (own.get(name), name.split_once('.')) {
        (Some(value), _) => value.clone(),
        (None, Some((target, attribute))) => call.stack.attribute(target, attribute, call.path, context),
        (None, None) => call.stack.reference(name, call.path, context),
    }
}
