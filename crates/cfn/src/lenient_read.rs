//! Lenient reading: collects every error instead of stopping at the first.
//!
//! A value that cannot be read is reported and replaced, or else removed, until the rest can be read. Errors that follow
//! from a reported one are not reported.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};

use super::read::{ReadError, read};

/// Limit on replacements, so that reading ends for every input.
const MAX_REPAIRS: usize = 1000;

/// A placeholder for a value that could not be evaluated. It is an expression, and read as unresolved.
#[must_use]
pub fn unknown() -> Json {
    json!({ "Fn::Unknown": null })
}

/// True for the placeholder of a value that could not be evaluated.
#[must_use]
pub fn is_unknown(json: &Json) -> bool {
    json.as_object()
        .is_some_and(|object| object.len() == 1 && object.contains_key("Fn::Unknown"))
}

/// True if `path` is the path `above` or a path within it.
#[must_use]
pub fn is_part_of(path: &str, above: &str) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| above.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
}

/// `properties` as a layer-1 struct, with all errors. A value that cannot be read is unresolved in the struct. `None` if
/// the properties cannot be read at all.
pub fn read_all<T: DeserializeOwned>(properties: &Json) -> (Option<T>, Vec<ReadError>) {
    repair(properties.clone(), |_, _| unknown(), read)
}

/// Calls `read` until it succeeds, replacing what it rejects. `replacement` is called with the name of the field and the
/// number of errors so far.
pub(crate) fn repair<T>(
    mut json: Json,
    replacement: impl Fn(&str, usize) -> Json,
    read: impl Fn(&Json) -> Result<T, ReadError>,
) -> (Option<T>, Vec<ReadError>) {
    let mut errors: Vec<ReadError> = Vec::new();
    let mut attempts: BTreeMap<String, usize> = BTreeMap::new();
    for number in 0..MAX_REPAIRS {
        let error = match read(&json) {
            Ok(value) => return (Some(value), errors),
            Err(error) => error.at_missing_field(),
        };
        let attempt = attempts.entry(error.path().to_owned()).or_default();
        let field = error.path().rsplit('.').next().unwrap_or_default();
        let fix = match attempt {
            0 => Fix::Replace(replacement(field, number)),
            1 => Fix::Remove,
            _ => break,
        };
        *attempt += 1;
        apply(&mut json, error.path(), fix);
        if !errors.iter().any(|reported| is_part_of(error.path(), reported.path())) {
            errors.push(error);
        }
    }
    (None, errors)
}

enum Fix {
    Replace(Json),
    /// Remove a field. An item of a list becomes an empty structure, so that the others keep their index.
    Remove,
}

fn apply(json: &mut Json, path: &str, fix: Fix) {
    if path.is_empty() {
        *json = match fix {
            Fix::Replace(value) => value,
            Fix::Remove => Json::Object(Map::new()),
        };
        return;
    }
    match json {
        Json::Object(object) => {
            // Names of labels contain dots: compare with the keys.
            let key = object
                .keys()
                .filter(|key| is_part_of(path, key))
                .max_by_key(|key| key.len());
            let key = key.cloned().unwrap_or_else(|| path.to_owned());
            let rest = path[key.len()..].trim_start_matches('.');
            match (rest, fix) {
                ("", Fix::Replace(value)) => {
                    object.insert(key, value);
                }
                ("", Fix::Remove) => {
                    object.shift_remove(&key);
                }
                (rest, fix) => {
                    if let Some(inner) = object.get_mut(&key) {
                        apply(inner, rest, fix);
                    }
                }
            }
        }
        Json::Array(items) => {
            let item = path.strip_prefix('[').and_then(|path| path.split_once(']'));
            let item = item.and_then(|(index, rest)| Some((items.get_mut(index.parse::<usize>().ok()?)?, rest)));
            if let Some((item, rest)) = item {
                apply(item, rest.trim_start_matches('.'), fix);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs;
    use crate::value::Value;

    #[test]
    fn finds_every_error_and_reads_the_rest() {
        let (read, errors) = read_all::<ecs::TaskDefinition>(&json!({
            "RuntimePlatform": "linux",
            "ContainerDefinitions": [
                {"Name": "app", "Environment": [{"Name": "A", "Value": []}, "B"], "DockerLabels": {"a.b": [], "a": "x"}},
                "second",
                {"Name": "third", "Image": "x", "PortMappings": {}, "HealthCheck": {"Command": "x", "Retries": -1}}
            ]
        }));
        let paths: Vec<&str> = errors.iter().map(ReadError::path).collect();
        let mut expected = [
            "RuntimePlatform",
            "ContainerDefinitions[0].Environment[0].Value",
            "ContainerDefinitions[0].Environment[1]",
            "ContainerDefinitions[0].DockerLabels.a.b",
            "ContainerDefinitions[0].Image",
            "ContainerDefinitions[1]",
            "ContainerDefinitions[2].PortMappings",
            "ContainerDefinitions[2].HealthCheck.Command",
            "ContainerDefinitions[2].HealthCheck.Retries",
        ];
        let mut found = paths.clone();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
        let containers = read.expect("the rest").container_definitions;
        assert_eq!(containers.len(), 3);
        assert_eq!(containers[0].image.known(), None);
        assert_eq!(containers[0].docker_labels["a"], Value::from("x"));
        assert_eq!(containers[2].name, Value::from("third"));
    }

    #[test]
    fn reading_ends_for_values_that_are_not_properties() {
        for properties in [json!("x"), json!(null), json!([{}]), json!({"Name": {}})] {
            let (read, errors) = read_all::<crate::servicediscovery::HttpNamespace>(&properties);
            assert!(read.is_some() && errors.len() == 1, "{properties}: {errors:?}");
        }
    }
}
