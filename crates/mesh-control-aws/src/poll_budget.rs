//! When to ask again: at an interval, more rarely if that would take too much of a quota or if asking fails. Pure.

use std::time::Duration;

/// Calls of `ssm:GetParameter` and `ssm:GetParametersByPath` in a second that one copy makes at most, on average: a
/// tenth of the 40 that an account has for both in each region.
pub const PARAMETER_CALLS_PER_SECOND: u32 = 4;

/// Calls of `servicediscovery:DiscoverInstancesRevision` in a second that one copy makes at most, on average: a
/// twentieth of the 3000 that an account has in each region.
pub const REVISION_CALLS_PER_SECOND: u32 = 150;

/// Calls of `servicediscovery:DiscoverInstances` in a second that one copy makes at most, on average: a twentieth of the
/// 1000 that an account has in each region.
pub const INSTANCE_CALLS_PER_SECOND: u32 = 50;

/// How often AWS is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollIntervals {
    /// Between readings of a mesh's parameters. Default, decided by us: 5 s.
    pub parameters: Duration,
    /// Between queries whether the instances of a service have changed. Default, decided by us: 4 s: each query
    /// costs, and applications that stop go on answering for 5 s.
    pub endpoints: Duration,
    /// Between readings of all instances of a service, changed or not: a change of health does not change the revision
    /// (Cloud Map's API reference, `DiscoverInstancesRevision`, read 2026-11-23). While one is unhealthy, `endpoints` holds
    /// if that is shorter. Default, decided by us: 30 s.
    pub health: Duration,
    /// Between queries about a name that Cloud Map does not know, or that this task may not ask about. Default,
    /// decided by us: 30 s.
    pub unknown: Duration,
    /// The longest time between two attempts when they fail, unless the interval itself is longer. Default, decided by
    /// us: 30 s.
    pub longest: Duration,
}

impl Default for PollIntervals {
    fn default() -> Self {
        Self {
            parameters: Duration::from_secs(5),
            endpoints: Duration::from_secs(4),
            health: Duration::from_secs(30),
            unknown: Duration::from_secs(30),
            longest: Duration::from_secs(30),
        }
    }
}

/// An interval that is long enough for so many calls at this rate.
pub(crate) fn scaled_interval(interval: Duration, calls: usize, calls_per_second: u32) -> Duration {
    let calls = u32::try_from(calls).unwrap_or(u32::MAX);
    interval.max(Duration::from_secs(1) * calls / calls_per_second)
}

/// The time until the next attempt after so many failures in a row: twice as long with each, up to `longest`.
pub(crate) fn backoff(interval: Duration, failures: u32, longest: Duration) -> Duration {
    // More doublings than this are longer than any limit.
    let doubled = interval.saturating_mul(1 << failures.min(16));
    doubled.min(longest.max(interval))
}

/// A tenth more or less, so that copies which start together do not ask together. `luck` is between 0 and 1.
pub(crate) fn jittered(interval: Duration, luck: f64) -> Duration {
    interval.mul_f64(0.9 + 0.2 * luck.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_small_mesh_is_read_at_its_interval_and_a_large_one_within_its_share() {
        let pages = |resources: usize| 1 + resources.div_ceil(10);
        let interval = |resources| scaled_interval(5 * SECOND, pages(resources), PARAMETER_CALLS_PER_SECOND);
        assert_eq!(interval(10), 5 * SECOND);
        assert_eq!(interval(190), 5 * SECOND);
        assert_eq!(interval(400), Duration::from_millis(10_250));
        assert_eq!(
            scaled_interval(SECOND, 200, REVISION_CALLS_PER_SECOND).as_millis(),
            1333
        );
    }

    #[test]
    fn failures_double_the_interval_up_to_a_limit() {
        let after = |failures| backoff(5 * SECOND, failures, 30 * SECOND).as_secs();
        assert_eq!([0, 1, 2, 3, 4, u32::MAX].map(after), [5, 10, 20, 30, 30, 30]);
        assert_eq!(backoff(60 * SECOND, 3, 30 * SECOND), 60 * SECOND);
    }

    #[test]
    fn jitter_is_a_tenth() {
        assert_eq!(jittered(10 * SECOND, 0.0), 9 * SECOND);
        assert_eq!(jittered(10 * SECOND, 1.0), 11 * SECOND);
    }
}
