//! Expressions as text for people.

use serde_json::Value as Json;

use crate::value::intrinsic;

/// A value or expression for people: scalars as text, lists separated by commas, references as `${LogicalId}` or
/// `${LogicalId.Attribute}`, `Fn::Sub` and `Fn::Join` as the text they make, anything else as JSON.
#[must_use]
pub fn render(json: &Json) -> String {
    if let Json::Array(items) = json {
        return items.iter().map(render).collect::<Vec<_>>().join(", ");
    }
    match intrinsic(json) {
        Some(("Ref", Json::String(name))) => format!("${{{name}}}"),
        Some(("Fn::GetAtt", Json::String(attribute))) => format!("${{{attribute}}}"),
        Some(("Fn::GetAtt", Json::Array(parts))) => {
            let parts: Vec<String> = parts.iter().map(render).collect();
            format!("${{{}}}", parts.join("."))
        }
        Some(("Fn::Sub", Json::String(text))) => text.replace("${!", "${"),
        Some(("Fn::Sub", Json::Array(parts))) => {
            let text = parts.first().and_then(Json::as_str).unwrap_or_default();
            let mut text = text.to_owned();
            for (name, value) in parts.get(1).and_then(Json::as_object).into_iter().flatten() {
                text = text.replace(&format!("${{{name}}}"), &render(value));
            }
            text.replace("${!", "${")
        }
        Some(("Fn::Join", Json::Array(parts))) => {
            let separator = parts.first().and_then(Json::as_str).unwrap_or_default();
            match parts.get(1) {
                Some(Json::Array(items)) => items.iter().map(render).collect::<Vec<_>>().join(separator),
                other => other.map(render).unwrap_or_default(),
            }
        }
        Some(("Fn::ImportValue", name)) => format!("the import `{}`", render(name)),
        _ => scalar_text(json),
    }
}

/// A value as text, as `Fn::Sub` and `Fn::Join` insert it: strings as they are, anything else as JSON.
#[must_use]
pub fn scalar_text(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// True if the value is or contains an intrinsic function.
#[must_use]
pub fn contains_expression(json: &Json) -> bool {
    match json {
        _ if intrinsic(json).is_some() => true,
        Json::Object(object) => object.values().any(contains_expression),
        Json::Array(items) => items.iter().any(contains_expression),
        _ => false,
    }
}

/// Text that `Fn::Sub` leaves unchanged: `${` as `${!`.
#[must_use]
pub fn escape_sub(text: &str) -> String {
    text.replace("${", "${!")
}
