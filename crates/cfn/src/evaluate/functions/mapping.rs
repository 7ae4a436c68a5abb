//! `Fn::FindInMap`.

use serde_json::Value as Json;

use super::super::{Context, Evaluated, scalar_text};
use super::Call;
use crate::schema::closest;

pub(super) fn find_in_map(call: Call<'_>, context: &mut Context<'_>) -> Option<Evaluated> {
    // `DefaultValue`, an addition of `AWS::LanguageExtensions`, is evaluated only if it is needed.
    let (keys, default) = match call.argument.as_array().map(Vec::as_slice) {
        Some([map, first, second, options]) => match options.get("DefaultValue") {
            Some(default) => (
                Json::from(vec![map.clone(), first.clone(), second.clone()]),
                Some(default),
            ),
            None => (call.argument.clone(), None),
        },
        _ => (call.argument.clone(), None),
    };
    let keys = Call {
        argument: &keys,
        ..call
    }
    .evaluate_argument(context);
    let keys = match keys {
        Evaluated::Known(Json::Array(keys)) => keys,
        Evaluated::Known(_) => Vec::new(),
        // The keys that are known are inserted, and the default stays.
        partial => {
            let argument = match (partial, default) {
                (Evaluated::List(mut items), Some(default)) => {
                    let default = call.stack.evaluate(default, call.path, context);
                    let default = default.unwrap_or(Evaluated::Known(Json::Null));
                    items.push(Evaluated::object([("DefaultValue".to_owned(), default)].into()));
                    Evaluated::List(items)
                }
                (partial, _) => partial,
            };
            return Some(call.remaining(argument));
        }
    };
    let [map, first, second] = keys.as_slice() else {
        let message = "Fn::FindInMap requires a map, a top-level key, a second-level key and, optionally, an object with \
                       DefaultValue";
        return Some(call.invalid(message, context));
    };
    let keys = [map, first, second].map(scalar_text);
    match (find(call, &keys), default) {
        (Ok(value), _) => Some(Evaluated::Known(value.clone())),
        (Err(_), Some(default)) => call.stack.evaluate(default, call.path, context),
        (Err(hint), None) => {
            let message = format!("Fn::FindInMap: no entry {}; {hint}", keys.join(" / "));
            Some(call.invalid(message, context))
        }
    }
}

/// The entry of these keys, or what there is in place of the first key that does not exist.
fn find<'c>(call: Call<'c>, keys: &[String; 3]) -> Result<&'c Json, String> {
    let hint = |what: &str, key: &str, known: Vec<&str>| {
        if let Some(hint) = call.stack.resolver().mapping_hint(call.stack, key, &known) {
            return hint;
        }
        match (closest(key, known.iter().copied()), known.as_slice()) {
            (Some(meant), _) => format!("did you mean {meant}?"),
            (None, []) => format!("{what} has no keys"),
            (None, known) => format!("{what} has {}", known.join(", ")),
        }
    };
    let mappings = &call.stack.template().mappings;
    let keys_of = |json: &'c Json| -> Vec<&'c str> {
        let entries = json.as_object().into_iter().flatten();
        entries.map(|(key, _)| key.as_str()).collect()
    };
    let [map, first, second] = keys;
    let Some(entries) = mappings.get(map) else {
        let known = mappings.keys().map(String::as_str).collect();
        return Err(hint("the section Mappings", map, known));
    };
    let Some(entry) = entries.get(first) else {
        return Err(hint(map, first, keys_of(entries)));
    };
    let path = format!("{map} / {first}");
    entry.get(second).ok_or_else(|| hint(&path, second, keys_of(entry)))
}
