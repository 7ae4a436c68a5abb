//! AWS writes the same keys in two ways: `portName` in its APIs, `PortName` in CloudFormation.
//!
//! The structs of this crate carry the API's spelling; these functions turn whole documents from one spelling
//! to the other. They touch the first letter of object keys and nothing else, so a round trip loses nothing
//! as long as no object has keys that its users choose. The options of a log configuration are such an object,
//! and have to be kept out. App Mesh writes abbreviations in its own way and has a spelling of its own, in
//! [`crate::app_mesh::document`].

use serde_json::{Map, Value};

/// The document with every key in CloudFormation's spelling (`portName` → `PortName`).
#[must_use]
pub fn to_cloudformation(document: Value) -> Value {
    with_keys(document, &|first| first.to_ascii_uppercase())
}

/// The document with every key in the API's spelling (`PortName` → `portName`).
#[must_use]
pub fn to_api(document: Value) -> Value {
    with_keys(document, &|first| first.to_ascii_lowercase())
}

/// A word with its first letter as a capital.
#[must_use]
pub fn capitalised(word: &str) -> String {
    with_first_letter(word, &|first| first.to_ascii_uppercase())
}

fn with_keys(document: Value, change: &impl Fn(char) -> char) -> Value {
    match document {
        Value::Object(object) => Value::Object(
            object
                .into_iter()
                .map(|(key, value)| (with_first_letter(&key, change), with_keys(value, change)))
                .collect::<Map<_, _>>(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(|item| with_keys(item, change)).collect()),
        scalar => scalar,
    }
}

fn with_first_letter(key: &str, change: &impl Fn(char) -> char) -> String {
    let mut letters = key.chars();
    match letters.next() {
        Some(first) => std::iter::once(change(first)).chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_change_their_first_letter_and_values_stay() {
        let api = json!({"services": [{"portName": "Http", "clientAliases": [{"port": 80}]}], "enabled": true});
        let cloudformation =
            json!({"Services": [{"PortName": "Http", "ClientAliases": [{"Port": 80}]}], "Enabled": true});
        assert_eq!(to_cloudformation(api.clone()), cloudformation);
        assert_eq!(to_api(cloudformation), api);
    }
}
