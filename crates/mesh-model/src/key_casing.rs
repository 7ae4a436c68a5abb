//! Key casing: `portName` in AWS's APIs, `PortName` in CloudFormation.
//!
//! The structs of this crate have the API's keys; these functions convert whole documents. They change the first letter
//! of object keys only, so a round trip is lossless as long as no object has user-defined keys. The options of a log
//! configuration are such an object and have to be excluded. App Mesh has abbreviations with a casing of their own; see
//! [`crate::app_mesh::document`].

use serde_json::{Map, Value};

/// How keys are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyCasing {
    /// As in the API: `portMapping`, `dns`.
    Camel,
    /// As in CloudFormation: `PortMapping`, `DNS`.
    Pascal,
}

/// Converts keys to CloudFormation's casing (`portName` → `PortName`).
#[must_use]
pub fn to_pascal_case(document: Value) -> Value {
    map_keys(document, &pascal_case)
}

/// Converts keys to the API's casing (`PortName` → `portName`).
#[must_use]
pub fn to_camel_case(document: Value) -> Value {
    map_keys(document, &|key| {
        map_first_letter(key, |first| first.to_ascii_lowercase())
    })
}

/// Converts one key to CloudFormation's casing.
#[must_use]
pub fn pascal_case(key: &str) -> String {
    map_first_letter(key, |first| first.to_ascii_uppercase())
}

/// Maps the keys of all objects in a document.
pub(crate) fn map_keys(document: Value, map: &impl Fn(&str) -> String) -> Value {
    match document {
        Value::Object(object) => Value::Object(
            object
                .into_iter()
                .map(|(key, value)| (map(&key), map_keys(value, map)))
                .collect::<Map<_, _>>(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(|item| map_keys(item, map)).collect()),
        scalar => scalar,
    }
}

fn map_first_letter(key: &str, map: impl Fn(char) -> char) -> String {
    let mut letters = key.chars();
    match letters.next() {
        Some(first) => std::iter::once(map(first)).chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_first_letter_of_keys_changes() {
        let api = json!({"services": [{"portName": "Http", "clientAliases": [{"port": 80}]}], "enabled": true});
        let cloudformation =
            json!({"Services": [{"PortName": "Http", "ClientAliases": [{"Port": 80}]}], "Enabled": true});
        assert_eq!(to_pascal_case(api.clone()), cloudformation);
        assert_eq!(to_camel_case(cloudformation), api);
    }
}
