//! When the revision is read next.

use std::time::Duration;

use tokio::time::Instant;

/// Time between two reads of the revision, and so the time until a replica sees a change of another one.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// As [`POLL_INTERVAL`], while changes are frequent.
pub const ACTIVE_INTERVAL: Duration = Duration::from_millis(200);
/// How long after a change the next one is expected soon.
pub const ACTIVE_TIME: Duration = Duration::from_secs(30);
/// The longest time between two reads while DynamoDB cannot be read.
pub const MAX_INTERVAL: Duration = Duration::from_secs(30);

/// The result of reading the revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Poll {
    Changed,
    Unchanged,
    Failed,
}

/// When the revision was read, and what led to the next interval.
#[derive(Debug, Default)]
pub(super) struct PollSchedule {
    last_poll: Option<Instant>,
    last_change: Option<Instant>,
    failures: u32,
}

impl PollSchedule {
    /// The time of the next poll.
    pub(super) fn next_poll(&self) -> Instant {
        match self.last_poll {
            Some(last) => last + self.interval(last),
            None => Instant::now(),
        }
    }

    /// Records a poll. True if polls have begun to fail, or no longer fail.
    pub(super) fn record(&mut self, now: Instant, poll: Poll) -> bool {
        self.last_poll = Some(now);
        let had_failed = self.failures > 0;
        match poll {
            Poll::Changed => self.last_change = Some(now),
            Poll::Unchanged => {}
            Poll::Failed => {
                self.failures = self.failures.saturating_add(1);
                return !had_failed;
            }
        }
        self.failures = 0;
        had_failed
    }

    /// Records a change of this replica: others may follow soon.
    pub(super) fn change_seen(&mut self, now: Instant) {
        self.last_change = Some(now);
    }

    fn interval(&self, now: Instant) -> Duration {
        if self.failures > 0 {
            let doubled = POLL_INTERVAL.saturating_mul(1 << self.failures.min(8));
            return doubled.min(MAX_INTERVAL);
        }
        let is_active = self
            .last_change
            .is_some_and(|change| now.duration_since(change) < ACTIVE_TIME);
        if is_active { ACTIVE_INTERVAL } else { POLL_INTERVAL }
    }
}

/// A random time before another attempt, up to 50 ms, doubled for each attempt before.
pub(super) fn backoff(attempts: usize) -> Duration {
    let limit = 50 << attempts.min(6);
    Duration::from_millis(fastrand::u64(1..=limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_are_frequent_after_a_change() {
        let start = Instant::now();
        let mut schedule = PollSchedule::default();
        schedule.record(start, Poll::Unchanged);
        assert_eq!(schedule.next_poll(), start + POLL_INTERVAL);
        schedule.record(start, Poll::Changed);
        assert_eq!(schedule.next_poll(), start + ACTIVE_INTERVAL);
        schedule.record(start + ACTIVE_TIME, Poll::Unchanged);
        assert_eq!(schedule.next_poll(), start + ACTIVE_TIME + POLL_INTERVAL);
        schedule.change_seen(start + ACTIVE_TIME);
        assert_eq!(schedule.next_poll(), start + ACTIVE_TIME + ACTIVE_INTERVAL);
    }

    #[test]
    fn failing_polls_are_reported_once_and_become_rare() {
        let start = Instant::now();
        let mut schedule = PollSchedule::default();
        assert!(schedule.record(start, Poll::Failed));
        assert_eq!(schedule.next_poll(), start + 2 * POLL_INTERVAL);
        for _ in 0..100 {
            assert!(!schedule.record(start, Poll::Failed));
        }
        assert_eq!(schedule.next_poll(), start + MAX_INTERVAL);
        assert!(schedule.record(start, Poll::Unchanged));
        assert!(!schedule.record(start, Poll::Unchanged));
        assert_eq!(schedule.next_poll(), start + POLL_INTERVAL);
    }
}
