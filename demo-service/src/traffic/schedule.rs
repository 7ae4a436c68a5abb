//! Schedule of calls. Times are relative to the start of the run.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

/// The delay of a timer that does not count as late. Tokio's timers are exact to a millisecond, rounded up.
const TIMER_PRECISION: Duration = Duration::from_millis(2);

/// Schedules calls, without memory for waiting ones.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    rate: Option<NonZeroU32>,
    count: Option<NonZeroU64>,
    end: Option<Duration>,
    scheduled: u64,
}

impl Schedule {
    pub(super) fn new(rate: Option<NonZeroU32>, count: Option<NonZeroU64>, end: Option<Duration>) -> Self {
        let scheduled = 0;
        Self {
            rate,
            count,
            end,
            scheduled,
        }
    }

    /// The due time of the next call, which may have passed; `None` after the last call.
    pub(super) fn next(&mut self, now: Duration) -> Option<Duration> {
        if self.count.is_some_and(|count| self.scheduled >= count.get()) {
            return None;
        }
        let due = self.rate.map_or(now, |rate| due_time(self.scheduled, rate));
        if self.end.is_some_and(|end| due >= end) {
            return None;
        }
        self.scheduled += 1;
        Some(due)
    }

    /// Schedules no more calls after `now`.
    pub(super) fn stop(&mut self, now: Duration) {
        self.end = Some(self.end.map_or(now, |end| end.min(now)));
    }
}

/// The due time of a call, without accumulated rounding errors.
fn due_time(call: u64, rate: NonZeroU32) -> Duration {
    let (call, rate) = (u128::from(call), u128::from(rate.get()));
    Duration::from_nanos_u128(call * 1_000_000_000 / rate)
}

/// The time from which a call's latency counts.
pub(super) fn measured_from(due: Duration, sent: Duration) -> Duration {
    if sent.saturating_sub(due) <= TIMER_PRECISION {
        sent
    } else {
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn without_a_rate_a_call_is_due_when_a_caller_is_free() {
        let mut schedule = Schedule::new(None, NonZeroU64::new(3), Some(ms(100)));
        assert_eq!(schedule.next(ms(7)), Some(ms(7)));
        assert_eq!(schedule.next(ms(99)), Some(ms(99)));
        assert_eq!(schedule.next(ms(100)), None);
        assert_eq!(schedule.next(ms(99)), Some(ms(99)));
        assert_eq!(schedule.next(ms(99)), None);
    }

    #[test]
    fn with_a_rate_calls_are_due_at_fixed_times() {
        let mut schedule = Schedule::new(NonZeroU32::new(3), None, Some(ms(1000)));
        let due: Vec<Duration> = std::iter::from_fn(|| schedule.next(ms(5000))).collect();
        assert_eq!(due, [0, 333_333_333, 666_666_666].map(Duration::from_nanos));
    }

    #[test]
    fn a_schedule_does_not_drift() {
        let week = 7 * 24 * 60 * 60;
        let rate = NonZeroU32::new(333).unwrap();
        assert_eq!(due_time(333 * week, rate), Duration::from_secs(week));
    }

    #[test]
    fn calls_due_before_the_stop_are_still_made() {
        let mut schedule = Schedule::new(NonZeroU32::new(10), None, None);
        assert_eq!(schedule.next(ms(0)), Some(ms(0)));
        schedule.stop(ms(250));
        schedule.stop(ms(900));
        assert_eq!(schedule.next(ms(250)), Some(ms(100)));
        assert_eq!(schedule.next(ms(250)), Some(ms(200)));
        assert_eq!(schedule.next(ms(900)), None);
    }

    #[test]
    fn a_delayed_call_is_measured_from_its_due_time() {
        assert_eq!(measured_from(ms(100), ms(100)), ms(100));
        assert_eq!(measured_from(ms(100), ms(102)), ms(102));
        assert_eq!(measured_from(ms(100), ms(103)), ms(100));
        assert_eq!(measured_from(ms(100), ms(900)), ms(100));
    }
}
