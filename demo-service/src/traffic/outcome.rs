//! What became of a call.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use reqwest::StatusCode;
use serde::Deserialize;

/// Who answered, if it is not the demo service.
pub(super) const OTHER: &str = "other";

/// What nobody said.
const UNKNOWN: &str = "unknown";

/// The longest name or version that is taken for one, in bytes: what a name in the DNS may have, and some.
const LONGEST_NAME: usize = 255;

/// As much of an answer as explains it, in characters.
const EXCERPT: usize = 200;

/// What would end a version, or a key, in a line.
const IN_VERSION: &AsciiSet = &CONTROLS.add(b' ').add(b'=').add(b'%');
const IN_SERVICE: &AsciiSet = &IN_VERSION.add(b':');

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A status, and who answered: `service:version`, or [`OTHER`].
    Answered {
        status: StatusCode,
        by: String,
        /// What the answer says, if it is a refusal.
        refusal: Option<String>,
    },
    /// No usable answer.
    Failed { cause: Cause, detail: String },
}

/// Why there is no usable answer. The names of the causes are kept: scripts read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The connection was closed before the answer was complete: `connection-closed`.
    ConnectionClosed,
    /// No connection could be made, for a reason other than the next: `connection-failed`.
    ConnectionFailed,
    /// Nothing listens there: `connection-refused`.
    ConnectionRefused,
    /// The connection was reset before the answer was complete: `connection-reset`.
    ConnectionReset,
    /// What came is not HTTP: `not-http`.
    NotHttp,
    /// All callers were busy for too long after it was due: `not-sent`.
    NotSent,
    /// The status is 2xx, and the body is not the demo service's: `other-body`.
    OtherBody,
    /// There was no whole answer in time: `timeout`.
    Timeout,
}

impl Cause {
    /// How lines and JSON name it.
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

/// What the demo service's documents have in common.
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
    /// A failure, and what is known of it.
    pub(super) fn failed(cause: Cause, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::Failed { cause, detail }
    }

    /// Judges an answer.
    pub(super) fn of_answer(status: StatusCode, body: &[u8]) -> Self {
        match (who(body), status.is_success()) {
            (Some(by), true) => Self::Answered {
                status,
                by,
                refusal: None,
            },
            (None, true) => Self::failed(Cause::OtherBody, excerpt(body)),
            (by, false) => Self::Answered {
                status,
                by: by.unwrap_or_else(|| OTHER.to_owned()),
                refusal: Some(excerpt(body)),
            },
        }
    }
}

/// The key of a demo service that says this.
fn who(body: &[u8]) -> Option<String> {
    let document: Document<'_> = serde_json::from_slice(body).ok()?;
    let version = document.version.unwrap_or(Cow::Borrowed(UNKNOWN));
    if document.service.len() > LONGEST_NAME || version.len() > LONGEST_NAME {
        return None;
    }
    Some(format!(
        "{}:{}",
        utf8_percent_encode(&document.service, IN_SERVICE),
        utf8_percent_encode(&version, IN_VERSION)
    ))
}

/// The beginning of a body, in one line.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let mut line = String::new();
    // Bounded while it is put together: a body can be long.
    while let Some(word) = words.next().filter(|_| line.len() < 4 * EXCERPT) {
        if !line.is_empty() && !word.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_service_is_known_by_its_documents() {
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
            assert_eq!(who(body.as_bytes()).as_deref(), Some(key), "{body}");
        }
    }

    #[test]
    fn anything_else_is_no_demo_service() {
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
            assert_eq!(who(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn a_refusal_is_an_answer_whoever_gives_it_and_a_strange_body_is_none() {
        let judged = |status, body: &str| Outcome::of_answer(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        let answered = |status, by: &str, refusal: Option<&str>| Outcome::Answered {
            status: StatusCode::from_u16(status).unwrap(),
            by: by.to_owned(),
            refusal: refusal.map(str::to_owned),
        };
        let blue = r#"{"message":"ok","service":"blue","version":"1"}"#;
        assert_eq!(judged(200, blue), answered(200, "blue:1", None));
        assert_eq!(judged(201, blue), answered(201, "blue:1", None));
        assert_eq!(judged(502, blue), answered(502, "blue:1", Some(blue)));
        assert_eq!(
            judged(503, "no healthy\r\n upstream\n"),
            answered(503, "other", Some("no healthy upstream"))
        );
        assert_eq!(judged(302, ""), answered(302, "other", Some("")));
        assert_eq!(judged(200, "<p>"), Outcome::failed(Cause::OtherBody, "<p>"));
        assert_eq!(judged(204, ""), Outcome::failed(Cause::OtherBody, ""));
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
