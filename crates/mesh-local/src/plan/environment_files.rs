//! Environment files of containers, which are in S3: variables of those whose content is given.
//!
//! Syntax and precedence: Amazon ECS developer guide, "Pass environment variables to an Amazon ECS container" (read
//! 2026-12-01).

use std::collections::BTreeMap;

use cfn::evaluate::scalar_text;
use serde_json::{Value as Json, json};

use crate::evaluate::Resource;

/// Replaces the environment files whose content is given by variables. A variable of the container itself takes precedence;
/// of several files, the last one.
pub(super) fn give(properties: &mut Json, resource: Resource<'_>) {
    let containers = properties.get_mut("ContainerDefinitions").and_then(Json::as_array_mut);
    for container in containers.into_iter().flatten().filter_map(Json::as_object_mut) {
        let Some(Json::Array(files)) = container.get_mut("EnvironmentFiles") else {
            continue;
        };
        let mut given: BTreeMap<String, String> = BTreeMap::new();
        files.retain(|file| {
            let arn = file.get("Value").and_then(Json::as_str);
            let content = arn.and_then(|arn| resource.environment_file(arn));
            let is_given = content.is_some();
            given.extend(content.iter().flat_map(variables));
            !is_given
        });
        if files.is_empty() {
            container.shift_remove("EnvironmentFiles");
        }
        if given.is_empty() {
            continue;
        }
        if let Json::Array(own) = container.entry("Environment").or_insert_with(|| json!([])) {
            let is_own = |name: &str| {
                own.iter()
                    .any(|variable| variable.get("Name").is_some_and(|own| own == name))
            };
            given.retain(|name, _| !is_own(name));
            own.extend(given.iter().map(|(name, value)| json!({"Name": name, "Value": value})));
        }
    }
}

/// The variables of an environment file.
fn variables(content: &Json) -> Vec<(String, String)> {
    match content {
        Json::Object(variables) => variables
            .iter()
            .map(|(name, value)| (name.clone(), scalar_text(value)))
            .collect(),
        text => {
            let text = scalar_text(text);
            let lines = text.lines().map(str::trim_start);
            let lines = lines.filter(|line| !line.starts_with('#'));
            let variables = lines.filter_map(|line| line.split_once('='));
            variables
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        }
    }
}

/// The ARNs of a container's environment files, for a note.
pub(super) fn arns(files: &Json) -> Vec<&str> {
    let files = files.as_array().into_iter().flatten();
    files.filter_map(|file| file.get("Value")?.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_variable_per_line() {
        let text = Json::from("# of the shop\nHOST=db.local\n URL=a=b\n\nnone\nQUOTED=\"x\"\n");
        let expected = [("HOST", "db.local"), ("URL", "a=b"), ("QUOTED", "\"x\"")];
        assert_eq!(
            variables(&text),
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        assert_eq!(variables(&json!({"A": 1})), [("A".to_owned(), "1".to_owned())]);
    }
}
