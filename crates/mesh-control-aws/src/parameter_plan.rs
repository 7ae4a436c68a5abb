//! When to read the parameters of a mesh, and its revision markers. Pure: time is passed in.
//!
//! | mesh | markers | all parameters |
//! |---|---|---|
//! | with markers, nothing changes | 2 s | 60 s, and once a marker has changed |
//! | with markers, during and after a change | 1 s | 5 s, and once a marker has changed |
//! | without markers | 30 s | 5 s |
//! | calls fail | 1 s | with backoff, and once markers are readable again |
//!
//! Markers are read on their own, so that a read of all parameters that gets no response does not delay the notice that
//! Parameter Store responds again. All parameters are read after the markers that asked for it, so they are as new.

use std::time::{Duration, Instant};

use crate::error::ErrorKind;
use crate::parameter::Parameter;
use crate::poll_budget::{
    MARKER_CALLS_PER_SECOND, PARAMETER_CALLS_PER_SECOND, PollIntervals, backoff, scaled_interval,
};
use crate::revision_markers::RevisionMarkers;

/// The schedule of one mesh.
#[derive(Debug)]
pub(crate) struct ParameterPlan {
    intervals: PollIntervals,
    markers: Markers,
    /// Whether Parameter Store did not respond to the last read of the markers, or of all parameters.
    is_failing: bool,
    /// Whether all parameters are to be read without waiting for the interval.
    is_wanted: bool,
    /// The last change of markers or parameters.
    changed: Option<Instant>,
    /// The start of the last read of all parameters.
    started: Option<Instant>,
    /// Its consecutive failures.
    failures: u32,
    /// The time at which all reads so far are within the budget.
    paid_until: Option<Instant>,
}

/// What is known of the revision markers.
#[derive(Debug, PartialEq, Eq)]
enum Markers {
    Unread,
    /// The role may not read them, as that of an older stack.
    Denied,
    Known(RevisionMarkers),
}

impl ParameterPlan {
    pub(crate) fn new(intervals: PollIntervals) -> Self {
        Self {
            intervals,
            markers: Markers::Unread,
            is_failing: false,
            is_wanted: false,
            changed: None,
            started: None,
            failures: 0,
            paid_until: None,
        }
    }

    /// Whether the mesh has markers, each with a revision.
    pub(crate) fn is_marked(&self) -> bool {
        match &self.markers {
            Markers::Known(markers) => markers.are_complete(),
            Markers::Unread | Markers::Denied => false,
        }
    }

    /// Whether the markers cannot be read, for lack of a permission.
    pub(crate) fn is_denied(&self) -> bool {
        self.markers == Markers::Denied
    }

    /// Whether all parameters are to be read without waiting for the interval.
    pub(crate) fn is_wanted(&self) -> bool {
        self.is_wanted
    }

    fn is_active(&self, now: Instant) -> bool {
        let age = |changed| now.saturating_duration_since(changed);
        self.changed
            .is_some_and(|changed| age(changed) < self.intervals.active_for)
    }

    /// The time between two reads of the markers. `calls` is the number of calls for those of all meshes.
    pub(crate) fn marker_interval(&self, calls: usize, now: Instant) -> Duration {
        let PollIntervals { markers, unknown, .. } = self.intervals;
        let interval = if self.is_failing || self.failures > 0 {
            markers / 2
        } else if !self.is_marked() {
            unknown.max(markers)
        } else if self.is_active(now) {
            markers / 2
        } else {
            markers
        };
        scaled_interval(interval, calls, MARKER_CALLS_PER_SECOND)
    }

    /// Applies a read of the markers. Returns whether all parameters are to be read at once.
    pub(crate) fn on_markers(&mut self, read: Result<&[Parameter], ErrorKind>, now: Instant) -> bool {
        if !self.is_marked() {
            // They have no part of the budget of their own.
            let cost = self.cost(1);
            self.paid_until = self.paid_until.map(|until| until + cost);
        }
        let markers = match read {
            Ok(parameters) => Markers::Known(RevisionMarkers::of(parameters)),
            Err(ErrorKind::Denied) => Markers::Denied,
            Err(_) => {
                self.is_failing = true;
                return false;
            }
        };
        self.is_wanted |= std::mem::take(&mut self.is_failing);
        if self.markers != markers {
            if self.markers != Markers::Unread {
                self.changed = Some(now);
                self.is_wanted = true;
            }
            self.markers = markers;
        }
        self.is_wanted
    }

    /// The time of the next read of all parameters. `calls` is the number of calls for all meshes, and `luck`, between 0
    /// and 1, selects the jitter.
    pub(crate) fn parameters_due(&self, calls: usize, luck: f64, now: Instant) -> Instant {
        let Some(started) = self.started else {
            return now;
        };
        let cost = self.cost(calls);
        let paid_until = self.paid_until.unwrap_or(started);
        let PollIntervals {
            parameters,
            unmarked_changes,
            longest,
            ..
        } = self.intervals;
        let interval = if self.failures > 0 {
            backoff(parameters, self.failures, longest)
        } else if self.is_marked() && !self.is_active(now) {
            unmarked_changes.max(parameters)
        } else {
            parameters
        };
        let regular = (started + crate::poll_budget::jittered(interval, luck)).max(paid_until);
        if self.is_wanted {
            // One read in advance, so that a change need not wait because all parameters were read just before.
            regular.min(paid_until.checked_sub(cost).unwrap_or(started).max(started))
        } else {
            regular
        }
    }

    /// Records the start of a read of all parameters.
    pub(crate) fn on_start(&mut self, calls: usize, now: Instant) {
        self.started = Some(now);
        self.is_wanted = false;
        self.paid_until = Some(self.paid_until.map_or(now, |until| until.max(now)) + self.cost(calls));
    }

    /// Applies the result of a read of all parameters: whether it succeeded, and whether they have changed since the
    /// one before.
    pub(crate) fn on_parameters(&mut self, is_read: bool, has_changed: bool, now: Instant) {
        self.failures = if is_read { 0 } else { self.failures.saturating_add(1) };
        // A short outage, which no read of the markers may have met. If they are readable and this fails again, it backs
        // off.
        self.is_failing |= self.failures == 1;
        if has_changed {
            self.changed = Some(now);
        }
    }

    /// The time in which the budget allows a read of all parameters.
    fn cost(&self, calls: usize) -> Duration {
        let rate = match self.markers {
            Markers::Known(_) if self.is_marked() => PARAMETER_CALLS_PER_SECOND - MARKER_CALLS_PER_SECOND,
            _ => PARAMETER_CALLS_PER_SECOND,
        };
        scaled_interval(Duration::ZERO, calls, rate)
    }
}

#[cfg(test)]
mod tests;
