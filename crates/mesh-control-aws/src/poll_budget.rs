//! Poll intervals, scaled by the number of calls to stay within a share of the quotas, with backoff. Pure.

use std::time::Duration;

/// Maximum average rate of `ssm:GetParameter` and `ssm:GetParametersByPath` of one replica: a tenth of the 40 per
/// second of an account and region.
pub const PARAMETER_CALLS_PER_SECOND: u32 = 4;

/// Maximum average rate of `servicediscovery:DiscoverInstancesRevision` of one replica: a twentieth of the 3000 per
/// second of an account and region.
pub const REVISION_CALLS_PER_SECOND: u32 = 150;

/// Maximum average rate of `servicediscovery:DiscoverInstances` of one replica: a twentieth of the 1000 per second of
/// an account and region.
pub const INSTANCE_CALLS_PER_SECOND: u32 = 50;

/// The poll intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollIntervals {
    /// Parameters of a mesh. Default, decided by us: 5 s.
    pub parameters: Duration,
    /// Revision of a Cloud Map service. Default, decided by us: 4 s: each query costs, and stopping applications
    /// respond for 5 s.
    pub endpoints: Duration,
    /// All instances of a service, changed or not: a change of health is no new revision (Cloud Map's API reference,
    /// `DiscoverInstancesRevision`, read 2026-11-23). While one is unhealthy, `endpoints` applies if it is shorter.
    /// Default, decided by us: 30 s.
    pub health: Duration,
    /// A name that Cloud Map does not have, or that this task may not query. Default, decided by us: 30 s.
    pub unknown: Duration,
    /// Maximum backoff, unless the interval itself is longer. Default, decided by us: 30 s.
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

/// The interval, or a longer one that keeps this number of calls within the rate.
pub(crate) fn scaled_interval(interval: Duration, calls: usize, calls_per_second: u32) -> Duration {
    let calls = u32::try_from(calls).unwrap_or(u32::MAX);
    interval.max(Duration::from_secs(1) * calls / calls_per_second)
}

/// Exponential backoff after this number of consecutive failures, up to `longest`.
pub(crate) fn backoff(interval: Duration, failures: u32, longest: Duration) -> Duration {
    // More doublings exceed every limit.
    let doubled = interval.saturating_mul(1 << failures.min(16));
    doubled.min(longest.max(interval))
}

/// Adds jitter of ±10 %, so that replicas do not poll at the same time. `luck` is between 0 and 1.
pub(crate) fn jittered(interval: Duration, luck: f64) -> Duration {
    interval.mul_f64(0.9 + 0.2 * luck.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn intervals_grow_with_the_number_of_calls() {
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
