//! Every state with every event: what follows and what is asked for, in `tests/golden/rollout.txt`, to be read and
//! reviewed. `UPDATE_GOLDEN=1` rewrites the file.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use bluegreen_state::{Effect, Event, Phase, State, Timestamp, step};

/// When everything in the table happens that led to its states.
const THEN: Timestamp = Timestamp::from_millis(0);
/// Time for any wait to be over, and for no stage to have taken too long.
const LATER: Timestamp = Timestamp::from_millis(3_600_000);
/// Time for a stage to have taken too long.
const TOO_LATE: Timestamp = Timestamp::from_millis(100 * 3_600_000);

/// Two steps, each kind of wait, and bake time.
const STRATEGY: &str = "steps:10%+hold,20%+1m,100%,bake:5m";

fn deploy(version: u32) -> Event<u32> {
    let strategy = STRATEGY.parse().unwrap();
    let driver = "ci".to_owned();
    Event::Deploy {
        version,
        strategy,
        driver,
    }
}

fn failed(request: u64) -> Event<u32> {
    Event::CheckFailed {
        request,
        what: "5% errors".to_owned(),
    }
}

fn rollback() -> Event<u32> {
    let driver = "me".to_owned();
    Event::Rollback { driver }
}

fn after(mut state: State<u32>, events: impl IntoIterator<Item = Event<u32>>) -> State<u32> {
    for event in events {
        state = step(&state, event, THEN).0;
    }
    state
}

/// The answer that the state's last request waits for.
fn answer(state: &State<u32>) -> [Event<u32>; 2] {
    let request = state.request();
    [Event::Ready { request }, Event::RouterHas { request }]
}

/// The state after so many of its requests were answered.
fn answered(state: State<u32>, times: usize) -> State<u32> {
    (0..times).fold(state, |state, _| {
        let events = answer(&state);
        after(state, events)
    })
}

/// Every place a state can be in, by name.
fn places() -> Vec<(&'static str, State<u32>)> {
    let first = State::first(1);
    let reconcile = after(first.clone(), [deploy(2)]);
    let scale_up = answered(reconcile.clone(), 1);
    let shift = answered(scale_up.clone(), 1);
    let by_hand = answered(shift.clone(), 1);
    let second_shift = after(by_hand.clone(), [Event::Continue]);
    let timed = answered(second_shift.clone(), 1);
    let timed_held = after(timed.clone(), [Event::Hold]);
    let last_shift = step(&timed, Event::Tick, LATER).0;
    let bake = answered(last_shift.clone(), 1);
    let bake_held = after(bake.clone(), [Event::Hold]);
    let done = step(&bake, Event::Tick, TOO_LATE).0;
    let held = |state: &State<u32>| after(state.clone(), [Event::Hold]);
    let rolling_back = after(shift.clone(), [failed(shift.request())]);
    let returning = after(done.clone(), [rollback()]);
    vec![
        ("at rest, nothing but a first deployment", first),
        ("at rest, after a deployment of 2", done.clone()),
        ("at rest, after 2 was given up", answered(rolling_back.clone(), 1)),
        ("traffic taken away from the side to update", reconcile.clone()),
        ("the same, held", held(&reconcile)),
        ("held before the update", answered(held(&reconcile), 1)),
        ("the side gets its version", scale_up.clone()),
        ("the same, held", held(&scale_up)),
        ("held before any traffic moves", answered(held(&scale_up), 1)),
        ("the first step was asked for", shift.clone()),
        ("the same, held", held(&shift)),
        ("the router has a step that is held by hand", by_hand),
        ("the router has a step that stays for a minute", timed),
        ("the same, held", timed_held),
        ("the last step was asked for", last_shift.clone()),
        ("the same, held", held(&last_shift)),
        ("held after the last step", answered(held(&last_shift), 1)),
        ("the last step is watched", bake),
        ("the same, held", bake_held),
        ("the traffic is going back", rolling_back),
        ("a return to 1 was asked for after a deployment of 2", returning.clone()),
        (
            "the same, and 1 is not well",
            after(returning.clone(), [failed(returning.request())]),
        ),
        (
            "traffic is going back to 1, which the other side still carries",
            after(done, [deploy(1)]),
        ),
    ]
}

