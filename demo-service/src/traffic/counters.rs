//! Who answered how often: counting, and the lines that tell it.

use std::collections::BTreeMap;
use std::fmt;

use reqwest::StatusCode;
use serde::ser::{Serialize, SerializeMap as _, SerializeStruct as _, Serializer};

use super::outcome::{Cause, OTHER, Outcome};

/// How many different keys are kept: what bounds memory if someone answers with ever new names.
const MOST_KEYS: usize = 1000;

/// Calls, by what became of them.
///
/// Its [`Display`](fmt::Display) is the lines of [`traffic`](super).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    answers: BTreeMap<StatusCode, BTreeMap<String, u64>>,
    failed: BTreeMap<Cause, u64>,
    keys: usize,
}

impl Counters {
    pub(super) fn record(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Answered { status, by, .. } => self.answered(*status, by),
            Outcome::Failed { cause, .. } => *self.failed.entry(*cause).or_default() += 1,
        }
    }

    fn answered(&mut self, status: StatusCode, by: &str) {
        let keys = self.answers.entry(status).or_default();
        if let Some(count) = keys.get_mut(by) {
            *count += 1;
        } else if self.keys < MOST_KEYS {
            self.keys += 1;
            keys.insert(by.to_owned(), 1);
        } else {
            *keys.entry(OTHER.to_owned()).or_default() += 1;
        }
    }

    /// Each status and who answered with it how often, as `service:version`, sorted.
    pub fn answers(&self) -> impl Iterator<Item = (u16, &str, u64)> {
        let of_status = |(status, keys): (&StatusCode, _)| {
            let status = status.as_u16();
            let keys: &BTreeMap<String, u64> = keys;
            keys.iter().map(move |(key, count)| (status, key.as_str(), *count))
        };
        self.answers.iter().flat_map(of_status)
    }

    /// Why calls had no usable answer, and how many, sorted.
    pub fn failed(&self) -> impl Iterator<Item = (Cause, u64)> {
        self.failed.iter().map(|(cause, count)| (*cause, *count))
    }

    /// How many calls ended.
    #[must_use]
    pub fn calls(&self) -> u64 {
        let answered: u64 = self.answers().map(|(_, _, count)| count).sum();
        answered + self.failed.values().sum::<u64>()
    }

    /// How many of them failed: those without a usable answer, and those with a status that is not 2xx.
    #[must_use]
    pub fn failures(&self) -> u64 {
        let refusals = self.answers.iter().filter(|(status, _)| !status.is_success());
        let refused: u64 = refusals.flat_map(|(_, keys)| keys.values()).sum();
        refused + self.failed.values().sum::<u64>()
    }

    /// One line for each status, and one for calls without an answer; none if there was no call.
    pub(super) fn lines(&self) -> Vec<String> {
        let pairs = |line: String, (key, count): (&str, &u64)| format!("{line} {key}={count}");
        let mut lines: Vec<String> = Vec::new();
        for (status, keys) in &self.answers {
            let keys = keys.iter().map(|(key, count)| (key.as_str(), count));
            lines.push(keys.fold(head(*status), pairs));
        }
        if !self.failed.is_empty() {
            let causes = self.failed.iter().map(|(cause, count)| (cause.as_str(), count));
            lines.push(causes.fold("failed".to_owned(), pairs));
        }
        lines
    }
}

/// A status as it stands at the beginning of a line.
pub(super) fn head(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lines() {
            lines if lines.is_empty() => f.write_str("no answers"),
            lines => f.write_str(&lines.join("\n")),
        }
    }
}

impl Serialize for Counters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tally = serializer.serialize_struct("Counters", 2)?;
        tally.serialize_field("answers", &Answers(&self.answers))?;
        tally.serialize_field("failed", &Failed(&self.failed))?;
        tally.end()
    }
}

struct Answers<'a>(&'a BTreeMap<StatusCode, BTreeMap<String, u64>>);

impl Serialize for Answers<'_> {
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

    fn tally(calls: &[(u64, Outcome)]) -> Counters {
        let mut tally = Counters::default();
        for (count, outcome) in calls {
            (0..*count).for_each(|_| tally.record(outcome));
        }
        tally
    }

    fn answered(status: u16, by: &str) -> Outcome {
        Outcome::Answered {
            status: StatusCode::from_u16(status).unwrap(),
            by: by.to_owned(),
            refusal: None,
        }
    }

    fn failed(cause: Cause) -> Outcome {
        Outcome::failed(cause, "")
    }

    #[test]
    fn answers_that_are_all_well_are_one_line() {
        let tally = tally(&[(76, answered(200, "green:1")), (74, answered(200, "blue:1"))]);
        assert_eq!(tally.to_string(), "200 OK blue:1=74 green:1=76");
        assert_eq!((tally.calls(), tally.failures()), (150, 0));
        let json = serde_json::to_string(&tally).unwrap();
        assert_eq!(json, r#"{"answers":{"200":{"blue:1":74,"green:1":76}},"failed":{}}"#);
    }

    #[test]
    fn each_status_is_a_line_and_failures_are_the_last() {
        let tally = tally(&[
            (1, failed(Cause::Timeout)),
            (2, answered(599, "other")),
            (3, answered(503, "other")),
            (4, answered(503, "blue:1")),
            (5, answered(201, "blue:1")),
            (6, answered(200, "blue:2")),
            (7, failed(Cause::ConnectionRefused)),
        ]);
        assert_eq!(
            tally.to_string(),
            "\
200 OK blue:2=6
201 Created blue:1=5
503 Service Unavailable blue:1=4 other=3
599 other=2
failed connection-refused=7 timeout=1"
        );
        assert_eq!((tally.calls(), tally.failures()), (28, 17));
        assert_eq!(
            serde_json::to_string(&tally).unwrap(),
            r#"{"answers":{"200":{"blue:2":6},"201":{"blue:1":5},"503":{"blue:1":4,"other":3},"599":{"other":2}},"failed":{"connection-refused":7,"timeout":1}}"#
        );
        assert_eq!(tally.answers().next(), Some((200, "blue:2", 6)));
        assert_eq!(tally.failed().next(), Some((Cause::ConnectionRefused, 7)));
    }

    #[test]
    fn a_line_appears_when_there_was_nothing() {
        assert_eq!(Counters::default().to_string(), "no answers");
        let json = serde_json::to_string(&Counters::default()).unwrap();
        assert_eq!(json, r#"{"answers":{},"failed":{}}"#);
    }

    #[test]
    fn ever_new_names_are_counted_but_not_kept() {
        let mut tally = Counters::default();
        for version in 0..5000 {
            tally.record(&answered(200, &format!("blue:{version}")));
        }
        tally.record(&answered(200, "blue:0"));
        assert_eq!(tally.calls(), 5001);
        assert_eq!(tally.answers().count(), MOST_KEYS + 1);
        assert!(tally.answers().any(|answer| answer == (200, "other", 4000)));
        assert!(tally.answers().any(|answer| answer == (200, "blue:0", 2)));
    }
}
