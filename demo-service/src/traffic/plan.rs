//! Parameters of a run, with defaults.

use std::num::{NonZeroU16, NonZeroU32, NonZeroU64};
use std::time::Duration;

use super::target::Target;

pub(super) const INTERVAL: Duration = Duration::from_secs(1);
/// Longer than three attempts of a mesh, and short enough to watch.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);
/// One caller makes some hundred to some thousand calls per second.
const CALLERS: NonZeroU16 = NonZeroU16::MIN;
/// Calls in flight with a rate: enough for 400 calls per second with responses that take half a second. Each needs a file
/// descriptor, of which a process has 1024 on many systems, 256 on some.
const CALLERS_AT_A_RATE: NonZeroU16 = NonZeroU16::new(200).unwrap();

/// The target, rate and duration of a run. By default a closed loop with one caller, without end.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(super) target: Target,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) concurrency: Option<NonZeroU16>,
    pub(super) rate: Option<NonZeroU32>,
    pub(super) count: Option<NonZeroU64>,
    pub(super) duration: Option<Duration>,
    pub(super) keep_alive: bool,
}

impl Plan {
    /// The default plan for `target`.
    #[must_use]
    pub fn new(target: Target) -> Self {
        Self {
            target,
            interval: INTERVAL,
            timeout: TIMEOUT,
            concurrency: None,
            rate: None,
            count: None,
            duration: None,
            keep_alive: true,
        }
    }

    /// Sets the interval of reports; a second by default, at least a millisecond.
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval.max(Duration::from_millis(1));
        self
    }

    /// Sets the timeout of a call from when it is sent; 5 seconds by default.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the most calls in flight; 1 by default, 200 with a rate.
    #[must_use]
    pub fn with_concurrency(mut self, callers: NonZeroU16) -> Self {
        self.concurrency = Some(callers);
        self
    }

    /// Sets the calls per second of all callers together. By default as many as the callers can make.
    #[must_use]
    pub fn with_rate(mut self, calls_per_second: NonZeroU32) -> Self {
        self.rate = Some(calls_per_second);
        self
    }

    /// Sets the number of calls.
    #[must_use]
    pub fn with_count(mut self, calls: NonZeroU64) -> Self {
        self.count = Some(calls);
        self
    }

    /// Sets how long calls are made.
    #[must_use]
    pub fn with_duration(mut self, duration: Duration) -> Self {
        self.duration = Some(duration);
        self
    }

    /// Sets whether connections are reused, as they are by default. Otherwise each call has its own.
    #[must_use]
    pub fn with_keep_alive(mut self, keep_alive: bool) -> Self {
        self.keep_alive = keep_alive;
        self
    }

    pub(super) fn callers(&self) -> NonZeroU16 {
        self.concurrency.unwrap_or(match self.rate {
            None => CALLERS,
            Some(_) => CALLERS_AT_A_RATE,
        })
    }
}
