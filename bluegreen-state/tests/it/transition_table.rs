//! Transition table: the next state and the effects for every state and event, in `tests/golden/rollout.txt`.
//! `UPDATE_GOLDEN=1` rewrites the file.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;
use std::{env, fs};

use bluegreen_state::{Effect, Event, Phase, State, Timestamp, step};

/// The time of all events before the tested one.
const START: Timestamp = Timestamp::from_millis(0);
/// After every pause, before every stage timeout.
const LATER: Timestamp = Timestamp::from_millis(3_600_000);
/// After every stage timeout.
const AFTER_TIMEOUT: Timestamp = Timestamp::from_millis(100 * 3_600_000);

/// Several steps, each type of pause, and bake time.
const STRATEGY: &str = "steps:10%+hold,20%+1m,100%,bake:5m";

fn deploy(version: u32) -> Event<u32> {
    let strategy = STRATEGY.parse().unwrap();
    let controller = "ci".to_owned();
    Event::Deploy {
        version,
        strategy,
        controller,
    }
}

fn failed(request: u64) -> Event<u32> {
    Event::CheckFailed {
        request,
        finding: "5% errors".to_owned(),
    }
}

fn rollback() -> Event<u32> {
    let controller = "me".to_owned();
    Event::Rollback { controller }
}

fn promote() -> Event<u32> {
    let controller = "me".to_owned();
    Event::Promote { controller }
}

/// Version 2 stays at half of the traffic.
fn stays() -> State<u32> {
    let strategy = "fixed:50%".parse().unwrap();
    let controller = "ci".to_owned();
    let deploy = Event::Deploy {
        version: 2,
        strategy,
        controller,
    };
    completed(after(State::initial(1), [deploy]), 3)
}

fn after(mut state: State<u32>, events: impl IntoIterator<Item = Event<u32>>) -> State<u32> {
    for event in events {
        state = step(&state, event, START).0;
    }
    state
}

/// Both possible results of the state's last request.
fn results(state: &State<u32>) -> [Event<u32>; 2] {
    let request = state.last_request();
    [Event::Ready { request }, Event::WeightsApplied { request }]
}

/// The state after this number of successful requests.
fn completed(state: State<u32>, times: usize) -> State<u32> {
    (0..times).fold(state, |state, _| {
        let events = results(&state);
        after(state, events)
    })
}

/// Test traffic, and a hook at each stage.
const STAGED: &str = "steps:10%+hold,100%,within:2h,test:1m,hooks:RECONCILE_SERVICE+PRE_SCALE_UP+POST_SCALE_UP+\
    TEST_TRAFFIC_SHIFT+POST_TEST_TRAFFIC_SHIFT+PRODUCTION_TRAFFIC_SHIFT+POST_PRODUCTION_TRAFFIC_SHIFT";

/// States of a rollout by [`STAGED`].
fn staged_states() -> Vec<(&'static str, State<u32>)> {
    let deploy = Event::Deploy {
        version: 2,
        strategy: STAGED.parse().unwrap(),
        controller: "ci".to_owned(),
    };
    let succeeded = |state: &State<u32>| {
        let request = state.last_request();
        after(state.clone(), [Event::HookSucceeded { request }])
    };
    let in_progress = |state: &State<u32>| {
        let (request, call_after) = (state.last_request(), Duration::from_secs(30));
        after(state.clone(), [Event::HookInProgress { request, call_after }])
    };
    let paused = |state: &State<u32>| after(state.clone(), [Event::Pause]);
    let minute = Timestamp::from_millis(60_000);
    let reconcile = completed(after(State::initial(1), [deploy]), 1);
    let pre_scale_up = succeeded(&reconcile);
    let post_scale_up = completed(succeeded(&pre_scale_up), 1);
    let test_shift = succeeded(&post_scale_up);
    let test_hook = completed(test_shift.clone(), 1);
    let post_test = succeeded(&test_hook);
    let test_pause = succeeded(&post_test);
    let shift = step(&test_pause, Event::Tick, minute).0;
    let shift_hook = completed(shift, 1);
    let post_shift = succeeded(&shift_hook);
    let manual_pause = succeeded(&post_shift);
    let last_hook = completed(after(manual_pause, [Event::Continue]), 1);
    let clean_up = succeeded(&succeeded(&last_hook));
    vec![
        ("the hook at RECONCILE_SERVICE is called", reconcile),
        ("the hook at PRE_SCALE_UP is called", pre_scale_up.clone()),
        ("the same, paused", paused(&pre_scale_up)),
        ("the hook at POST_SCALE_UP is called", post_scale_up.clone()),
        (
            "the hook at POST_SCALE_UP is called again later",
            in_progress(&post_scale_up),
        ),
        ("the test traffic is being shifted", test_shift),
        ("the hook at TEST_TRAFFIC_SHIFT is called", test_hook),
        ("the hook at POST_TEST_TRAFFIC_SHIFT is called", post_test),
        ("pause of a minute with test traffic", test_pause),
        ("the hook at PRODUCTION_TRAFFIC_SHIFT is called", shift_hook),
        (
            "the hook at POST_PRODUCTION_TRAFFIC_SHIFT is called, before a manual pause",
            post_shift,
        ),
        (
            "the hook at PRODUCTION_TRAFFIC_SHIFT of the last step is called",
            last_hook,
        ),
        ("the test traffic is being ended", clean_up),
    ]
}

