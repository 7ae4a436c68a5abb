//! Budget, staleness and recovery under simulated time.

use mesh_model::app_mesh::resource_path::UNVERSIONED;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::parameters;

const STEP: Duration = Duration::from_millis(100);
const SECOND: Duration = Duration::from_secs(1);

/// What happens in a simulated account.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// A stack update: parameters and the marker.
    Update,
    /// A parameter is changed by hand.
    ByHand,
    /// No call gets a response for this number of seconds.
    Outage(u64),
}

/// The calls and reads of a simulation.
#[derive(Debug, Default)]
struct Log {
    calls: usize,
    /// The times of successful reads of all parameters.
    reads: Vec<Duration>,
}

fn marker(version: i64) -> Parameter {
    Parameter::text("/meshwright-revision/demo/shop", version, &version.to_string())
}

/// Simulates a mesh of this many parameters, as the poller works.
fn simulate(parameters: usize, is_marked: bool, events: &[(u64, Event)], seconds: u64) -> Log {
    let start = Instant::now();
    let mut plan = ParameterPlan::new(PollIntervals::default());
    let mut log = Log::default();
    let (mut version, mut content, mut known) = (1, 0, None);
    let mut silent_until = Duration::ZERO;
    let mut last_marker = None;
    let mut events = events.iter().peekable();
    let mut time = Duration::ZERO;
    while time < SECOND * u32::try_from(seconds).unwrap() {
        let now = start + time;
        while let Some((_, event)) = events.next_if(|(at, _)| Duration::from_secs(*at) <= time) {
            match event {
                Event::Update => (version, content) = (version + 1, content + 1),
                Event::ByHand => content += 1,
                Event::Outage(length) => silent_until = time + Duration::from_secs(*length),
            }
        }
        let is_silent = time < silent_until;
        // A failed read of all parameters shortens the interval.
        if last_marker.is_none_or(|last| time >= last + plan.marker_interval(1, now)) {
            log.calls += 1;
            let markers = if is_marked { vec![marker(version)] } else { Vec::new() };
            let read = if is_silent {
                Err(ErrorKind::Unreachable)
            } else {
                Ok(markers.as_slice())
            };
            plan.on_markers(read, now);
            last_marker = Some(time);
        }
        let calls = parameters::calls(parameters);
        if plan.parameters_due(calls, 0.5, now) <= now {
            plan.on_start(calls, now);
            log.calls += calls;
            let has_changed = known.is_some_and(|known| known != content);
            plan.on_parameters(!is_silent, !is_silent && has_changed, now);
            if !is_silent {
                known = Some(content);
                log.reads.push(time);
            }
        }
        time += STEP;
    }
    log
}

/// The time from `at` to the next successful read.
fn delay(log: &Log, at: Duration) -> Option<Duration> {
    log.reads.iter().find(|read| **read >= at).map(|read| *read - at)
}

/// The time in which the budget allows one read.
fn cost(parameters: usize) -> Duration {
    scaled_interval(
        Duration::ZERO,
        parameters::calls(parameters),
        PARAMETER_CALLS_PER_SECOND - MARKER_CALLS_PER_SECOND,
    )
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => Just(Event::Update),
        2 => Just(Event::ByHand),
        1 => (1_u64..90).prop_map(Event::Outage),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn calls_stay_within_the_budget_and_changes_are_seen_in_time(
        parameters in 1_usize..900,
        is_marked: bool,
        events in vec((10_u64..600, event()), 0..25),
    ) {
        let mut events = events;
        events.sort_by_key(|(at, _)| *at);
        let seconds = 900;
        let log = simulate(parameters, is_marked, &events, seconds);
        let budget = PARAMETER_CALLS_PER_SECOND as usize * usize::try_from(seconds).unwrap();
        prop_assert!(log.calls <= budget + 2 * parameters::calls(parameters) + 10, "{} calls", log.calls);
        let outages: Vec<(u64, u64)> = events
            .iter()
            .filter_map(|(at, event)| match event {
                Event::Outage(length) => Some((*at, at + length)),
                _ => None,
            })
            .collect();
        let cost = cost(parameters);
        let intervals = PollIntervals::default();
        for (at, event) in &events {
            let limit = match event {
                Event::Update if is_marked => intervals.markers + cost,
                Event::Update | Event::ByHand if !is_marked => intervals.parameters.max(cost),
                Event::ByHand => intervals.unmarked_changes.max(2 * cost),
                _ => continue,
            };
            // The rest is the subject of the other tests.
            if outages.iter().any(|(start, end)| at + limit.as_secs() + 1 >= *start && *at <= end + 90) {
                continue;
            }
            let delay = delay(&log, Duration::from_secs(*at));
            prop_assert!(delay.is_some_and(|delay| delay <= limit + 2 * STEP), "{event:?} at {at}: {delay:?} of {limit:?}");
        }
    }

    #[test]
    fn parameters_are_read_within_two_seconds_of_the_first_response_after_an_outage(
        parameters in 1_usize..30,
        is_marked: bool,
        length in 12_u64..300,
    ) {
        let log = simulate(parameters, is_marked, &[(100, Event::Outage(length))], 500);
        let delay = delay(&log, Duration::from_secs(100 + length));
        let limit = SECOND + cost(parameters) + 2 * STEP;
        prop_assert!(delay.is_some_and(|delay| delay <= limit), "{delay:?} of {limit:?}");
    }
}

#[test]
fn a_mesh_without_markers_is_read_as_often_as_before() {
    let log = simulate(20, false, &[], 600);
    assert!((118..=122).contains(&log.reads.len()), "{} reads", log.reads.len());
}

#[test]
fn a_calm_mesh_with_markers_is_read_once_a_minute() {
    let log = simulate(20, true, &[], 600);
    assert_eq!(log.reads.len(), 10, "{log:?}");
}

#[test]
fn parameters_that_are_deleted_after_the_marker_was_written_are_noticed_soon() {
    let log = simulate(20, true, &[(100, Event::Update), (110, Event::ByHand)], 300);
    let delay = delay(&log, Duration::from_secs(110)).expect("a read");
    assert!(delay <= PollIntervals::default().parameters + STEP, "{delay:?}");
}

#[test]
fn markers_that_do_not_cover_their_stack_count_as_none() {
    let mut plan = ParameterPlan::new(PollIntervals::default());
    let now = Instant::now();
    plan.on_markers(Ok(&[marker(1)]), now);
    assert!(plan.is_marked());
    let uncovered = Parameter::text("/meshwright-revision/demo/other", 1, UNVERSIONED);
    assert!(plan.on_markers(Ok(&[marker(1), uncovered]), now), "a new marker");
    assert!(!plan.is_marked());
    plan.on_markers(Err(ErrorKind::Denied), now);
    assert!(plan.is_denied() && !plan.is_marked());
}
