//! Conversions of evaluated CloudFormation values.

use std::time::Duration;

use mesh_infra::{StringList, Value};

/// A number of seconds as a duration.
pub(super) fn seconds(value: Option<&Value<u32>>, default: u64) -> Duration {
    let given = value.and_then(Value::known).map(|seconds| u64::from(*seconds));
    Duration::from_secs(given.unwrap_or(default))
}

/// The value after evaluation; `None` was reported.
pub(super) fn known(value: &Value<String>) -> Option<String> {
    value.known().cloned()
}

/// The text of a value, empty if unknown.
pub(super) fn text(value: &Value<String>) -> String {
    known(value).unwrap_or_default()
}

/// The texts of a list, empty if unknown.
pub(super) fn texts(list: Option<&StringList>) -> Vec<String> {
    list.and_then(Value::known).into_iter().flatten().map(text).collect()
}
