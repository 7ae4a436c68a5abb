//! Timers of a rollout in progress.

use std::time::Duration;

use super::outage::{MAX_WAIT, Outage};
use crate::rollout::Effect;
use crate::timestamp::Timestamp;

/// When something is due.
pub(super) struct Timers<V> {
    pub(super) next_inspection: Timestamp,
    pub(super) next_heartbeat: Timestamp,
    pub(super) tick_at: Option<Timestamp>,
    /// The outage of the store, as seen by inspections.
    pub(super) outage: Option<Outage>,
    /// Why an action is carried out again, as last reported.
    pub(super) retry_reason: Option<String>,
    /// Why a step is not left, as reported.
    pub(super) wait_reason: Option<String>,
    /// The action to carry out again.
    retry: Option<(Timestamp, Effect<V>)>,
    /// The last wait before a retry.
    retry_wait: Option<Duration>,
}

impl<V> Timers<V> {
    pub(super) fn new(now: Timestamp, heartbeat_interval: Duration) -> Self {
        Self {
            next_inspection: now,
            next_heartbeat: now.after(heartbeat_interval),
            tick_at: None,
            outage: None,
            retry_reason: None,
            wait_reason: None,
            retry: None,
            retry_wait: None,
        }
    }

    /// When the next of them is due. Nothing is done before an inspection has succeeded, so ticks and retries wait for
    /// the end of an outage.
    pub(super) fn earliest(&self) -> Timestamp {
        if self.outage.is_some() {
            return self.next_inspection;
        }
        let tick_at = self.tick_at;
        let retry_at = self.retry.as_ref().map(|(at, _)| *at);
        let others = [tick_at, retry_at].into_iter().flatten();
        others.fold(self.next_inspection, Timestamp::min)
    }

    /// Schedules an action again: after `first`, then after twice the previous wait each time.
    pub(super) fn schedule_retry(&mut self, action: Effect<V>, now: Timestamp, first: Duration) {
        let wait = self
            .retry_wait
            .map_or(first, |wait| (wait * 2).min(MAX_WAIT.max(first)));
        self.retry_wait = Some(wait);
        self.retry = Some((now.after(wait), action));
    }

    /// Takes the action to carry out again, if it is due.
    pub(super) fn due_retry(&mut self, now: Timestamp) -> Option<Effect<V>> {
        // Another controller may have taken over meanwhile.
        if self.outage.is_some() {
            return None;
        }
        self.retry.take_if(|(at, _)| *at <= now).map(|(_, action)| action)
    }

    /// Forgets retries, for a new action.
    pub(super) fn reset_retry(&mut self) {
        self.retry = None;
        self.retry_wait = None;
        self.retry_reason = None;
    }
}
