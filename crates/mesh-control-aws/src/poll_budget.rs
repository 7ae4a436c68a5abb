//! Poll intervals, scaled by the number of calls to stay within a share of the quotas, with backoff. Pure.

use std::time::Duration;

/// Maximum average rate of `ssm:GetParameter` and `ssm:GetParametersByPath` of one replica: a tenth of the 40 per
/// second of an account and region.
pub const PARAMETER_CALLS_PER_SECOND: u32 = 4;

/// Maximum average rate of reads of revision markers, a part of [`PARAMETER_CALLS_PER_SECOND`].
pub const MARKER_CALLS_PER_SECOND: u32 = 1;

/// Maximum average rate of `servicediscovery:DiscoverInstancesRevision` of one replica: a twentieth of the 3000 per
/// second of an account and region.
pub const REVISION_CALLS_PER_SECOND: u32 = 150;

/// Maximum average rate of `servicediscovery:DiscoverInstances` of one replica: a twentieth of the 1000 per second of
/// an account and region.
pub const INSTANCE_CALLS_PER_SECOND: u32 = 50;

/// Minimum average time between two calls of `servicediscovery:ListServices` of one replica: a quarter of the two per
/// second of an account and region. Source of the quota: `pkg/common/ratelimiter.go` of AWS's controller
/// aws-cloud-map-mcs-controller-for-k8s ("the default limits for the AWS CloudMap's APIs"); the developer guide has none
/// (read 2026-11-30).
pub const LISTING_CALL_EVERY: Duration = Duration::from_secs(2);

/// The number of services in a response of `servicediscovery:ListServices` (Cloud Map API reference, read 2026-11-30).
pub const LISTING_PAGE: usize = 100;

/// The poll intervals. Each is an average: a jitter of a tenth is added or subtracted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollIntervals {
    /// Revision markers of a mesh; half of it while something changes. Default, decided by us: 2 s.
    pub markers: Duration,
    /// All parameters of a mesh without revision markers; of a mesh with markers, while something changes, because
    /// CloudFormation deletes parameters after it has written the marker. Default, decided by us: 5 s.
    pub parameters: Duration,
    /// All parameters of a mesh with revision markers, for changes that move no marker, such as those by hand. Default,
    /// decided by us: 60 s.
    pub unmarked_changes: Duration,
    /// Number of instances of all services in a namespace, where it can be listed; else the revision of each service.
    /// Default, decided by us: 4 s: stopping applications respond for 5 s.
    pub endpoints: Duration,
    /// Revision of a service that has changed lately, and its instances while one is unhealthy. Default, decided by us:
    /// 2 s.
    pub active: Duration,
    /// How long after a change a mesh or a service counts as changing. Default, decided by us: 120 s, four times as long
    /// as Cloud Map takes to report a new task as healthy.
    pub active_for: Duration,
    /// All instances of a service, changed or not: a change of health is no new revision (Cloud Map's API reference,
    /// `DiscoverInstancesRevision`, read 2026-11-23). While one is unhealthy, `endpoints` applies if it is shorter.
    /// Default, decided by us: 30 s.
    pub health: Duration,
    /// All instances of a service that no connected Envoy uses. Default, decided by us: 60 s.
    pub unused: Duration,
    /// A name that Cloud Map does not have, or that this task may not query; and revision markers of a mesh that has
    /// none. Default, decided by us: 30 s.
    pub unknown: Duration,
    /// Maximum backoff, unless the interval itself is longer. Default, decided by us: 30 s.
    pub longest: Duration,
}

impl Default for PollIntervals {
    fn default() -> Self {
        Self {
            markers: Duration::from_secs(2),
            parameters: Duration::from_secs(5),
            unmarked_changes: Duration::from_secs(60),
            endpoints: Duration::from_secs(4),
            active: Duration::from_secs(2),
            active_for: Duration::from_secs(120),
            health: Duration::from_secs(30),
            unused: Duration::from_secs(60),
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

/// The interval of listing namespaces with this number of pages.
pub(crate) fn listing_interval(interval: Duration, pages: usize) -> Duration {
    interval.max(LISTING_CALL_EVERY * u32::try_from(pages).unwrap_or(u32::MAX))
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
