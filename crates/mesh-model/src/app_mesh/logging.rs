//! Where Envoys write what passes.

use serde::{Deserialize, Serialize};

/// Where an Envoy writes what passes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Logging {
    /// One line per request or connection. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_log: Option<AccessLog>,
}

/// Where the lines go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AccessLog {
    /// Into a file.
    File(FileAccessLog),
}

/// Lines in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileAccessLog {
    /// The file, 1 to 255 characters; `/dev/stdout` as a rule.
    pub path: String,
    /// What a line looks like. Default, decided by Envoy: its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<LoggingFormat>,
}

/// What a line looks like, with Envoy's `%…%` in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LoggingFormat {
    /// A text, 1 to 1000 characters.
    Text(String),
    /// A JSON object with these entries.
    Json(Vec<JsonFormatRef>),
}

/// An entry of a JSON object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonFormatRef {
    /// Its key, 1 to 100 characters.
    pub key: String,
    /// Its value, 1 to 100 characters.
    pub value: String,
}