/// Every kind of event, by name, for a state.
fn events(state: &State<u32>) -> Vec<(&'static str, Event<u32>, Timestamp)> {
    let [ready, has] = answer(state);
    let old = state.request().saturating_sub(1);
    let never = state.request() + 1;
    let driver = "other".to_owned();
    vec![
        ("Deploy 1", deploy(1), LATER),
        ("Deploy 2", deploy(2), LATER),
        ("Deploy 3", deploy(3), LATER),
        ("Resume", Event::Resume { driver }, LATER),
        ("Ready", ready, LATER),
        ("Ready, late", Event::Ready { request: old }, LATER),
        ("Ready, never asked", Event::Ready { request: never }, LATER),
        ("RouterHas", has, LATER),
        ("RouterHas, late", Event::RouterHas { request: old }, LATER),
        ("RouterHas, never asked", Event::RouterHas { request: never }, LATER),
        ("CheckFailed", failed(state.request()), LATER),
        ("CheckFailed, late", failed(0), LATER),
        ("CheckFailed, never asked", failed(never), LATER),
        ("Tick, at once", Event::Tick, THEN),
        ("Tick, an hour on", Event::Tick, LATER),
        ("Tick, days on", Event::Tick, TOO_LATE),
        ("Hold", Event::Hold, LATER),
        ("Continue", Event::Continue, LATER),
        ("Abort", Event::Abort, LATER),
        ("Rollback", rollback(), LATER),
    ]
}

fn table() -> String {
    let mut table = String::from(
        "Every state and event of a rollout. A line has the event, the state that follows if it is another one, and\n\
         what has to be done. `-` is nothing. The strategy is `steps:10%+hold,20%+1m,100%,bake:5m`; times are in\n\
         seconds, and what led to a state happened at 0.\n",
    );
    for (name, state) in places() {
        write!(table, "\n{name}\n  {}\n", described(&state)).unwrap();
        for (event_name, event, now) in events(&state) {
            let (next, effects) = step(&state, event, now);
            let mut answers: Vec<String> = Vec::new();
            if next != state {
                answers.push(format!("→ {}", described(&next)));
            }
            answers.extend(effects.iter().map(Effect::to_string));
            let answer = if answers.is_empty() {
                "-".to_owned()
            } else {
                answers.join("; ")
            };
            writeln!(table, "    {event_name:24} {answer}").unwrap();
        }
    }
    table
}

/// A state in one line, with what `Display` leaves out.
fn described(state: &State<u32>) -> String {
    let mut text = format!("[{state}] target {}", state.target());
    if let Some(side) = state.unfinished() {
        write!(text, ", {side} unfinished").unwrap();
    }
    let Some(rollout) = state.rollout() else {
        return text;
    };
    write!(text, ", driven by {}", rollout.driver()).unwrap();
    match rollout.phase() {
        Phase::Reconcile { until, .. } => write!(text, ", until {until}"),
        Phase::ScaleUp { until } => write!(text, ", until {until}"),
        Phase::Shift { step, until } => write!(text, ", step {step}, until {until}"),
        Phase::PostShift { step, until: None } => write!(text, ", step {step}, until continued"),
        Phase::PostShift {
            step,
            until: Some(until),
        } => write!(text, ", step {step}, until {until}"),
        Phase::Bake { until } => write!(text, ", until {until}"),
        Phase::RollBack { version, reason } => write!(text, ", from {version}: {reason}"),
        Phase::PreScaleUp { .. } | Phase::PostScaleUp {} => Ok(()),
    }
    .unwrap();
    text
}

#[test]
fn every_state_and_event_is_answered_as_agreed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rollout.txt");
    let made = table();
    if env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        fs::write(&path, &made).unwrap();
    }
    let agreed = fs::read_to_string(&path).unwrap();
    let different = agreed.lines().zip(made.lines()).find(|(agreed, made)| agreed != made);
    assert!(
        agreed == made,
        "tests/golden/rollout.txt is not what was made now; if the new one is right, run with UPDATE_GOLDEN=1. The \
         first difference: {different:#?}"
    );
}

#[test]
fn every_phase_is_in_the_table() {
    let places = places();
    for phase in [
        "RECONCILE_SERVICE",
        "PRE_SCALE_UP",
        "SCALE_UP",
        "POST_SCALE_UP",
        "PRODUCTION_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT",
        "BAKE_TIME",
        "ROLLBACK_IN_PROGRESS",
    ] {
        let found = places
            .iter()
            .filter_map(|(_, state)| state.rollout())
            .any(|rollout| rollout.phase().as_str() == phase);
        assert!(found, "{phase}");
    }
}

#[test]
fn a_refusal_and_a_late_answer_leave_the_state_as_it_is() {
    for (name, state) in places() {
        for (event_name, event, now) in events(&state) {
            let (next, effects) = step(&state, event, now);
            let refused = effects.iter().any(|effect| matches!(effect, Effect::Refused { .. }));
            if refused || event_name.ends_with("late") {
                assert_eq!(next, state, "{name}, {event_name}");
            }
            if refused {
                assert_eq!(effects.len(), 1, "{name}, {event_name}");
            }
        }
    }
}
