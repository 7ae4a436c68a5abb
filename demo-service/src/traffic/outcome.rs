//! Outcome of a call.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use reqwest::StatusCode;
use serde::Deserialize;

/// The key of a response that is not the demo service's.
pub(super) const OTHER: &str = "other";

/// The key of a missing version.
const UNKNOWN: &str = "unknown";

/// The longest name or version, in bytes: a little more than the longest DNS name.
const MAX_NAME: usize = 255;

/// The longest excerpt of a body, in characters.
const MAX_EXCERPT: usize = 200;

/// The characters that are not allowed in a version, or in a key.
const IN_VERSION: &AsciiSet = &CONTROLS.add(b' ').add(b'=').add(b'%');
const IN_SERVICE: &AsciiSet = &IN_VERSION.add(b':');

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A response from `service:version`, or [`OTHER`].
    Responded {
        status: StatusCode,
        by: String,
        /// An excerpt of the body, for a status that is not 2xx.
        error: Option<String>,
    },
    /// No usable response.
    Failed { cause: Cause, detail: String },
}

/// Why there is no usable response. Scripts read the names of the causes, so they are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The connection was closed before the response was complete: `connection-closed`.
    ConnectionClosed,
    /// No connection could be established, for another reason than the next: `connection-failed`.
    ConnectionFailed,
    /// The connection was refused: `connection-refused`.
    ConnectionRefused,
    /// The connection was reset before the response was complete: `connection-reset`.
    ConnectionReset,
    /// The response is not HTTP: `not-http`.
    NotHttp,
    /// No caller was free within the timeout after the call was due: `not-sent`.
    NotSent,
    /// The status is 2xx, but the body is not the demo service's: `other-body`.
    OtherBody,
    /// No complete response within the timeout: `timeout`.
    Timeout,
}

impl Cause {
    /// The name in lines and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionClosed => "connection-closed",
            Self::ConnectionFailed => "connection-failed",
            Self::ConnectionRefused => "connection-refused",
            Self::ConnectionReset => "connection-reset",
            Self::NotHttp => "not-http",
            Self::NotSent => "not-sent",
            Self::OtherBody => "other-body",
            Self::Timeout => "timeout",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The common fields of the demo service's response bodies.
#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow, rename = "message")]
    _message: Cow<'a, str>,
    #[serde(borrow)]
    service: Cow<'a, str>,
    #[serde(borrow)]
    version: Option<Cow<'a, str>>,
}

impl Outcome {
    /// A failure with details.
    pub(super) fn failed(cause: Cause, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::Failed { cause, detail }
    }

    /// Classifies a response.
    pub(super) fn of_response(status: StatusCode, body: &[u8]) -> Self {
        match (responder(body), status.is_success()) {
            (Some(by), true) => Self::Responded {
                status,
                by,
                error: None,
            },
            (None, true) => Self::failed(Cause::OtherBody, excerpt(body)),
            (by, false) => Self::Responded {
                status,
                by: by.unwrap_or_else(|| OTHER.to_owned()),
                error: Some(excerpt(body)),
            },
        }
    }
}

/// The key of the demo service that sent this body.
fn responder(body: &[u8]) -> Option<String> {
    let document: Document<'_> = serde_json::from_slice(body).ok()?;
    let version = document.version.unwrap_or(Cow::Borrowed(UNKNOWN));
    if document.service.len() > MAX_NAME || version.len() > MAX_NAME {
        return None;
    }
    Some(format!(
        "{}:{}",
        utf8_percent_encode(&document.service, IN_SERVICE),
        utf8_percent_encode(&version, IN_VERSION)
    ))
}

/// The start of a body, in one line.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let mut line = String::new();
    // Bounded while it is built, because a body can be long.
    while let Some(word) = words.next().filter(|_| line.len() < 4 * MAX_EXCERPT) {
        if !line.is_empty() && !word.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(MAX_EXCERPT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_service_is_recognised_by_its_response_bodies() {
        for (body, key) in [
            (r#"{"message":"ok","service":"blue","version":"1"}"#, "blue:1"),
            (
                r#"{"message":"ok","service":"blue","version":"unknown"}"#,
                "blue:unknown",
            ),
            (r#"{"message":"error","service":"blue","error":"no"}"#, "blue:unknown"),
            (
                r#"{"message":"fetched!","service":"green","response":{"service":"blue"}}"#,
                "green:unknown",
            ),
            (
                r#"{"message":"ok","service":"a b:c=d%","version":"sha256:e\u0007 f"}"#,
                "a%20b%3Ac%3Dd%25:sha256:e%07%20f",
            ),
            (r#"{"message":"ok","service":"grün","version":""}"#, "gr%C3%BCn:"),
        ] {
            assert_eq!(responder(body.as_bytes()).as_deref(), Some(key), "{body}");
        }
    }

    #[test]
    fn other_bodies_are_not_a_demo_service() {
        let long = format!(r#"{{"message":"ok","service":"{}"}}"#, "a".repeat(256));
        for body in [
            "",
            "no healthy upstream",
            "{}",
            r#"{"message":"ok"}"#,
            r#"{"service":"blue","version":"1"}"#,
            r#"{"message":"ok","service":"blue","version":1}"#,
            r#"{"message":"ok","service":"blue"} "#.trim_end_matches("} "),
            &long,
        ] {
            assert_eq!(responder(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn error_statuses_are_responses_and_other_bodies_are_failures() {
        let classify =
            |status, body: &str| Outcome::of_response(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        let responded = |status, by: &str, error: Option<&str>| Outcome::Responded {
            status: StatusCode::from_u16(status).unwrap(),
            by: by.to_owned(),
            error: error.map(str::to_owned),
        };
        let blue = r#"{"message":"ok","service":"blue","version":"1"}"#;
        assert_eq!(classify(200, blue), responded(200, "blue:1", None));
        assert_eq!(classify(201, blue), responded(201, "blue:1", None));
        assert_eq!(classify(502, blue), responded(502, "blue:1", Some(blue)));
        assert_eq!(
            classify(503, "no healthy\r\n upstream\n"),
            responded(503, "other", Some("no healthy upstream"))
        );
        assert_eq!(classify(302, ""), responded(302, "other", Some("")));
        assert_eq!(classify(200, "<p>"), Outcome::failed(Cause::OtherBody, "<p>"));
        assert_eq!(classify(204, ""), Outcome::failed(Cause::OtherBody, ""));
    }

    #[test]
    fn an_excerpt_is_short_and_one_line() {
        assert_eq!(excerpt(b"a\x1b[31m\tb\0\0c \xff"), "a [31m b c \u{fffd}");
        let long = "ü".repeat(10_000);
        assert_eq!(excerpt(long.as_bytes()), format!("{}…", "ü".repeat(200)));
        let words = "ab ".repeat(10_000);
        assert_eq!(excerpt(words.as_bytes()).chars().count(), 201);
    }

    #[test]
    fn causes_sort_as_their_names_do() {
        let causes = [
            Cause::ConnectionClosed,
            Cause::ConnectionFailed,
            Cause::ConnectionRefused,
            Cause::ConnectionReset,
            Cause::NotHttp,
            Cause::NotSent,
            Cause::OtherBody,
            Cause::Timeout,
        ];
        assert!(causes.is_sorted());
        assert!(causes.map(Cause::as_str).is_sorted());
    }
}
