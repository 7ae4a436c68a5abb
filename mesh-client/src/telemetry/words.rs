//! Labels and names from closed sets, whatever came over the network.
//!
//! A metric has a time series for each combination of its labels: one that a stranger can choose would let him fill the
//! collector.

use std::borrow::Cow;

use http::{Method, StatusCode};
use opentelemetry::{KeyValue, StringValue, Value};

/// What `error.type` is of a request that was dropped before its answer.
pub(super) const CANCELLED: &str = "cancelled";

/// What the semantic conventions call anything that has no label of its own.
pub(super) const OTHER: &str = "_OTHER";

/// The method as `http.request.method`, which must be one of RFC 9110's and RFC 5789's or `_OTHER`.
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

/// The method in a span's name, where an unknown one is `HTTP`.
pub(super) fn method_in_name(known: &'static str) -> &'static str {
    if known == OTHER { "HTTP" } else { known }
}

/// The status as a label: itself if anybody has defined it, or else the first of its hundred.
pub(super) fn status(status: StatusCode) -> i64 {
    let code = i64::from(status.as_u16());
    if status.canonical_reason().is_some() {
        code
    } else {
        code / 100 * 100
    }
}

/// What `error.type` is of an answer that says no.
pub(super) fn status_error(code: StatusCode) -> Cow<'static, str> {
    status(code).to_string().into()
}

/// The `x-request-id` as an attribute. Headers are lists, by the semantic conventions.
pub(super) fn request_id(id: &str) -> KeyValue {
    let ids = vec![StringValue::from(id.to_owned())];
    KeyValue::new("http.request.header.x-request-id", Value::Array(ids.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_method_is_a_label_of_its_own() {
        for (said, label, name) in [
            ("GET", "GET", "GET"),
            ("get", "_OTHER", "HTTP"),
            ("PROPFIND", "_OTHER", "HTTP"),
        ] {
            let known = method(&Method::from_bytes(said.as_bytes()).unwrap());
            assert_eq!((known, method_in_name(known)), (label, name));
        }
    }

    #[test]
    fn every_status_has_one_of_few_labels() {
        let label = |code: u16| status(StatusCode::from_u16(code).unwrap());
        assert_eq!((label(200), label(404), label(504)), (200, 404, 504));
        assert_eq!((label(299), label(499), label(999)), (200, 400, 900));
        let mut labels: Vec<i64> = (100..1000).map(label).collect();
        labels.sort_unstable();
        labels.dedup();
        assert!(labels.len() < 80, "{labels:?}");
    }
}
