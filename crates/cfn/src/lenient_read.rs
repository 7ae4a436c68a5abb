//! Reading on after a mistake, so that one reading finds them all.
//!
//! Whatever does not fit is noted and replaced by something that does, or taken away, until the rest can be read.
//! What follows from a mistake that was noted, a field missing in a structure that is none for instance, is not
//! noted again.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};

use super::read::{ReadError, read};

/// More mistakes than anybody reads; a bound, so that no input keeps a reader busy for ever.
const MOST: usize = 1000;

/// What stands where a value could not be found: a function that nobody can evaluate. It is read like every late
/// value, so that nothing takes it for one that was written.
#[must_use]
pub fn unknown() -> Json {
    json!({ "Fn::Unknown": null })
}

/// Whether this stands where a value could not be found.
#[must_use]
pub fn is_unknown(json: &Json) -> bool {
    json.as_object()
        .is_some_and(|object| object.len() == 1 && object.contains_key("Fn::Unknown"))
}

/// True if `path` is `above` or leads to a part of it.
#[must_use]
pub fn is_part_of(path: &str, above: &str) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| above.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
}

/// `properties` as a layer-1 struct, with everything that does not fit. A value that does not fit is late in the
/// struct. `None` if nothing could be made of the properties.
pub fn read_all<T: DeserializeOwned>(properties: &Json) -> (Option<T>, Vec<ReadError>) {
    mend(properties.clone(), |_, _| unknown(), read)
}

/// Reads `json` by `read` until nothing is wrong with it. `stand_in` makes a value for a field, given how many
/// mistakes there were before.
pub(crate) fn mend<T>(
    mut json: Json,
    stand_in: impl Fn(&str, usize) -> Json,
    read: impl Fn(&Json) -> Result<T, ReadError>,
) -> (Option<T>, Vec<ReadError>) {
    let mut errors: Vec<ReadError> = Vec::new();
    let mut attempts: BTreeMap<String, usize> = BTreeMap::new();
    for number in 0..MOST {
        let error = match read(&json) {
            Ok(value) => return (Some(value), errors),
            Err(error) => error.at_the_missing_field(),
        };
        let attempt = attempts.entry(error.path().to_owned()).or_default();
        let field = error.path().rsplit('.').next().unwrap_or_default();
        let remedy = match attempt {
            0 => Remedy::Put(stand_in(field, number)),
            1 => Remedy::TakeAway,
            _ => break,
        };
        *attempt += 1;
        apply(&mut json, error.path(), remedy);
        if !errors.iter().any(|noted| is_part_of(error.path(), noted.path())) {
            errors.push(error);
        }
    }
    (None, errors)
}

enum Remedy {
    Put(Json),
    /// Take a field out of its structure. An item of a list becomes an empty structure instead: the others must
    /// keep their numbers.
    TakeAway,
}

fn apply(json: &mut Json, path: &str, remedy: Remedy) {
    if path.is_empty() {
        *json = match remedy {
            Remedy::Put(value) => value,
            Remedy::TakeAway => Json::Object(Map::new()),
        };
        return;
    }
    match json {
        Json::Object(object) => {
            // Names of labels have dots in them, so the path alone does not tell where a key ends.
            let key = object
                .keys()
                .filter(|key| is_part_of(path, key))
                .max_by_key(|key| key.len());
            let key = key.cloned().unwrap_or_else(|| path.to_owned());
            let rest = path[key.len()..].trim_start_matches('.');
            match (rest, remedy) {
                ("", Remedy::Put(value)) => {
                    object.insert(key, value);
                }
                ("", Remedy::TakeAway) => {
                    object.shift_remove(&key);
                }
                (rest, remedy) => {
                    if let Some(inner) = object.get_mut(&key) {
                        apply(inner, rest, remedy);
                    }
                }
            }
        }
        Json::Array(items) => {
            let item = path.strip_prefix('[').and_then(|path| path.split_once(']'));
            let item = item.and_then(|(index, rest)| Some((items.get_mut(index.parse::<usize>().ok()?)?, rest)));
            if let Some((item, rest)) = item {
                apply(item, rest.trim_start_matches('.'), remedy);
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
    fn every_mistake_is_found_and_the_rest_is_read() {
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
    fn properties_that_are_none_come_to_an_end() {
        for properties in [json!("x"), json!(null), json!([{}]), json!({"Name": {}})] {
            let (read, errors) = read_all::<crate::servicediscovery::HttpNamespace>(&properties);
            assert!(read.is_some() && errors.len() == 1, "{properties}: {errors:?}");
        }
    }
}
