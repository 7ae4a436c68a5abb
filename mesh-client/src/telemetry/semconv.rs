//! Attribute values by the semantic conventions, from closed sets.
//!
//! A metric has a time series for each combination of its labels: with labels from untrusted input, a caller could create any
//! number of them.

use std::borrow::Cow;

use http::{Method, StatusCode};
use opentelemetry::{KeyValue, StringValue, Value};

/// The `error.type` of a request that was dropped before its response.
pub(super) const CANCELLED: &str = "cancelled";

/// The semantic conventions' value for everything without a label of its own.
pub(super) const OTHER: &str = "_OTHER";

/// The value of `http.request.method`: a method of RFC 9110 or RFC 5789, or `_OTHER`.
pub(super) fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "CONNECT" => "CONNECT",
        "OPTIONS" => "OPTIONS",
        "TRACE" => "TRACE",
        _ => OTHER,
    }
}

/// The method in a span's name: `HTTP` for an unknown one.
pub(super) fn method_in_name(known: &'static str) -> &'static str {
    if known == OTHER { "HTTP" } else { known }
}

/// The status as a label: itself if it is defined, or else the first of its hundred.
pub(super) fn status(status: StatusCode) -> i64 {
    let code = i64::from(status.as_u16());
    if status.canonical_reason().is_some() {
        code
    } else {
        code / 100 * 100
    }
}

/// The `error.type` of a response with an error status.
pub(super) fn status_error(code: StatusCode) -> Cow<'static, str> {
    status(code).to_string().into()
}

/// The `x-request-id` as an attribute. Headers are arrays by the semantic conventions.
pub(super) fn request_id(id: &str) -> KeyValue {
    let ids = vec![StringValue::from(id.to_owned())];
    KeyValue::new("http.request.header.x-request-id", Value::Array(ids.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_methods_share_a_label() {
        for (text, label, name) in [
            ("GET", "GET", "GET"),
            ("get", "_OTHER", "HTTP"),
            ("PROPFIND", "_OTHER", "HTTP"),
        ] {
            let known = method(&Method::from_bytes(text.as_bytes()).unwrap());
            assert_eq!((known, method_in_name(known)), (label, name));
        }
    }

    #[test]
    fn there_are_few_status_labels() {
        let label = |code: u16| status(StatusCode::from_u16(code).unwrap());
        assert_eq!((label(200), label(404), label(504)), (200, 404, 504));
        assert_eq!((label(299), label(499), label(999)), (200, 400, 900));
        let mut labels: Vec<i64> = (100..1000).map(label).collect();
        labels.sort_unstable();
        labels.dedup();
        assert!(labels.len() < 80, "{labels:?}");
    }
}
