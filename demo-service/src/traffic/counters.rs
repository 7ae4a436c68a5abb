//! Counters of responses and failures, and their output.

use std::collections::BTreeMap;
use std::fmt;

use reqwest::StatusCode;
use serde::ser::{Serialize, SerializeMap as _, SerializeStruct as _, Serializer};

use super::outcome::{Cause, OTHER, Outcome};

/// The most different keys, so that memory is bounded whatever names are returned.
const MAX_KEYS: usize = 1000;

/// Numbers of calls by outcome.
///
/// Its [`Display`](fmt::Display) is the lines of [`traffic`](super).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    responses: BTreeMap<StatusCode, BTreeMap<String, u64>>,
    failed: BTreeMap<Cause, u64>,
    keys: usize,
}

impl Counters {
    pub(super) fn record(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Responded { status, by, .. } => self.record_response(*status, by),
            Outcome::Failed { cause, .. } => *self.failed.entry(*cause).or_default() += 1,
        }
    }

    fn record_response(&mut self, status: StatusCode, by: &str) {
        let keys = self.responses.entry(status).or_default();
        if let Some(count) = keys.get_mut(by) {
            *count += 1;
        } else if self.keys < MAX_KEYS {
            self.keys += 1;
            keys.insert(by.to_owned(), 1);
        } else {
            *keys.entry(OTHER.to_owned()).or_default() += 1;
        }
    }

    /// Numbers of responses by status and `service:version`, sorted.
    pub fn responses(&self) -> impl Iterator<Item = (u16, &str, u64)> {
        let of_status = |(status, keys): (&StatusCode, _)| {
            let status = status.as_u16();
            let keys: &BTreeMap<String, u64> = keys;
            keys.iter().map(move |(key, count)| (status, key.as_str(), *count))
        };
        self.responses.iter().flat_map(of_status)
    }

    /// Numbers of calls without a usable response by cause, sorted.
    pub fn failed(&self) -> impl Iterator<Item = (Cause, u64)> {
        self.failed.iter().map(|(cause, count)| (*cause, *count))
    }

    /// The number of calls that ended.
    #[must_use]
    pub fn calls(&self) -> u64 {
        let responses: u64 = self.responses().map(|(_, _, count)| count).sum();
        responses + self.failed.values().sum::<u64>()
    }

    /// The number of failed calls: without a usable response, or with a status that is not 2xx.
    #[must_use]
    pub fn failures(&self) -> u64 {
        let error_statuses = self.responses.iter().filter(|(status, _)| !status.is_success());
        let errors: u64 = error_statuses.flat_map(|(_, keys)| keys.values()).sum();
        errors + self.failed.values().sum::<u64>()
    }

    /// One line for each status, and one for calls without a response; none without calls.
    pub(super) fn lines(&self) -> Vec<String> {
        let pairs = |line: String, (key, count): (&str, &u64)| format!("{line} {key}={count}");
        let mut lines: Vec<String> = Vec::new();
        for (status, keys) in &self.responses {
            let keys = keys.iter().map(|(key, count)| (key.as_str(), count));
            lines.push(keys.fold(status_line(*status), pairs));
        }
        if !self.failed.is_empty() {
            let causes = self.failed.iter().map(|(cause, count)| (cause.as_str(), count));
            lines.push(causes.fold("failed".to_owned(), pairs));
        }
        lines
    }
}

/// A status at the start of a line.
pub(super) fn status_line(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lines() {
            lines if lines.is_empty() => f.write_str("no responses"),
            lines => f.write_str(&lines.join("\n")),
        }
    }
}

impl Serialize for Counters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("Counters", 2)?;
        document.serialize_field("answers", &Responses(&self.responses))?;
        document.serialize_field("failed", &Failed(&self.failed))?;
        document.end()
    }
}

struct Responses<'a>(&'a BTreeMap<StatusCode, BTreeMap<String, u64>>);

impl Serialize for Responses<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (status, keys) in self.0 {
            map.serialize_entry(status.as_str(), keys)?;
        }
        map.end()
    }
}

struct Failed<'a>(&'a BTreeMap<Cause, u64>);

impl Serialize for Failed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (cause, count) in self.0 {
            map.serialize_entry(cause.as_str(), count)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(calls: &[(u64, Outcome)]) -> Counters {
        let mut counters = Counters::default();
        for (count, outcome) in calls {
            (0..*count).for_each(|_| counters.record(outcome));
        }
        counters
    }

    fn responded(status: u16, by: &str) -> Outcome {
        Outcome::Responded {
            status: StatusCode::from_u16(status).unwrap(),
            by: by.to_owned(),
            error: None,
        }
    }

    fn failed(cause: Cause) -> Outcome {
        Outcome::failed(cause, "")
    }

    #[test]
    fn successful_responses_are_one_line() {
        let counters = count(&[(76, responded(200, "green:1")), (74, responded(200, "blue:1"))]);
        assert_eq!(counters.to_string(), "200 OK blue:1=74 green:1=76");
        assert_eq!((counters.calls(), counters.failures()), (150, 0));
        let json = serde_json::to_string(&counters).unwrap();
        assert_eq!(json, r#"{"answers":{"200":{"blue:1":74,"green:1":76}},"failed":{}}"#);
    }

    #[test]
    fn each_status_is_a_line_and_failures_are_last() {
        let counters = count(&[
            (1, failed(Cause::Timeout)),
            (2, responded(599, "other")),
            (3, responded(503, "other")),
            (4, responded(503, "blue:1")),
            (5, responded(201, "blue:1")),
            (6, responded(200, "blue:2")),
            (7, failed(Cause::ConnectionRefused)),
        ]);
        assert_eq!(
            counters.to_string(),
            "\
200 OK blue:2=6
201 Created blue:1=5
503 Service Unavailable blue:1=4 other=3
599 other=2
failed connection-refused=7 timeout=1"
        );
        assert_eq!((counters.calls(), counters.failures()), (28, 17));
        assert_eq!(
            serde_json::to_string(&counters).unwrap(),
            r#"{"answers":{"200":{"blue:2":6},"201":{"blue:1":5},"503":{"blue:1":4,"other":3},"599":{"other":2}},"failed":{"connection-refused":7,"timeout":1}}"#
        );
        assert_eq!(counters.responses().next(), Some((200, "blue:2", 6)));
        assert_eq!(counters.failed().next(), Some((Cause::ConnectionRefused, 7)));
    }

    #[test]
    fn there_is_a_line_without_calls() {
        assert_eq!(Counters::default().to_string(), "no responses");
        let json = serde_json::to_string(&Counters::default()).unwrap();
        assert_eq!(json, r#"{"answers":{},"failed":{}}"#);
    }

    #[test]
    fn keys_are_bounded() {
        let mut counters = Counters::default();
        for version in 0..5000 {
            counters.record(&responded(200, &format!("blue:{version}")));
        }
        counters.record(&responded(200, "blue:0"));
        assert_eq!(counters.calls(), 5001);
        assert_eq!(counters.responses().count(), MAX_KEYS + 1);
        assert!(counters.responses().any(|response| response == (200, "other", 4000)));
        assert!(counters.responses().any(|response| response == (200, "blue:0", 2)));
    }
}
