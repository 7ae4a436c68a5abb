//! Poll intervals, and back-off while AWS throttles.
//!
//! CloudFormation's API quotas are not published; the AWS CLI polls every 5 seconds or less often, so every interval here
//! grows to that quickly.

use std::time::Duration;

use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep};

/// The longest wait while AWS throttles or is unreachable.
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// The interval between two polls.
#[derive(Debug, Clone, Copy)]
pub(super) struct PollInterval {
    /// The first wait.
    pub(super) first: Duration,
    /// Each wait is 1.5 times the previous one, up to this.
    pub(super) longest: Duration,
}

impl PollInterval {
    /// Change sets: seconds for a small template.
    pub(super) const CHANGE_SET: Self = Self::new(1000, 5000);
    /// Stack events: operations take from seconds to an hour.
    pub(super) const EVENTS: Self = Self::new(2000, 5000);
    /// Cloud Map operations: about a second for an instance, up to a minute for a namespace.
    pub(super) const CLOUD_MAP: Self = Self::new(500, 5000);

    const fn new(first: u64, longest: u64) -> Self {
        Self {
            first: Duration::from_millis(first),
            longest: Duration::from_millis(longest),
        }
    }
}

/// Waits between polls.
#[derive(Debug)]
pub(super) struct Poller {
    sleep: SharedAsyncSleep,
    interval: PollInterval,
    next: Duration,
    waited: Duration,
}

impl Poller {
    pub(super) fn new(sleep: SharedAsyncSleep, interval: PollInterval) -> Self {
        Self {
            sleep,
            interval,
            next: interval.first,
            waited: Duration::ZERO,
        }
    }

    /// The total time waited.
    pub(super) fn waited(&self) -> Duration {
        self.waited
    }

    /// Waits until the next poll.
    pub(super) async fn wait(&mut self) {
        let now = self.next;
        self.next = (now * 3 / 2).min(self.interval.longest);
        self.pause(now).await;
    }

    /// Waits twice as long as before, because the last poll failed. Returns the time waited.
    pub(super) async fn wait_backoff(&mut self) -> Duration {
        let now = (self.next * 2).min(MAX_BACKOFF);
        self.next = now;
        self.pause(now).await;
        now
    }

    /// Resets the interval after progress, because more may follow soon.
    pub(super) fn reset(&mut self) {
        self.next = self.interval.first;
    }

    async fn pause(&mut self, time: Duration) {
        self.waited += time;
        self.sleep.sleep(time).await;
    }
}
