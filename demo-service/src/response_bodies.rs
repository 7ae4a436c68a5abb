//! JSON response bodies. Examples and dashboards compare them byte for byte, so the order of keys matters.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::value::RawValue;

/// The service's own response.
#[derive(Serialize)]
struct Identity<'a> {
    message: &'static str,
    service: &'a str,
    version: &'a str,
}

/// The response to a successful downstream call.
#[derive(Serialize)]
struct Fetched<'a> {
    message: &'static str,
    service: &'a str,
    response: &'a DownstreamBody,
}

/// The response to a failed request.
#[derive(Serialize)]
struct Failed<'a> {
    message: &'static str,
    service: &'a str,
    error: &'a str,
}

/// The response body of a downstream service.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum DownstreamBody {
    /// JSON, unchanged: parsing it into values would round its numbers.
    Json(Box<RawValue>),
    /// Anything else.
    Text(String),
}

impl DownstreamBody {
    pub(crate) fn from_bytes(body: &[u8]) -> Self {
        serde_json::from_slice(body).map_or_else(|_| Self::Text(String::from_utf8_lossy(body).into_owned()), Self::Json)
    }
}

pub(crate) fn identity(service: &str, version: &str) -> Response {
    let message = "ok";
    let document = Identity {
        message,
        service,
        version,
    };
    Json(document).into_response()
}

pub(crate) fn fetched(service: &str, response: &DownstreamBody) -> Response {
    let message = "fetched!";
    let document = Fetched {
        message,
        service,
        response,
    };
    Json(document).into_response()
}

pub(crate) fn failed(status: StatusCode, service: &str, error: &str) -> Response {
    let message = "error";
    let document = Failed {
        message,
        service,
        error,
    };
    (status, Json(document)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_unchanged_and_anything_else_is_text() {
        for (body, expected) in [
            (
                &br#" {"b": 1.0, "a": 123456789012345678901234567890} "#[..],
                r#"{"b": 1.0, "a": 123456789012345678901234567890}"#,
            ),
            (b"null", "null"),
            (b"", r#""""#),
            (b"<p>\n", r#""<p>\n""#),
            (b"{\"half\":", r#""{\"half\":""#),
            (b"\"\xff\"", "\"\\\"\u{fffd}\\\"\""),
        ] {
            assert_eq!(
                serde_json::to_string(&DownstreamBody::from_bytes(body)).unwrap(),
                expected
            );
        }
    }
}
