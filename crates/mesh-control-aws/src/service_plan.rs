//! When to query Cloud Map about a service, and with which call. Pure: time is passed in.
//!
//! | service | revision | all instances |
//! |---|---|---|
//! | in a listed namespace, nothing changes | | 30 s, and once its number of instances has changed |
//! | in another namespace | 4 s | 30 s, and with a new revision |
//! | changed in the last 2 minutes | 2 s | 30 s; 2 s while an instance is unhealthy |
//! | has been unhealthy for longer | as above | 4 s |
//! | not used by a connected Envoy | | 60 s, and once its number of instances has changed |
//! | Cloud Map does not have it | | 30 s, and once it is listed |

use std::time::{Duration, Instant};

use crate::poll_budget::{
    INSTANCE_CALLS_PER_SECOND, PollIntervals, REVISION_CALLS_PER_SECOND, backoff, jittered, scaled_interval,
};

/// What the schedule depends on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ServiceFacts {
    /// Whether Cloud Map does not have it, or this task may not query it.
    pub(crate) is_unknown: bool,
    pub(crate) has_unhealthy: bool,
    /// Whether a connected Envoy uses it.
    pub(crate) is_used: bool,
    /// Whether the number of its instances is known from a list of its namespace.
    pub(crate) is_listed: bool,
    /// Whether it is to be queried at once.
    pub(crate) is_wanted: bool,
    pub(crate) changed: Option<Instant>,
    pub(crate) revision: Option<i64>,
    /// The time of the last query.
    pub(crate) queried: Option<Instant>,
    /// The time of the last read of its instances.
    pub(crate) read: Option<Instant>,
    /// Consecutive failures.
    pub(crate) failures: u32,
    pub(crate) is_denied: bool,
    /// Whether the last failure was that of the call for its revision.
    pub(crate) is_revision_failing: bool,
    /// The jitter, between 0 and 1.
    pub(crate) luck: f64,
}

/// A call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// Its revision, and its instances if that is not the known one.
    Revision(Option<i64>),
    /// Its instances.
    Instances,
}

/// The intervals, for a number of services.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServicePlan {
    intervals: PollIntervals,
    services: usize,
    /// Maximum backoff of a service that fails for another reason than a missing permission.
    retry_limit: Duration,
}

/// The maximum time without a query while Cloud Map does not respond at all, decided by us.
const RETRY: Duration = Duration::from_secs(2);

impl ServicePlan {
    /// The schedule of this number of services, of which `failing` fail. Together, they are queried at least every 2 s,
    /// so the end of an outage is noticed however long each of them backs off.
    pub(crate) fn new(intervals: PollIntervals, services: usize, failing: usize) -> Self {
        let failing = u32::try_from(failing).unwrap_or(u32::MAX);
        let longest = intervals.longest;
        let retry_limit = Duration::from_secs(1)
            .saturating_mul(failing)
            .clamp(RETRY.min(longest), longest);
        Self {
            intervals,
            services,
            retry_limit,
        }
    }

    fn instances(&self, interval: Duration) -> Duration {
        scaled_interval(interval, self.services, INSTANCE_CALLS_PER_SECOND)
    }

    fn revisions(&self, interval: Duration) -> Duration {
        scaled_interval(interval, self.services, REVISION_CALLS_PER_SECOND)
    }

    /// The call that is due, if any.
    pub(crate) fn due(&self, facts: &ServiceFacts, now: Instant) -> Option<Check> {
        let PollIntervals {
            endpoints,
            active,
            active_for,
            health,
            unused,
            unknown,
            longest,
            ..
        } = self.intervals;
        let is_past = |since: Option<Instant>, interval| {
            let interval = jittered(interval, facts.luck);
            since.is_none_or(|since| now.saturating_duration_since(since) >= interval)
        };
        let instances = Some(Check::Instances);
        let revision = Check::Revision(facts.revision);
        if facts.is_wanted {
            return instances;
        }
        if facts.failures > 0 {
            // The same call again: another one that succeeds would end the failure for a moment.
            let again = if facts.is_revision_failing {
                revision
            } else {
                Check::Instances
            };
            let pause = match facts.is_denied {
                true => backoff(endpoints, facts.failures, longest),
                false => backoff(active, facts.failures, self.retry_limit),
            };
            return Some(again).filter(|_| is_past(facts.queried, self.instances(pause)));
        }
        if facts.is_unknown {
            return instances.filter(|_| is_past(facts.queried, unknown));
        }
        let age = |changed| now.saturating_duration_since(changed);
        let is_active = facts.changed.is_some_and(|changed| age(changed) < active_for);
        let regular = if facts.is_used { health } else { unused };
        let read = match (facts.has_unhealthy, is_active) {
            // Callers and deployments wait for unhealthy instances.
            (true, true) => active.min(regular),
            (true, false) if facts.is_used => endpoints.min(regular),
            _ => regular,
        };
        if is_past(facts.read, self.instances(read)) {
            return instances;
        }
        let compare = if is_active {
            Some(active)
        } else if facts.is_used && !facts.is_listed {
            Some(endpoints)
        } else {
            None
        };
        let is_due = compare.is_some_and(|interval| is_past(facts.queried, self.revisions(interval)));
        is_due.then_some(revision)
    }
}

#[cfg(test)]
mod tests;
