//! The status of one polled source, with a clock that is passed in. Pure.

use std::time::Instant;

use crate::error::ErrorKind;
use mesh_control::SourceStatus;

/// The record of a source.
#[derive(Debug, Default)]
pub(crate) struct SourceTracker {
    last_success: Option<Instant>,
    failing_since: Option<Instant>,
    error: Option<String>,
    /// The kind of the last failure, if it is known.
    reason: Option<ErrorKind>,
    /// Consecutive failures.
    failures: u32,
}

impl SourceTracker {
    /// Returns whether it had failed before.
    pub(crate) fn record_success(&mut self, now: Instant) -> bool {
        let before = std::mem::take(self);
        self.last_success = Some(now);
        before.error.is_some()
    }

    /// Returns whether that is new: the first failure after a success, or one of another kind.
    pub(crate) fn record_failure(&mut self, error: String, reason: Option<ErrorKind>, now: Instant) -> bool {
        let is_news = self.error.is_none() || self.reason != reason;
        self.reason = reason;
        self.failing_since.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
        self.error = Some(error);
        is_news
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    pub(crate) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    pub(crate) fn status(&self, name: String, notes: Vec<String>, now: Instant) -> SourceStatus {
        let seconds = |since: Instant| now.saturating_duration_since(since).as_secs();
        SourceStatus {
            name,
            last_success_seconds_ago: self.last_success.map(seconds),
            failing_for_seconds: self.failing_since.map(seconds),
            error: self.error.clone(),
            notes,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn ages_are_counted_from_the_last_success_and_the_first_failure() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut tracker = SourceTracker::default();
        let denied = Some(ErrorKind::Denied);
        assert!(tracker.record_failure("denied".to_owned(), denied, at(1)));
        assert!(!tracker.record_failure("denied; and 1 more".to_owned(), denied, at(2)));
        assert!(tracker.record_failure("throttled".to_owned(), Some(ErrorKind::Throttled), at(3)));
        assert_eq!(tracker.failures(), 3);
        let status = tracker.status("x".to_owned(), vec![], at(5));
        assert_eq!(
            (status.last_success_seconds_ago, status.failing_for_seconds),
            (None, Some(4))
        );
        assert!(tracker.record_success(at(6)));
        assert!(!tracker.record_success(at(6)));
        let status = tracker.status("x".to_owned(), vec![], at(8));
        assert_eq!(
            (status.last_success_seconds_ago, status.failing_for_seconds),
            (Some(2), None)
        );
        assert_eq!((tracker.failures(), tracker.error()), (0, None));
    }
}