/// Every state, with a description.
fn states() -> Vec<(&'static str, State<u32>)> {
    let first = State::initial(1);
    let reconcile = after(first.clone(), [deploy(2)]);
    let scale_up = completed(reconcile.clone(), 1);
    let shift = completed(scale_up.clone(), 1);
    let manual_pause = completed(shift.clone(), 1);
    let second_shift = after(manual_pause.clone(), [Event::Continue]);
    let timed = completed(second_shift.clone(), 1);
    let timed_paused = after(timed.clone(), [Event::Pause]);
    let last_shift = step(&timed, Event::Tick, LATER).0;
    let bake = completed(last_shift.clone(), 1);
    let bake_paused = after(bake.clone(), [Event::Pause]);
    let done = step(&bake, Event::Tick, AFTER_TIMEOUT).0;
    let paused = |state: &State<u32>| after(state.clone(), [Event::Pause]);
    let rolling_back = after(shift.clone(), [failed(shift.last_request())]);
    let reverting = after(done.clone(), [rollback()]);
    vec![
        ("no rollout, after the first deployment", first),
        ("no rollout, after a deployment of 2", done.clone()),
        ("no rollout, after a rollback of 2", completed(rolling_back.clone(), 1)),
        ("traffic is being moved away from the side to update", reconcile.clone()),
        ("the same, paused", paused(&reconcile)),
        ("paused before the update", completed(paused(&reconcile), 1)),
        ("the side is being updated", scale_up.clone()),
        ("the same, paused", paused(&scale_up)),
        ("paused before any traffic shifts", completed(paused(&scale_up), 1)),
        ("the weights of the first step are being set", shift.clone()),
        ("the same, paused", paused(&shift)),
        ("the router has the weights of a step with a manual pause", manual_pause),
        ("the router has the weights of a step with a pause of a minute", timed),
        ("the same, paused", timed_paused),
        ("the weights of the last step are being set", last_shift.clone()),
        ("the same, paused", paused(&last_shift)),
        ("paused after the last step", completed(paused(&last_shift), 1)),
        ("bake time", bake),
        ("the same, paused", bake_paused),
        ("the weights of the rollback are being set", rolling_back),
        (
            "a rollback to 1 was requested after a deployment of 2",
            reverting.clone(),
        ),
        (
            "the same, and 1 is unhealthy",
            after(reverting.clone(), [failed(reverting.last_request())]),
        ),
        (
            "1 is deployed again, and the other side still runs it",
            after(done, [deploy(1)]),
        ),
        // The golden documents end before these.
        ("no rollout, and 2 stays at half of the traffic", stays()),
        ("2 is promoted from half of the traffic", after(stays(), [promote()])),
    ]
    .into_iter()
    .chain(staged_states())
    .collect()
}

