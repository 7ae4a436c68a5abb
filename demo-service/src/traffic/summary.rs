//! What is told in the end: how many, how fast, and what went wrong when.

use std::fmt;
use std::time::{Duration, SystemTime};

use hdrhistogram::{CreationError, Histogram};
use serde::ser::{Serialize, SerializeMap as _, SerializeStruct as _, Serializer};

use super::counters::{Counters, head};
use super::outcome::Outcome;

/// How many failures are listed.
const MOST_FAILURES: usize = 100;

/// Latencies are kept in microseconds, up to an hour: longer ones count as an hour.
const LONGEST: u64 = 60 * 60 * 1_000_000;
/// Of each latency, in significant digits.
const DIGITS: u8 = 3;

/// The points of the distribution that are told, and their names in JSON and in text.
const QUANTILES: [(f64, &str, &str); 4] = [
    (0.5, "p50", "50%"),
    (0.9, "p90", "90%"),
    (0.99, "p99", "99%"),
    (0.999, "p99_9", "99.9%"),
];

/// All calls of some traffic.
///
/// Its [`Display`](fmt::Display) is the summary of [`traffic`](super), without the empty line before it.
#[derive(Debug, Clone)]
pub struct Summary {
    started: SystemTime,
    length: Duration,
    tally: Counters,
    latencies: Histogram<u64>,
    failures: Vec<Failure>,
    given_up: u64,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Failure {
    at: SystemTime,
    took: Duration,
    what: String,
    detail: String,
}

impl Summary {
    pub(super) fn new(started: SystemTime) -> Result<Self, CreationError> {
        Ok(Self {
            started,
            length: Duration::ZERO,
            tally: Counters::default(),
            latencies: Histogram::new_with_max(LONGEST, DIGITS)?,
            failures: Vec::new(),
            given_up: 0,
        })
    }

    /// Takes a call that began `from` after the start.
    pub(super) fn record(&mut self, from: Duration, took: Duration, outcome: &Outcome) {
        self.tally.record(outcome);
        if let Outcome::Answered { .. } = outcome {
            let micros = u64::try_from(took.as_micros()).unwrap_or(LONGEST);
            self.latencies.saturating_record(micros);
        }
        let (what, detail) = match outcome {
            Outcome::Answered { refusal: None, .. } => return,
            Outcome::Answered {
                status,
                refusal: Some(refusal),
                ..
            } => (head(*status), refusal),
            Outcome::Failed { cause, detail } => (cause.to_string(), detail),
        };
        if self.failures.len() < MOST_FAILURES {
            self.failures.push(Failure {
                at: self.started + from,
                took,
                what,
                detail: detail.clone(),
            });
        }
    }

    /// Says that it is over, with so many calls still under way.
    pub(super) fn end(&mut self, length: Duration, given_up: u64) {
        self.length = length;
        self.given_up = given_up;
    }

    /// What became of all calls.
    #[must_use]
    pub fn tally(&self) -> &Counters {
        &self.tally
    }

    /// How many calls were given up while they were under way. Nobody knows what became of them.
    #[must_use]
    pub fn given_up(&self) -> u64 {
        self.given_up
    }

    /// True if no call failed, and none was given up.
    #[must_use]
    pub fn all_went_well(&self) -> bool {
        self.tally.failures() == 0 && self.given_up == 0
    }

    fn not_listed(&self) -> u64 {
        self.tally.failures().saturating_sub(self.failures.len() as u64)
    }
}

/// Milliseconds as they are read best: a thousandth of one is noise.
fn ms(micros: u64) -> String {
    format!("{:.2} ms", micros as f64 / 1000.0)
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (calls, failed) = (self.tally.calls(), self.tally.failures());
        write!(
            f,
            "summary: {calls} calls in {:.1} s, {failed} failed",
            self.length.as_secs_f64()
        )?;
        if self.given_up > 0 {
            write!(f, ", {} given up", self.given_up)?;
        }
        for line in self.tally.lines() {
            write!(f, "\n  {line}")?;
        }
        if !self.latencies.is_empty() {
            let answers = self.latencies.len();
            write!(f, "\n  latency of {answers} answers: min {}", ms(self.latencies.min()))?;
            for (quantile, _, name) in QUANTILES {
                write!(f, ", {name} {}", ms(self.latencies.value_at_quantile(quantile)))?;
            }
            write!(f, ", max {}", ms(self.latencies.max()))?;
        }
        if !self.failures.is_empty() {
            f.write_str("\n  failures:")?;
        }
        for failure in &self.failures {
            write!(f, "\n    {failure}")?;
        }
        match self.not_listed() {
            0 => Ok(()),
            more => write!(f, "\n    and {more} more"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = humantime::format_rfc3339_millis(self.at);
        let took = self.took.as_secs_f64() * 1000.0;
        write!(f, "{at} {} after {took:.2} ms", self.what)?;
        if self.detail.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", self.detail)
    }
}

/// A time as seconds, to the millisecond.
pub(super) fn seconds(time: Duration) -> f64 {
    time.as_millis() as f64 / 1000.0
}

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut summary = serializer.serialize_struct("Summary", 9)?;
        let started = humantime::format_rfc3339_millis(self.started).to_string();
        summary.serialize_field("started", &started)?;
        summary.serialize_field("seconds", &seconds(self.length))?;
        summary.serialize_field("calls", &self.tally.calls())?;
        summary.serialize_field("failed_calls", &self.tally.failures())?;
        summary.serialize_field("given_up", &self.given_up)?;
        summary.serialize_field("tally", &self.tally)?;
        summary.serialize_field("latency_ms", &Latencies(&self.latencies))?;
        summary.serialize_field("failures", &self.failures)?;
        summary.serialize_field("failures_not_listed", &self.not_listed())?;
        summary.end()
    }
}

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut failure = serializer.serialize_struct("Failure", 4)?;
        let at = humantime::format_rfc3339_millis(self.at).to_string();
        failure.serialize_field("at", &at)?;
        failure.serialize_field("what", &self.what)?;
        failure.serialize_field("after_ms", &(self.took.as_micros() as f64 / 1000.0))?;
        failure.serialize_field("detail", &self.detail)?;
        failure.end()
    }
}

struct Latencies<'a>(&'a Histogram<u64>);

impl Serialize for Latencies<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ms = |micros: u64| micros as f64 / 1000.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("answers", &self.0.len())?;
        if !self.0.is_empty() {
            map.serialize_entry("min", &ms(self.0.min()))?;
            for (quantile, name, _) in QUANTILES {
                map.serialize_entry(name, &ms(self.0.value_at_quantile(quantile)))?;
            }
            map.serialize_entry("max", &ms(self.0.max()))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests;
