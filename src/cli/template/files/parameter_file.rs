//! Files with parameter values, in the formats of CloudFormation, the CDK, CodePipeline and Copilot.

use std::path::Path;

use mesh_infra::Template;
use mesh_infra::cfn::Positions;
use serde_json::{Map, Value as Json};

use super::TemplateFileError;

/// The document in a JSON or YAML file.
fn document(path: &Path) -> Result<Json, TemplateFileError> {
    document_with_positions(path).map(|(document, _)| document)
}

/// The document in a JSON or YAML file, and where its values are.
pub(super) fn document_with_positions(path: &Path) -> Result<(Json, Positions), TemplateFileError> {
    let text = std::fs::read_to_string(path).map_err(|source| TemplateFileError::Read {
        path: path.to_owned(),
        source,
    })?;
    let document = Template::document_from_text(&text).map_err(|error| TemplateFileError::Parse {
        path: path.to_owned(),
        error,
    })?;
    Ok((document, Positions::of(&text)))
}

/// The parameters in a file, by name.
pub(super) fn read(path: &Path) -> Result<Vec<(String, String)>, TemplateFileError> {
    parameters(document(path)?).map_err(|message| TemplateFileError::Shape {
        path: path.to_owned(),
        message,
    })
}

/// Reads one of
/// - `[{"ParameterKey": …, "ParameterValue": …}]`, of `aws cloudformation create-stack --parameters`;
/// - `["NAME=VALUE"]`, of `aws cloudformation deploy --parameter-overrides`;
/// - `{"Parameters": …}`, of Copilot and CodePipeline, with either of these or with values by name;
/// - values by name.
fn parameters(document: Json) -> Result<Vec<(String, String)>, String> {
    match document {
        Json::Object(mut document) => match document.shift_remove("Parameters") {
            Some(Json::Object(entries)) => by_name(entries),
            Some(list @ Json::Array(_)) => parameters(list),
            Some(_) => Err("Parameters: is neither an object nor a list".to_owned()),
            None => by_name(document),
        },
        Json::Array(items) => {
            let mut parameters = Vec::new();
            for (index, item) in items.into_iter().enumerate() {
                parameters.extend(item_of_list(item).map_err(|message| format!("[{index}]: {message}"))?);
            }
            Ok(parameters)
        }
        _ => Err("is neither an object nor a list of parameters".to_owned()),
    }
}

fn item_of_list(item: Json) -> Result<Option<(String, String)>, String> {
    const EXPECTED: &str = "expected an object with ParameterKey and ParameterValue, or NAME=VALUE";
    match item {
        Json::String(text) => super::pair(&text).map(Some).ok_or_else(|| EXPECTED.to_owned()),
        Json::Object(entry) => {
            let key = entry.get("ParameterKey").and_then(Json::as_str);
            let key = key.ok_or_else(|| EXPECTED.to_owned())?;
            match entry.get("ParameterValue") {
                Some(value) => Ok(Some((key.to_owned(), text(key, value)?))),
                // The value of an earlier deployment, which is not known here: the template's default.
                None if entry.get("UsePreviousValue") == Some(&Json::Bool(true)) => Ok(None),
                None => Err(format!("{key} has no ParameterValue")),
            }
        }
        _ => Err(EXPECTED.to_owned()),
    }
}

fn by_name(entries: Map<String, Json>) -> Result<Vec<(String, String)>, String> {
    let entries = entries.into_iter();
    let entries = entries.map(|(name, value)| {
        let text = text(&name, &value)?;
        Ok((name, text))
    });
    entries.collect()
}

/// A value as a text: a list as its items, separated by commas.
fn text(name: &str, value: &Json) -> Result<String, String> {
    match value {
        Json::String(text) => Ok(text.clone()),
        Json::Number(_) | Json::Bool(_) => Ok(value.to_string()),
        Json::Array(items) => {
            let items: Result<Vec<String>, String> = items.iter().map(|item| text(name, item)).collect();
            Ok(items?.join(","))
        }
        Json::Null | Json::Object(_) => Err(format!("{name}: is neither a text nor a list of texts")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_format_is_read() {
        let expected = vec![("A".to_owned(), "1".to_owned()), ("B".to_owned(), "x,y".to_owned())];
        for document in [
            json!([
                {"ParameterKey": "A", "ParameterValue": "1"},
                {"ParameterKey": "B", "ParameterValue": "x,y"},
                {"ParameterKey": "C", "UsePreviousValue": true}
            ]),
            json!(["A=1", "B=x,y"]),
            json!({"Parameters": {"A": 1, "B": ["x", "y"]}, "Tags": {"team": "t"}}),
            json!({"Parameters": ["A=1", "B=x,y"]}),
            json!({"A": "1", "B": "x,y"}),
        ] {
            assert_eq!(parameters(document.clone()), Ok(expected.clone()), "{document}");
        }
    }

    #[test]
    fn errors_name_the_parameter() {
        for (document, expected) in [
            (json!("A"), "is neither an object nor a list of parameters"),
            (json!([{"ParameterKey": "A"}]), "[0]: A has no ParameterValue"),
            (json!(["A"]), "[0]: expected an object with ParameterKey"),
            (json!({"A": {}}), "A: is neither a text nor a list of texts"),
        ] {
            let error = parameters(document).expect_err("an error");
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
