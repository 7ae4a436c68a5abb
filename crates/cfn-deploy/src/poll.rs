//! How long to wait between two looks: soon at first, then less often, and much less often if AWS asks for that.
//!
//! CloudFormation's quotas for calls are not published; the AWS CLI looks every 5 seconds or less often, so nothing
//! here looks more often than that for long.

use std::time::Duration;

use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep};

/// The longest wait when AWS throttles, or cannot be reached.
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// When to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct PollInterval {
    /// The first wait.
    pub(super) first: Duration,
    /// Each wait is half as long again as the one before, up to this.
    pub(super) longest: Duration,
}

impl PollInterval {
    /// A change set is made within seconds for a small template.
    pub(super) const CHANGE_SET: Self = Self::new(1000, 5000);
    /// The events of an operation, which takes from seconds to an hour.
    pub(super) const EVENTS: Self = Self::new(2000, 5000);
    /// An operation of Cloud Map, which takes about a second for an instance and up to a minute for a namespace.
    pub(super) const CLOUD_MAP: Self = Self::new(500, 5000);

    const fn new(first: u64, longest: u64) -> Self {
        Self {
            first: Duration::from_millis(first),
            longest: Duration::from_millis(longest),
        }
    }
}

/// One who waits.
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

    /// How long it was waited in all.
    pub(super) fn waited(&self) -> Duration {
        self.waited
    }

    /// Waits until the next look.
    pub(super) async fn wait(&mut self) {
        let now = self.next;
        self.next = (now * 3 / 2).min(self.interval.longest);
        self.pause(now).await;
    }

    /// Waits longer each time, because the last look failed; answers how long.
    pub(super) async fn wait_backoff(&mut self) -> Duration {
        let now = (self.next * 2).min(MAX_BACKOFF);
        self.next = now;
        self.pause(now).await;
        now
    }

    /// Something happened, so more may follow soon.
    pub(super) fn reset(&mut self) {
        self.next = self.interval.first;
    }

    async fn pause(&mut self, time: Duration) {
        self.waited += time;
        self.sleep.sleep(time).await;
    }
}
