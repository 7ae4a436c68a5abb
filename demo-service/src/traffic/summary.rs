//! Summary of a run: counts, latencies, failures.

use std::fmt;
use std::time::{Duration, SystemTime};

use hdrhistogram::{CreationError, Histogram};
use serde::ser::{Serialize, SerializeMap as _, SerializeStruct as _, Serializer};

use super::counters::{Counters, status_line};
use super::outcome::Outcome;

/// The most failures that are listed.
const MAX_FAILURES: usize = 100;

/// The longest latency in microseconds: an hour. Longer ones count as an hour.
const MAX_LATENCY: u64 = 60 * 60 * 1_000_000;
/// The significant digits of latencies.
const DIGITS: u8 = 3;

/// The quantiles in the output, with their names in JSON and in text.
const QUANTILES: [(f64, &str, &str); 4] = [
    (0.5, "p50", "50%"),
    (0.9, "p90", "90%"),
    (0.99, "p99", "99%"),
    (0.999, "p99_9", "99.9%"),
];

/// The result of a run.
///
/// Its [`Display`](fmt::Display) is the summary of [`traffic`](super), without the empty line before it.
#[derive(Debug, Clone)]
pub struct Summary {
    started: SystemTime,
    length: Duration,
    counters: Counters,
    latencies: Histogram<u64>,
    failures: Vec<Failure>,
    abandoned: u64,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Failure {
    at: SystemTime,
    duration: Duration,
    what: String,
    detail: String,
}

impl Summary {
    pub(super) fn new(started: SystemTime) -> Result<Self, CreationError> {
        Ok(Self {
            started,
            length: Duration::ZERO,
            counters: Counters::default(),
            latencies: Histogram::new_with_max(MAX_LATENCY, DIGITS)?,
            failures: Vec::new(),
            abandoned: 0,
        })
    }

    /// Records a call that started `from` after the start of the run.
    pub(super) fn record(&mut self, from: Duration, duration: Duration, outcome: &Outcome) {
        self.counters.record(outcome);
        if let Outcome::Responded { .. } = outcome {
            let micros = u64::try_from(duration.as_micros()).unwrap_or(MAX_LATENCY);
            self.latencies.saturating_record(micros);
        }
        let (what, detail) = match outcome {
            Outcome::Responded { error: None, .. } => return,
            Outcome::Responded {
                status,
                error: Some(error),
                ..
            } => (status_line(*status), error),
            Outcome::Failed { cause, detail } => (cause.to_string(), detail),
        };
        if self.failures.len() < MAX_FAILURES {
            self.failures.push(Failure {
                at: self.started + from,
                duration,
                what,
                detail: detail.clone(),
            });
        }
    }

    /// Ends the run, with the number of calls still in flight.
    pub(super) fn end(&mut self, length: Duration, abandoned: u64) {
        self.length = length;
        self.abandoned = abandoned;
    }

    /// The counters of all calls.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The number of calls that were abandoned in flight, with an unknown outcome.
    #[must_use]
    pub fn abandoned(&self) -> u64 {
        self.abandoned
    }

    /// True if no call failed, and none was abandoned.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.counters.failures() == 0 && self.abandoned == 0
    }

    fn not_listed(&self) -> u64 {
        self.counters.failures().saturating_sub(self.failures.len() as u64)
    }
}

/// Milliseconds with two decimals: more would be noise.
fn ms(micros: u64) -> String {
    format!("{:.2} ms", micros as f64 / 1000.0)
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (calls, failed) = (self.counters.calls(), self.counters.failures());
        write!(
            f,
            "summary: {calls} calls in {:.1} s, {failed} failed",
            self.length.as_secs_f64()
        )?;
        if self.abandoned > 0 {
            write!(f, ", {} abandoned", self.abandoned)?;
        }
        for line in self.counters.lines() {
            write!(f, "\n  {line}")?;
        }
        if !self.latencies.is_empty() {
            let responses = self.latencies.len();
            write!(
                f,
                "\n  latency of {responses} responses: min {}",
                ms(self.latencies.min())
            )?;
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
        let ms = self.duration.as_secs_f64() * 1000.0;
        write!(f, "{at} {} after {ms:.2} ms", self.what)?;
        if self.detail.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", self.detail)
    }
}

/// A time in seconds, with three decimals.
pub(super) fn seconds(time: Duration) -> f64 {
    time.as_millis() as f64 / 1000.0
}

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut summary = serializer.serialize_struct("Summary", 9)?;
        let started = humantime::format_rfc3339_millis(self.started).to_string();
        summary.serialize_field("started", &started)?;
        summary.serialize_field("seconds", &seconds(self.length))?;
        summary.serialize_field("calls", &self.counters.calls())?;
        summary.serialize_field("failed_calls", &self.counters.failures())?;
        summary.serialize_field("given_up", &self.abandoned)?;
        summary.serialize_field("tally", &self.counters)?;
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
        failure.serialize_field("after_ms", &(self.duration.as_micros() as f64 / 1000.0))?;
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
