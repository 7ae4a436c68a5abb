//! Which calls are sent once more, where no proxy does so already.
//!
//! Behind a sidecar never: it retries by the mesh's own configuration, and two layers of retries multiply. In direct
//! wiring there is nobody else, and three things keep a retry from doing harm: a call that a service may have acted on
//! is sent once more only if its method is idempotent; the pauses grow and differ from caller to caller; and retries
//! come out of a budget, a fifth of all calls, so that a service in trouble does not get three times its load.

use std::time::Duration;

use http::{Method, StatusCode};
use tower::retry::budget::{Budget as _, TpsBudget};

/// How often a call is sent once more, unless the program says otherwise: twice, as Service Connect and App Mesh do.
pub(crate) const DEFAULT_RETRIES: u32 = 2;

/// The pause before the first retry, at most; the next is twice as long. A task that restarts is away for longer, but
/// its address is not the one that is tried next.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The budget is reckoned over this time.
const BUDGET_OVER: Duration = Duration::from_secs(10);
/// Retries that are always there, for those who call rarely.
const BUDGET_PER_SECOND: u32 = 1;
/// Retries per call: one in five.
const BUDGET_SHARE: f32 = 0.2;

/// What became of sending a call once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// Nobody has seen the call: no connection came about.
    NotSent,
    /// Somebody may have seen the call, but did not answer.
    Interrupted,
    /// Somebody answered.
    Answered(StatusCode),
}

/// How often, and out of what.
#[derive(Debug)]
pub(crate) struct Retries {
    at_most: u32,
    budget: TpsBudget,
}

impl Retries {
    pub(crate) fn new(at_most: u32) -> Self {
        Self {
            at_most,
            budget: TpsBudget::new(BUDGET_OVER, BUDGET_PER_SECOND, BUDGET_SHARE),
        }
    }

    /// Notes a call, which adds to the budget.
    pub(crate) fn call(&self) {
        self.budget.deposit();
    }

    /// How long to wait before sending the call once more that was sent `before` times already; `None` if it is not
    /// sent again. `chance` is from zero to one.
    pub(crate) fn pause(&self, method: &Method, attempt: Attempt, before: u32, chance: f64) -> Option<Duration> {
        let is_wanted = before <= self.at_most && is_harmless(method, attempt);
        (is_wanted && self.budget.withdraw()).then(|| pause(before, chance))
    }
}

/// True if the call did not get what it asked for, and sending it once more changes nothing that it did not already.
fn is_harmless(method: &Method, attempt: Attempt) -> bool {
    match attempt {
        Attempt::NotSent => true,
        // The methods that RFC 9110, section 9.2.2, has as idempotent.
        Attempt::Interrupted | Attempt::Answered(StatusCode::SERVICE_UNAVAILABLE) => method.is_idempotent(),
        Attempt::Answered(_) => false,
    }
}

/// From a half of the longest pause at this point to all of it.
fn pause(before: u32, chance: f64) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << (before.saturating_sub(1)).min(16));
    doubled.min(LONGEST_PAUSE).mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNAVAILABLE: Attempt = Attempt::Answered(StatusCode::SERVICE_UNAVAILABLE);

    #[test]
    fn a_payment_is_never_sent_twice() {
        // With a budget of its own each time.
        let is_retried = |method: &Method, attempt| Retries::new(2).pause(method, attempt, 1, 0.0).is_some();
        for method in [Method::POST, Method::PATCH] {
            assert!(!is_retried(&method, Attempt::Interrupted));
            assert!(!is_retried(&method, UNAVAILABLE));
            assert!(is_retried(&method, Attempt::NotSent), "nobody has seen it");
        }
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
            assert!(is_retried(&method, Attempt::Interrupted));
            assert!(is_retried(&method, UNAVAILABLE));
            for status in [200, 404, 500, 502, 504] {
                let answered = Attempt::Answered(StatusCode::from_u16(status).unwrap());
                assert!(!is_retried(&method, answered), "{status}");
            }
        }
    }

    #[test]
    fn pauses_grow_and_differ() {
        let retries = Retries::new(9);
        let pause = |before, chance| {
            let pause = retries.pause(&Method::GET, Attempt::NotSent, before, chance);
            pause.map(|pause| pause.as_millis())
        };
        assert_eq!((pause(1, 0.0), pause(1, 1.0)), (Some(25), Some(50)));
        assert_eq!((pause(2, 0.0), pause(2, 1.0)), (Some(50), Some(100)));
        assert_eq!((pause(3, 0.0), pause(9, 1.0)), (Some(100), Some(1000)));
        assert_eq!(pause(10, 0.0), None, "nine are enough");
        assert_eq!(Retries::new(0).pause(&Method::GET, Attempt::NotSent, 1, 0.0), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fifth_of_the_calls_may_be_retried() {
        let retries = Retries::new(2);
        let granted = || {
            let pauses = (0..1000).map_while(|_| retries.pause(&Method::GET, Attempt::NotSent, 1, 0.0));
            pauses.count()
        };
        assert_eq!(granted(), 10, "one per second is there from the start");
        assert_eq!(granted(), 0);
        for _ in 0..100 {
            retries.call();
        }
        assert_eq!(granted(), 20);
        tokio::time::advance(Duration::from_secs(12)).await;
        assert_eq!(granted(), 10, "what was used is forgotten after ten seconds");
    }
}
