//! Reads properties into layer-1 structs, with the path of the first error.

use std::fmt;

use mesh_model::key_casing;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use serde_path_to_error::{Path, Segment};
use sidecar_contract::Diagnostic;

use crate::value::intrinsic;

/// An error in properties that are read into a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    path: String,
    message: String,
    unresolved: bool,
}

impl ReadError {
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>, unresolved: bool) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
            unresolved,
        }
    }

    /// The path to the field within the properties, such as `ContainerDefinitions[0].Image`; empty for the
    /// properties as a whole.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// True if there is an intrinsic function where only a value can be read, such as `Fn::If` in place of a health
    /// check. The properties may be valid once evaluated.
    #[must_use]
    pub fn is_unresolved(&self) -> bool {
        self.unresolved
    }

    /// The same error with the path of a missing field instead of the structure that lacks it.
    pub(super) fn at_missing_field(self) -> Self {
        let field = self
            .message
            .strip_prefix("missing field `")
            .and_then(|rest| rest.strip_suffix('`'))
            .filter(|_| !self.unresolved);
        match field {
            Some(field) => Self {
                path: joined(&self.path, &key_casing::pascal_case(field)),
                message: "is missing".to_owned(),
                unresolved: self.unresolved,
            },
            None => self,
        }
    }

    /// The error as a diagnostic of a template. `prefix` is the path of the properties.
    #[must_use]
    pub fn into_diagnostic(self, prefix: &str) -> Diagnostic {
        Diagnostic {
            path: joined(prefix, &self.path),
            message: self.message,
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for ReadError {}

/// `properties` as a layer-1 struct.
///
/// # Errors
///
/// The first property that cannot be read. [`ReadError::is_unresolved`] distinguishes values that are not known yet.
pub fn read<T: DeserializeOwned>(properties: &Json) -> Result<T, ReadError> {
    serde_path_to_error::deserialize(properties).map_err(|error| {
        let message = error.inner().to_string();
        match function_on_path(properties, error.path()) {
            Some(function) => ReadError::new(function, message, true),
            None => ReadError::new(dotted(error.path()), message, false),
        }
    })
}

/// A path as diagnostics write it.
pub(crate) fn dotted(path: &Path) -> String {
    path.iter().fold(String::new(), extended)
}

fn extended(path: String, segment: &Segment) -> String {
    match segment {
        Segment::Seq { index } => format!("{path}[{index}]"),
        Segment::Map { key } => joined(&path, key),
        Segment::Enum { variant } => joined(&path, variant),
        Segment::Unknown => path,
    }
}

/// `prefix.rest`, or the one of them that is not empty.
pub(crate) fn joined(prefix: &str, rest: &str) -> String {
    match (prefix, rest) {
        ("", only) | (only, "") => only.to_owned(),
        (prefix, rest) => format!("{prefix}.{rest}"),
    }
}

/// The path of the intrinsic function at the end of a path, or on it.
fn function_on_path(properties: &Json, path: &Path) -> Option<String> {
    let mut value = Some(properties);
    let mut prefix = String::new();
    for segment in path {
        if value.is_some_and(|json| intrinsic(json).is_some()) {
            return Some(prefix);
        }
        value = match segment {
            Segment::Seq { index } => value.and_then(|json| json.get(index)),
            Segment::Map { key } => value.and_then(|json| json.get(key)),
            Segment::Enum { .. } | Segment::Unknown => None,
        };
        prefix = extended(prefix, segment);
    }
    value.is_some_and(|json| intrinsic(json).is_some()).then_some(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs;
    use serde_json::json;

    #[test]
    fn errors_have_a_path() {
        let error = read::<ecs::TaskDefinition>(&json!({
            "ContainerDefinitions": [{"Name": "app", "Image": "x", "HealthCheck": {"Command": [], "Interval": "often"}}]
        }))
        .unwrap_err();
        assert!(!error.is_unresolved());
        assert_eq!(
            error.to_string(),
            "ContainerDefinitions[0].HealthCheck.Interval: is \"often\"; allowed is a whole number from 0 to 4294967295"
        );
    }

    #[test]
    fn a_function_in_place_of_a_structure_is_unresolved() {
        let choice = json!({"Fn::If": ["Small", {}, {}]});
        for properties in [
            json!({"NetworkConfiguration": choice}),
            json!({"NetworkConfiguration": {"AwsvpcConfiguration": choice}}),
        ] {
            assert!(
                read::<ecs::Service>(&properties).unwrap_err().is_unresolved(),
                "{properties}"
            );
        }
    }
}