/// Every event for a state, with a description.
fn events(state: &State<u32>) -> Vec<(&'static str, Event<u32>, Timestamp)> {
    let [ready, applied] = results(state);
    let last = state.last_request();
    let old = last.saturating_sub(1);
    let in_progress = Event::HookInProgress {
        request: last,
        call_after: Duration::from_secs(30),
    };
    let hook_failed = |request| Event::HookFailed {
        request,
        finding: "exit code 1".to_owned(),
    };
    let unknown = state.last_request() + 1;
    let controller = "other".to_owned();
    vec![
        ("Deploy 1", deploy(1), LATER),
        ("Deploy 2", deploy(2), LATER),
        ("Deploy 3", deploy(3), LATER),
        ("Resume", Event::Resume { controller }, LATER),
        ("Ready", ready, LATER),
        ("Ready, late", Event::Ready { request: old }, LATER),
        ("Ready, unknown request", Event::Ready { request: unknown }, LATER),
        ("WeightsApplied", applied, LATER),
        ("WeightsApplied, late", Event::WeightsApplied { request: old }, LATER),
        (
            "WeightsApplied, unknown request",
            Event::WeightsApplied { request: unknown },
            LATER,
        ),
        ("CheckFailed", failed(state.last_request()), LATER),
        ("CheckFailed, late", failed(0), LATER),
        ("CheckFailed, unknown request", failed(unknown), LATER),
        ("HookSucceeded", Event::HookSucceeded { request: last }, LATER),
        ("HookSucceeded, late", Event::HookSucceeded { request: old }, LATER),
        ("HookInProgress", in_progress, LATER),
        ("HookFailed", hook_failed(last), LATER),
        ("HookFailed, late", hook_failed(old), LATER),
        ("HookFailed, unknown request", hook_failed(unknown), LATER),
        ("Tick, immediately", Event::Tick, START),
        ("Tick, an hour later", Event::Tick, LATER),
        ("Tick, days later", Event::Tick, AFTER_TIMEOUT),
        ("Heartbeat", Event::Heartbeat, LATER),
        ("Pause", Event::Pause, LATER),
        ("Continue", Event::Continue, LATER),
        ("Promote", promote(), LATER),
        ("Abort", Event::Abort, LATER),
        ("Rollback", rollback(), LATER),
    ]
}

fn table() -> String {
    let mut table = String::from(
        "Transition table of the rollout state machine. A line has the event, the next state if it differs, and the\n\
         effects. `-` is no change. Unless listed, the strategy is `steps:10%+hold,20%+1m,100%,bake:5m`; times are in seconds, and\n\
         all events before the listed one happened at 0. The strategy with test traffic and hooks is\n\
         `steps:10%+hold,100%,within:2h,test:1m`, with a hook at each stage.\n",
    );
    for (name, state) in states() {
        write!(table, "\n{name}\n  {}\n", describe(&state)).unwrap();
        for (event_name, event, now) in events(&state) {
            let (next, effects) = step(&state, event, now);
            let mut cells: Vec<String> = Vec::new();
            if next != state && describe(&next) == describe(&state) {
                cells.push("→ the same, with later times".to_owned());
            } else if next != state {
                cells.push(format!("→ {}", describe(&next)));
            }
            cells.extend(effects.iter().map(Effect::to_string));
            let result = if cells.is_empty() {
                "-".to_owned()
            } else {
                cells.join("; ")
            };
            writeln!(table, "    {event_name:31} {result}").unwrap();
        }
    }
    table
}

