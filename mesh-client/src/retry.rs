//! Retries of calls without a sidecar.
//!
//! A sidecar retries by the mesh's configuration, and two layers of retries multiply, so behind one there are none here.
//! Without a sidecar, three limits keep retries harmless: a call that a service may have acted on is retried only if its method
//! is idempotent; exponential backoff with jitter; and a budget of a fifth of all calls, so that an overloaded service does not
//! get three times its load.

use std::time::Duration;

use http::{Method, StatusCode};
use tower::retry::budget::{Budget as _, TpsBudget};

/// The default number of retries: 2, as in Service Connect and App Mesh.
pub(crate) const DEFAULT_RETRIES: u32 = 2;

/// The longest pause before the first retry; it doubles for each further one. A restarting task is away for longer, but the next
/// attempt uses another address.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The window of the budget.
const BUDGET_OVER: Duration = Duration::from_secs(10);
/// Retries that are always available, for services that call rarely.
const BUDGET_PER_SECOND: u32 = 1;
/// Retries per call: one in five.
const BUDGET_SHARE: f32 = 0.2;

/// The result of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// No connection was established, so no service has received the call.
    NotSent,
    /// The connection broke before a response; the service may have received the call.
    Interrupted,
    /// The service responded.
    Responded(StatusCode),
}

/// Retry limit and budget of a client.
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

    /// Records a call, which adds to the budget.
    pub(crate) fn record_call(&self) {
        self.budget.deposit();
    }

    /// The pause before the next retry of a call that was sent `sent` times; `None` if it is not retried. `jitter` is from zero
    /// to one.
    pub(crate) fn pause(&self, method: &Method, attempt: Attempt, sent: u32, jitter: f64) -> Option<Duration> {
        let is_allowed = sent <= self.at_most && is_safe_to_repeat(method, attempt);
        (is_allowed && self.budget.withdraw()).then(|| backoff(sent, jitter))
    }
}

/// True if the attempt failed and repeating it cannot have an additional effect.
fn is_safe_to_repeat(method: &Method, attempt: Attempt) -> bool {
    match attempt {
        Attempt::NotSent => true,
        // The idempotent methods of RFC 9110, section 9.2.2.
        Attempt::Interrupted | Attempt::Responded(StatusCode::SERVICE_UNAVAILABLE) => method.is_idempotent(),
        Attempt::Responded(_) => false,
    }
}

/// From half of the longest pause before this retry to all of it.
fn backoff(sent: u32, jitter: f64) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << (sent.saturating_sub(1)).min(16));
    doubled.min(LONGEST_PAUSE).mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNAVAILABLE: Attempt = Attempt::Responded(StatusCode::SERVICE_UNAVAILABLE);

    #[test]
    fn a_call_that_may_have_had_an_effect_is_repeated_only_if_idempotent() {
        // With a budget of its own each time.
        let is_retried = |method: &Method, attempt| Retries::new(2).pause(method, attempt, 1, 0.0).is_some();
        for method in [Method::POST, Method::PATCH] {
            assert!(!is_retried(&method, Attempt::Interrupted));
            assert!(!is_retried(&method, UNAVAILABLE));
            assert!(is_retried(&method, Attempt::NotSent), "no service has received it");
        }
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
            assert!(is_retried(&method, Attempt::Interrupted));
            assert!(is_retried(&method, UNAVAILABLE));
            for status in [200, 404, 500, 502, 504] {
                let responded = Attempt::Responded(StatusCode::from_u16(status).unwrap());
                assert!(!is_retried(&method, responded), "{status}");
            }
        }
    }

    #[test]
    fn pauses_grow_and_have_jitter() {
        let retries = Retries::new(9);
        let pause = |sent, jitter| {
            let pause = retries.pause(&Method::GET, Attempt::NotSent, sent, jitter);
            pause.map(|pause| pause.as_millis())
        };
        assert_eq!((pause(1, 0.0), pause(1, 1.0)), (Some(25), Some(50)));
        assert_eq!((pause(2, 0.0), pause(2, 1.0)), (Some(50), Some(100)));
        assert_eq!((pause(3, 0.0), pause(9, 1.0)), (Some(100), Some(1000)));
        assert_eq!(pause(10, 0.0), None, "after nine retries");
        assert_eq!(Retries::new(0).pause(&Method::GET, Attempt::NotSent, 1, 0.0), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_budget_allows_a_fifth_of_the_calls() {
        let retries = Retries::new(2);
        let granted = || {
            let pauses = (0..1000).map_while(|_| retries.pause(&Method::GET, Attempt::NotSent, 1, 0.0));
            pauses.count()
        };
        assert_eq!(granted(), 10, "one per second is available from the start");
        assert_eq!(granted(), 0);
        for _ in 0..100 {
            retries.record_call();
        }
        assert_eq!(granted(), 20);
        tokio::time::advance(Duration::from_secs(12)).await;
        assert_eq!(granted(), 10, "the window is ten seconds");
    }
}
