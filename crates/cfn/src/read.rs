//! Reading properties into layer-1 structs, with the path to whatever does not fit.

use std::fmt;

use mesh_model::key_casing;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use serde_path_to_error::{Path, Segment};
use sidecar_contract::Diagnostic;

use crate::value::intrinsic;

/// Properties that do not fit their struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    path: String,
    message: String,
    late: bool,
}

impl ReadError {
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>, late: bool) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
            late,
        }
    }

    /// The path to the field within the properties, such as `ContainerDefinitions[0].Image`; empty for the
    /// properties as a whole.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// True when an intrinsic function stands where only a value can be read, `Fn::If` in place of a whole
    /// health check for instance. That is no mistake: the properties can be read once they are evaluated.
    #[must_use]
    pub fn is_unresolved(&self) -> bool {
        self.late
    }

    /// What is missing is what a mistake is about, not the structure that lacks it.
    pub(super) fn at_the_missing_field(self) -> Self {
        let field = self
            .message
            .strip_prefix("missing field `")
            .and_then(|rest| rest.strip_suffix('`'))
            .filter(|_| !self.late);
        match field {
            Some(field) => Self {
                path: joined(&self.path, &key_casing::pascal_case(field)),
                message: "is missing".to_owned(),
                late: self.late,
            },
            None => self,
        }
    }

    /// The same as a problem of the template, its path beginning with `prefix`.
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
/// The first property that does not fit, by its path. [`ReadError::is_unresolved`] tells a value that is not known yet
/// from a mistake.
pub fn read<T: DeserializeOwned>(properties: &Json) -> Result<T, ReadError> {
    serde_path_to_error::deserialize(properties).map_err(|error| {
        let message = error.inner().to_string();
        match late(properties, error.path()) {
            Some(function) => ReadError::new(function, message, true),
            None => ReadError::new(dotted(error.path()), message, false),
        }
    })
}

/// The path as our problems write it.
pub(crate) fn dotted(path: &Path) -> String {
    path.iter().fold(String::new(), extended)
}

fn extended(written: String, segment: &Segment) -> String {
    match segment {
        Segment::Seq { index } => format!("{written}[{index}]"),
        Segment::Map { key } => joined(&written, key),
        Segment::Enum { variant } => joined(&written, variant),
        Segment::Unknown => written,
    }
}

/// `prefix.rest`, or the one of them that is not empty.
pub(crate) fn joined(prefix: &str, rest: &str) -> String {
    match (prefix, rest) {
        ("", only) | (only, "") => only.to_owned(),
        (prefix, rest) => format!("{prefix}.{rest}"),
    }
}

/// The path to the intrinsic function that the path leads to or into, if it does.
fn late(properties: &Json, path: &Path) -> Option<String> {
    let mut here = Some(properties);
    let mut walked = String::new();
    for segment in path {
        if here.is_some_and(|json| intrinsic(json).is_some()) {
            return Some(walked);
        }
        here = match segment {
            Segment::Seq { index } => here.and_then(|json| json.get(index)),
            Segment::Map { key } => here.and_then(|json| json.get(key)),
            Segment::Enum { .. } | Segment::Unknown => None,
        };
        walked = extended(walked, segment);
    }
    here.is_some_and(|json| intrinsic(json).is_some()).then_some(walked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs;
    use serde_json::json;

    #[test]
    fn a_mistake_is_named_by_its_path() {
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
    fn a_function_in_place_of_a_structure_is_late() {
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