/// A state in one line, with the details that `Display` omits.
fn describe(state: &State<u32>) -> String {
    let mut text = format!("[{state}] target {}", state.target());
    if let Some(side) = state.dirty_side() {
        write!(text, ", {side} dirty").unwrap();
    }
    let Some(rollout) = state.rollout() else {
        return text;
    };
    write!(text, ", controller {}", rollout.controller()).unwrap();
    if let Some(side) = state.test_side() {
        write!(text, ", test traffic to {side}").unwrap();
    }
    if let Some(hook) = rollout.hook() {
        let (began, until) = (hook.began_at(), hook.times_out_at());
        write!(text, ", hook since {began}, until {until}").unwrap();
        if let Some(at) = hook.next_call_at() {
            write!(text, ", called again at {at}").unwrap();
        }
    }
    if rollout.strategy().to_string() == STAGED {
        text.push_str(", strategy with test traffic and hooks");
    } else if rollout.strategy().to_string() != STRATEGY {
        write!(text, ", strategy {}", rollout.strategy()).unwrap();
    }
    match rollout.phase() {
        Phase::Reconcile { until, .. } => write!(text, ", until {until}"),
        Phase::ScaleUp { until } | Phase::TestShift { until } => write!(text, ", until {until}"),
        Phase::PostTestShift { until: None } => write!(text, ", until continued"),
        Phase::PostTestShift { until: Some(until) } => write!(text, ", until {until}"),
        Phase::Shift { step, until } => write!(text, ", step {step}, until {until}"),
        Phase::PostShift { step, until: None } => write!(text, ", step {step}, until continued"),
        Phase::PostShift {
            step,
            until: Some(until),
        } => write!(text, ", step {step}, until {until}"),
        Phase::Bake { until } => write!(text, ", until {until}"),
        Phase::RollBack { version, reason } => write!(text, ", from {version}: {reason}"),
        Phase::PreScaleUp { .. } | Phase::PostScaleUp | Phase::CleanUp => Ok(()),
        other => panic!("{other:?}"),
    }
    .unwrap();
    text
}

#[test]
fn transitions_match_the_golden_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rollout.txt");
    let actual = table();
    if env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        fs::write(&path, &actual).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap();
    let different = golden
        .lines()
        .zip(actual.lines())
        .find(|(golden, actual)| golden != actual);
    assert!(
        golden == actual,
        "tests/golden/rollout.txt differs from the current table; if the change is intended, run with \
         UPDATE_GOLDEN=1. First difference: {different:#?}"
    );
}

#[test]
fn table_has_every_phase() {
    let states = states();
    for phase in [
        "RECONCILE_SERVICE",
        "PRE_SCALE_UP",
        "SCALE_UP",
        "POST_SCALE_UP",
        "TEST_TRAFFIC_SHIFT",
        "POST_TEST_TRAFFIC_SHIFT",
        "PRODUCTION_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT",
        "BAKE_TIME",
        "CLEAN_UP",
        "ROLLBACK_IN_PROGRESS",
    ] {
        let found = states
            .iter()
            .filter_map(|(_, state)| state.rollout())
            .any(|rollout| rollout.phase().as_str() == phase);
        assert!(found, "{phase}");
    }
}

#[test]
fn rejected_events_and_late_results_leave_the_state_unchanged() {
    for (name, state) in states() {
        for (event_name, event, now) in events(&state) {
            let (next, effects) = step(&state, event, now);
            let rejected = effects.iter().any(|effect| matches!(effect, Effect::Rejected { .. }));
            if rejected || event_name.ends_with("late") {
                assert_eq!(next, state, "{name}, {event_name}");
            }
            if rejected {
                assert_eq!(effects.len(), 1, "{name}, {event_name}");
            }
        }
    }
}

/// The documents of all states, as the crate wrote them at commit 0e62a7e: without the times of a rollout.
#[test]
fn documents_are_read_and_written_byte_for_byte_as_before() {
    let golden = include_str!("../golden/documents.jsonl");
    let states = states();
    assert!(golden.lines().count() <= states.len());
    for (document, (name, state)) in golden.lines().zip(states) {
        let mut text = state.to_json().unwrap();
        if let Some((start, times)) = text.split_once(",\"times\":{") {
            text = format!("{start}{}", times.split_once('}').unwrap().1);
        }
        assert_eq!(text, document, "{name}");
        // A document without times is read, is written as it was, and leads to the same phases.
        let read = State::from_json(document).unwrap();
        assert_eq!(read.to_json().as_deref(), Ok(document), "{name}");
        for (event_name, event, now) in events(&state) {
            let of_read = step(&read, event.clone(), now);
            let of_state = step(&state, event, now);
            assert_eq!(describe(&of_read.0), describe(&of_state.0), "{name}, {event_name}");
            assert_eq!(of_read.1, of_state.1, "{name}, {event_name}");
        }
    }
}
