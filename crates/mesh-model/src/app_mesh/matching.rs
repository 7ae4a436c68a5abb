//! What requests must look like for a route to apply. All conditions of a match must hold.

use serde::{Deserialize, Serialize};

/// A condition on an HTTP header or a gRPC metadata entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderMatch {
    /// The header's name, 1 to 50 characters.
    pub name: String,
    /// Whether the condition must not hold. Default, decided by App Mesh: no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invert: Option<bool>,
    /// What the value must be. Default: anything, as long as the header is there.
    #[serde(rename = "match", default, skip_serializing_if = "Option::is_none")]
    pub method: Option<HeaderMatchMethod>,
}

/// What a header's value must be. Texts have 1 to 255 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HeaderMatchMethod {
    /// This.
    Exact(String),
    /// Something that begins like this.
    Prefix(String),
    /// Something that ends like this.
    Suffix(String),
    /// Something that matches this regular expression as a whole. It is one of RE2's.
    Regex(String),
    /// A whole number in this range.
    Range(MatchRange),
}

/// Whole numbers from `start`, without `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchRange {
    /// The first number in the range.
    pub start: i64,
    /// The first number after it; greater than `start`.
    pub end: i64,
}

/// What a path must be; exactly one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpPathMatch {
    /// This, 1 to 255 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact: Option<String>,
    /// Something that matches this regular expression as a whole, 1 to 255 characters. It is one of RE2's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
}

/// A condition on a query parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpQueryParameter {
    /// The parameter's name.
    pub name: String,
    /// What its value must be. Default: anything, as long as the parameter is there.
    #[serde(rename = "match", default, skip_serializing_if = "Option::is_none")]
    pub method: Option<QueryParameterMatch>,
}

/// What a query parameter's value must be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryParameterMatch {
    /// This.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact: Option<String>,
}

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names say it")]
pub enum HttpMethod {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
}

/// The scheme of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HttpScheme {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
}
