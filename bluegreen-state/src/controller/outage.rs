//! Outages of the store: back-off and their limit.

use std::error::Error as StdError;
use std::time::Duration;

use super::{Controller, ControllerError, Platform, Progress};
use crate::deployment::Error;
use crate::timestamp::Timestamp;

/// The longest wait between two attempts.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(30);

/// A time in which every access to the store failed.
#[derive(Debug)]
pub(super) struct Outage {
    since: Timestamp,
    next_wait: Duration,
    /// The cause, as last reported.
    reason: String,
}

impl<S, P> Controller<S, P> {
    /// Records a failed access, and returns the wait until the next attempt. Reports each new cause once.
    ///
    /// # Errors
    ///
    /// If the error is permanent, or the outage takes longer than its limit.
    pub(super) fn outlast<V>(&self, outage: &mut Option<Outage>, error: Error) -> Result<Duration, ControllerError>
    where
        P: Platform<V>,
    {
        if !error.is_transient() {
            return Err(ControllerError::State(error));
        }
        let now = self.platform.now();
        let outage = outage.get_or_insert_with(|| Outage {
            since: now,
            next_wait: self.poll_interval,
            reason: String::new(),
        });
        let duration = now.since(outage.since);
        if duration >= self.outage_limit {
            return Err(ControllerError::StateUnavailable {
                duration,
                source: error,
            });
        }
        let reason = with_causes(&error);
        if outage.reason != reason {
            self.platform.report(Progress::Retrying { reason: &reason });
            outage.reason = reason;
        }
        let wait = outage.next_wait;
        outage.next_wait = (wait * 2).min(MAX_WAIT.max(self.poll_interval));
        // The limit is kept, whatever the back-off.
        Ok(wait.min(self.outage_limit.saturating_sub(duration)))
    }

    /// Reports the end of an outage, if there was one.
    pub(super) fn recovered<V>(&self, outage: &mut Option<Outage>)
    where
        P: Platform<V>,
    {
        if let Some(outage) = outage.take() {
            let duration = self.platform.now().since(outage.since);
            self.platform.report(Progress::StateAvailable { after: duration });
        }
    }
}

/// The message of an error with those of its sources.
fn with_causes(error: &dyn StdError) -> String {
    let sources = std::iter::successors(error.source(), |error| (*error).source());
    let mut text = error.to_string();
    let mut last = text.clone();
    for source in sources.map(ToString::to_string) {
        // A transparent wrapper repeats its source.
        if source != last {
            text.push_str(": ");
            text.push_str(&source);
            last = source;
        }
    }
    text
}
