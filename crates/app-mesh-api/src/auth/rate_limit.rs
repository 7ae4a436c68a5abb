//! Requests per second of each key.

use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

/// How many requests each key may send. A key that was idle for a second may send as many at once.
///
/// App Mesh's own limits were not documented. The defaults are the rates to which AWS's Kubernetes controller limits
/// itself, so it is never rejected (`pkg/aws/throttle/defaults.go` of aws-app-mesh-controller-for-k8s, read 2026-11-30).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// Describe and List operations per second. Default: 40.
    pub reads_per_second: NonZeroU32,
    /// Other operations per second. Default: 8.
    pub writes_per_second: NonZeroU32,
}

impl Default for RateLimits {
    fn default() -> Self {
        const READS: NonZeroU32 = NonZeroU32::new(40).unwrap();
        const WRITES: NonZeroU32 = NonZeroU32::new(8).unwrap();
        Self {
            reads_per_second: READS,
            writes_per_second: WRITES,
        }
    }
}

type Limiter<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// A key sends more requests than it may.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("Rate exceeded: {rate} {what} per second for the key {key_id}")]
pub(super) struct RateExceeded {
    rate: NonZeroU32,
    what: &'static str,
    key_id: String,
}

/// The remaining requests of one key.
#[derive(Debug)]
pub(super) struct KeyLimiter<C: Clock = DefaultClock> {
    limits: RateLimits,
    reads: Limiter<C>,
    writes: Limiter<C>,
}

impl KeyLimiter {
    pub(super) fn new(limits: RateLimits) -> Self {
        Self::with_clock(limits, &DefaultClock::default())
    }
}

impl<C: Clock + Clone> KeyLimiter<C> {
    fn with_clock(limits: RateLimits, clock: &C) -> Self {
        let limiter = |rate| RateLimiter::direct_with_clock(Quota::per_second(rate), clock.clone());
        Self {
            limits,
            reads: limiter(limits.reads_per_second),
            writes: limiter(limits.writes_per_second),
        }
    }

    /// Counts a request.
    pub(super) fn count(&self, key_id: &str, is_write: bool) -> Result<(), RateExceeded> {
        let (limiter, rate, what) = match is_write {
            false => (&self.reads, self.limits.reads_per_second, "reads"),
            true => (&self.writes, self.limits.writes_per_second, "writes"),
        };
        limiter.check().map_err(|_| RateExceeded {
            rate,
            what,
            key_id: key_id.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;

    use super::*;

    #[test]
    fn a_key_may_send_its_rate_and_not_more() {
        let clock = FakeRelativeClock::default();
        let limiter = KeyLimiter::with_clock(RateLimits::default(), &clock);
        for (is_write, rate) in [(false, 40), (true, 8)] {
            let accepted = || (0..100).filter(|_| limiter.count("A", is_write).is_ok()).count();
            assert_eq!(accepted(), rate);
            assert_eq!(accepted(), 0);
            clock.advance(Duration::from_millis(500));
            assert_eq!(accepted(), rate / 2);
            clock.advance(Duration::from_secs(60));
            assert_eq!(accepted(), rate);
            clock.advance(Duration::from_secs(60));
        }
    }

    #[test]
    fn a_client_that_keeps_to_the_rate_is_never_rejected() {
        let clock = FakeRelativeClock::default();
        let limiter = KeyLimiter::with_clock(RateLimits::default(), &clock);
        for _ in 0..1000 {
            assert_eq!(limiter.count("A", true), Ok(()));
            clock.advance(Duration::from_millis(125));
        }
    }

    #[test]
    fn the_error_has_the_rate_and_the_key() {
        let clock = FakeRelativeClock::default();
        let limiter = KeyLimiter::with_clock(RateLimits::default(), &clock);
        let error = (0..9).find_map(|_| limiter.count("A", true).err()).unwrap();
        assert_eq!(error.to_string(), "Rate exceeded: 8 writes per second for the key A");
    }
}
