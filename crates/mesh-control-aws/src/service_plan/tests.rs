//! Budget and staleness under simulated time.

use proptest::prelude::*;

use super::*;

const STEP: Duration = Duration::from_millis(500);

/// The numbers of calls, and the longest time without each, per service.
#[derive(Debug, Default, Clone)]
struct Calls {
    revisions: usize,
    instances: usize,
    longest_unread: Duration,
    longest_unqueried: Duration,
}

/// Simulates `services` that have the same facts.
fn simulate(services: usize, facts: ServiceFacts, seconds: u64, is_failing: bool) -> Calls {
    let start = Instant::now();
    let intervals = PollIntervals::default();
    let plan = ServicePlan::new(intervals, services, if is_failing { services } else { 0 });
    let mut facts = ServiceFacts {
        revision: Some(7),
        ..facts
    };
    let (mut unread, mut unqueried) = (start, start);
    let mut calls = Calls::default();
    let is_active = facts.changed.is_some();
    let mut now = start;
    while now - start < Duration::from_secs(seconds) {
        facts.changed = is_active.then_some(now);
        if let Some(check) = plan.due(&facts, now) {
            match check {
                Check::Revision(_) => calls.revisions += services,
                Check::Instances => {
                    calls.instances += services;
                    if !is_failing {
                        calls.longest_unread = calls.longest_unread.max(now - unread);
                        unread = now;
                        facts.read = Some(now);
                    }
                }
            }
            calls.longest_unqueried = calls.longest_unqueried.max(now - unqueried);
            unqueried = now;
            facts.queried = Some(now);
            if is_failing {
                facts.failures = facts.failures.saturating_add(1);
            }
        }
        now += STEP;
    }
    calls
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn calls_stay_within_the_budget_and_no_service_is_starved(
        services in 1_usize..4000,
        (has_unhealthy, is_used, is_listed) in any::<(bool, bool, bool)>(),
        (is_active, is_failing, is_denied) in any::<(bool, bool, bool)>(),
        luck in 0.0..1.0,
    ) {
        let seconds = 600;
        let facts = ServiceFacts {
            has_unhealthy,
            is_used,
            is_listed,
            is_denied: is_denied && is_failing,
            changed: is_active.then(Instant::now),
            luck,
            ..ServiceFacts::default()
        };
        let calls = simulate(services, facts, seconds, is_failing);
        let intervals = PollIntervals::default();
        // The jitter shortens intervals by a tenth, and on average by nothing; each service is read once at the start.
        let most = |rate: u32| (f64::from(rate) * seconds as f64 / 0.9) as usize + 2 * services;
        prop_assert!(calls.revisions <= most(REVISION_CALLS_PER_SECOND), "{calls:?}");
        prop_assert!(calls.instances <= most(INSTANCE_CALLS_PER_SECOND), "{calls:?}");
        let plan = ServicePlan::new(intervals, services, services);
        let limit = |interval: Duration| jittered(interval, 1.0) + STEP;
        if is_failing {
            let pause = if facts.is_denied { intervals.longest } else { plan.retry_limit.max(intervals.endpoints) };
            prop_assert!(calls.longest_unqueried <= limit(plan.instances(pause)), "{calls:?}");
        } else {
            let health = if is_used { intervals.health } else { intervals.unused };
            prop_assert!(calls.longest_unread <= limit(plan.instances(health)), "{calls:?}");
            if is_used && !is_listed {
                let stale = plan.revisions(intervals.endpoints).max(plan.revisions(intervals.active));
                prop_assert!(calls.longest_unqueried <= limit(stale), "{calls:?}");
            }
        }
    }
}

#[test]
fn a_listed_service_costs_two_calls_a_minute() {
    let facts = ServiceFacts {
        is_used: true,
        is_listed: true,
        luck: 0.5,
        ..ServiceFacts::default()
    };
    let calls = simulate(1, facts, 600, false);
    assert_eq!((calls.revisions, calls.instances), (0, 20), "{calls:?}");
}

#[test]
fn the_only_service_is_retried_every_two_seconds_during_an_outage() {
    let calls = simulate(1, ServiceFacts::default(), 600, true);
    assert!(calls.longest_unqueried <= jittered(RETRY, 1.0) + STEP, "{calls:?}");
}
