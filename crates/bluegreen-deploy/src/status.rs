//! Status of a deployment, as text and as JSON: sides, progress with times, and whether the controller is running. Pure.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use bluegreen_state::{DEFAULT_HEARTBEAT_INTERVAL, Percent, Rollout, Side, State, Timestamp};
use serde_json::{Value, json};

use crate::Version;

/// A controller without a heartbeat for this time has probably stopped.
const HEARTBEAT_TIMEOUT: Duration = DEFAULT_HEARTBEAT_INTERVAL.saturating_mul(3);

/// Whether the controller of a rollout is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControllerStatus {
    /// It is running.
    Running,
    /// It was running at its last heartbeat, less than 90 seconds ago.
    Seen,
    /// It has stopped; another one has to continue the rollout.
    Stopped,
    /// It cannot be found out: no heartbeat is recorded, as by earlier versions of this crate, or the controller's name
    /// contains no process of this machine.
    Unknown,
}

impl ControllerStatus {
    /// The status by the last heartbeat: seen if it is less than 90 seconds old, else stopped.
    #[must_use]
    pub fn by_heartbeat(rollout: &Rollout<Version>, now: Timestamp) -> Self {
        match rollout.controller_seen_at() {
            None => Self::Unknown,
            Some(seen) if now.since(seen) < HEARTBEAT_TIMEOUT => Self::Seen,
            Some(_) => Self::Stopped,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Seen => "seen",
            Self::Stopped => "stopped",
            Self::Unknown => "unknown",
        }
    }
}

/// The status of a deployment for people.
#[must_use]
pub fn status(state: &State<Version>, controller: ControllerStatus, now: Timestamp) -> String {
    let mut text = format!("{state}\n");
    match state.rollout() {
        Some(rollout) => progress(&mut text, state, rollout, controller, now),
        None => {
            if let Some(last) = state.last_outcome() {
                line(
                    &mut text,
                    &format!("the rollout of {} ended {}", last.version, ago(last.ended_at, now)),
                );
            }
            if let Some(stays) = describe_partial(state) {
                line(&mut text, &stays);
            }
        }
    }
    text
}

fn progress(
    text: &mut String,
    state: &State<Version>,
    rollout: &Rollout<Version>,
    controller: ControllerStatus,
    now: Timestamp,
) {
    let waiting = if rollout.is_waiting_for_continue() {
        ", waiting for `continue`, `promote` or `abort`"
    } else {
        ""
    };
    let (strategy, name) = (rollout.strategy(), rollout.controller());
    line(text, &format!("strategy {strategy}, controller {name}{waiting}"));
    if let Some(began) = rollout.began_at() {
        line(
            text,
            &format!("the rollout of {} began {}", state.rollout_version(), ago(began, now)),
        );
    }
    let phase = rollout.phase().as_str();
    let mut about_phase = match rollout.phase_began_at() {
        Some(began) => format!("{phase} began {}", ago(began, now)),
        None => phase.to_owned(),
    };
    match (rollout.next_step_at(), rollout.times_out_at()) {
        (Some(at), _) if at > now => _ = write!(about_phase, "; the next step follows {}", until(at, now)),
        (Some(at), _) => _ = write!(about_phase, "; its time was over {}", ago(at, now)),
        (None, Some(at)) if at > now => _ = write!(about_phase, "; it times out {}", until(at, now)),
        (None, Some(at)) => _ = write!(about_phase, "; its time limit was {}", ago(at, now)),
        (None, None) => {}
    }
    line(text, &about_phase);
    if let Some(hook) = rollout.hook() {
        let running = match hook.next_call_at() {
            Some(at) if at > now => format!("is in progress, and is called again {}", until(at, now)),
            _ => "is running".to_owned(),
        };
        line(
            text,
            &format!(
                "the hook at {} {running}; it began {}",
                hook.stage(),
                ago(hook.began_at(), now)
            ),
        );
    }
    let seen = rollout.controller_seen_at().map(|seen| ago(seen, now));
    line(
        text,
        &match (controller, seen) {
            (ControllerStatus::Running, Some(seen)) => format!("the controller is running, last seen {seen}"),
            (ControllerStatus::Seen, Some(seen)) => format!("the controller was running {seen}"),
            (ControllerStatus::Running | ControllerStatus::Seen, None) => "the controller is running".to_owned(),
            (ControllerStatus::Stopped, seen) => {
                let seen = seen.map(|seen| format!(", last seen {seen}")).unwrap_or_default();
                format!("the controller has stopped{seen}: {}", ways_on(state, rollout, ""))
            }
            (ControllerStatus::Unknown, Some(seen)) => {
                format!("whether the controller is running is unknown; it was last seen {seen}")
            }
            (ControllerStatus::Unknown, None) => {
                "whether the controller is running is unknown: an earlier version began this rollout".to_owned()
            }
        },
    );
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// The status of a deployment as JSON, on several lines. `None` is the state before the first deployment. Times are in RFC
/// 3339 and UTC; a key without a value is `null`. The status of the controller is `running` if its process is, `seen` if its
/// last heartbeat is recent, else `stopped` or `unknown`.
#[must_use]
pub fn status_json(state: Option<&State<Version>>, controller: ControllerStatus) -> String {
    let document = match state {
        None => json!({"blue": null, "green": null, "rollout": null, "lastOutcome": null}),
        Some(state) => {
            let side = |side| json!({"version": state.version(side), "weight": state.weights().share(side).get()});
            let last = state.last_outcome().map(|last| {
                json!({
                    "version": last.version,
                    "status": last.status.as_str(),
                    "reason": last.status.reason().map(ToString::to_string),
                    "endedAt": time(last.ended_at),
                })
            });
            json!({
                "blue": side(Side::Blue),
                "green": side(Side::Green),
                "target": state.target().as_str(),
                "staysAt": state.partial_share().map(Percent::get),
                "rollout": state.rollout().map(|rollout| rollout_json(state, rollout, controller)),
                "lastOutcome": last,
            })
        }
    };
    format!("{document:#}\n")
}

fn rollout_json(state: &State<Version>, rollout: &Rollout<Version>, controller: ControllerStatus) -> Value {
    json!({
        "version": state.rollout_version(),
        "strategy": rollout.strategy(),
        "phase": rollout.phase().as_str(),
        "paused": rollout.is_paused(),
        "hook": rollout.hook().map(|hook| json!({
            "stage": hook.stage(),
            "beganAt": time(hook.began_at()),
            "nextCallAt": hook.next_call_at().map(time),
            "timesOutAt": time(hook.times_out_at()),
        })),
        "waitsForContinue": rollout.is_waiting_for_continue(),
        "beganAt": rollout.began_at().map(time),
        "phaseBeganAt": rollout.phase_began_at().map(time),
        "nextStepAt": rollout.next_step_at().map(time),
        "timesOutAt": rollout.times_out_at().map(time),
        "controller": {
            "name": rollout.controller(),
            "status": controller.as_str(),
            "lastSeenAt": rollout.controller_seen_at().map(time),
        },
    })
}

/// That a version stays at a part of the traffic, and the ways on; `None` if it does not.
#[must_use]
pub fn describe_partial(state: &State<Version>) -> Option<String> {
    let share = state.partial_share()?;
    let (side, other) = (state.target(), state.target().other());
    let (version, previous) = (state.version(side), state.version(other));
    Some(format!(
        "{side} {version} stays at {share}: `promote`, or `deploy --version {version}` with another --strategy, gives it \
         more; `rollback` returns to {other} {previous}"
    ))
}

/// Where traffic stands after an interruption, and the ways on. `options` follow each command, such as ` --aws`.
#[must_use]
pub fn describe_interruption(state: &State<Version>, options: &str) -> String {
    match state.rollout() {
        None => format!("traffic: {state}; no rollout is in progress"),
        Some(rollout) => format!(
            "rollout: {state}\nthe rollout is unfinished, and the weights of the Envoys stay as they are: {}",
            ways_on(state, rollout, options)
        ),
    }
}

/// What the deletion of the stack means for a rollout in progress; `None` without one.
#[must_use]
pub fn describe_destruction(state: &State<Version>, controller: ControllerStatus) -> Option<String> {
    let rollout = state.rollout()?;
    let name = rollout.controller();
    let about_controller = match controller {
        ControllerStatus::Running | ControllerStatus::Seen => {
            format!("its controller ({name}) is running, and will stop with an error")
        }
        ControllerStatus::Stopped => format!("its controller ({name}) has stopped"),
        ControllerStatus::Unknown => {
            format!("whether its controller ({name}) is running is unknown; it will stop with an error")
        }
    };
    Some(format!(
        "warning: a rollout is in progress: {state}. Destroying the stack ends both versions; {about_controller}. While a step \
         updates the stack, nothing is deleted: `abort` first, or repeat `destroy` after the step"
    ))
}

/// The weights in the account, if the rollout has not reached those of its state: blue first. `None` if it has.
#[must_use]
pub fn describe_deployed_weights(state: &State<Version>, deployed: [u32; 2]) -> Option<String> {
    let total: u32 = deployed.iter().sum();
    let [blue, green] = deployed;
    let share = |weight: u32| match total {
        0 => 0,
        total => weight * 100 / total,
    };
    let is_reached = Side::BOTH
        .into_iter()
        .zip(deployed)
        .all(|(side, weight)| share(weight) == u32::from(state.weights().share(side).get()));
    (!is_reached).then(|| {
        format!(
            "deployed weights: blue at {}%, green at {}%; the step to the weights above is not done",
            share(blue),
            share(green)
        )
    })
}

/// The commands that continue a rollout whose controller has stopped.
fn ways_on(state: &State<Version>, rollout: &Rollout<Version>, options: &str) -> String {
    if rollout.is_rolling_back() {
        return format!("`abort{options}` completes the rollback");
    }
    let version = state.version(state.target());
    let deploy = match rollout.is_waiting_for_continue() {
        true => format!("`continue{options}` proceeds to the next step"),
        false => format!("`deploy{options} --version {version}` continues it"),
    };
    let hooks = match rollout.strategy().hooks().is_empty() {
        true => "",
        false => " (with the same hooks)",
    };
    format!("{deploy}{hooks}, `abort{options}` rolls it back")
}

/// `2m 3s ago (2026-11-30 16:24:01 UTC)`.
fn ago(at: Timestamp, now: Timestamp) -> String {
    format!("{} ago ({})", span(now.since(at)), clock(at))
}

/// `in 2m 3s (2026-11-30 16:24:01 UTC)`.
fn until(at: Timestamp, now: Timestamp) -> String {
    format!("in {} ({})", span(at.since(now)), clock(at))
}

/// The two largest units of a time span: `2h 3m`.
fn span(span: Duration) -> String {
    let text = humantime::format_duration(Duration::from_secs(span.as_secs())).to_string();
    let units: Vec<&str> = text.split(' ').take(2).collect();
    units.join(" ")
}

/// `2026-11-30T16:24:01Z`. A time that no calendar has is given in seconds.
fn time(at: Timestamp) -> String {
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(at.as_millis()));
    // After the year 9999, formatting is an error.
    let is_formattable = at.as_millis() < 253_402_300_800_000;
    match time.filter(|_| is_formattable) {
        Some(time) => humantime::format_rfc3339_seconds(time).to_string(),
        None => at.to_string(),
    }
}

/// `2026-11-30 16:24:01 UTC`.
fn clock(at: Timestamp) -> String {
    time(at).replace('T', " ").replace('Z', " UTC")
}

#[cfg(test)]
mod tests {
    use bluegreen_state::{Event, step};

    use super::*;

    /// 2026-11-30 16:00:00 UTC.
    const START: Timestamp = Timestamp::from_millis(1_796_054_400_000);

    fn after(seconds: u64) -> Timestamp {
        START.after(Duration::from_secs(seconds))
    }

    fn deploy(strategy: &str) -> State<Version> {
        let deploy = Event::Deploy {
            version: 2,
            strategy: strategy.parse().expect("a strategy"),
            controller: "ci".to_owned(),
        };
        step(&State::initial(1), deploy, START).0
    }

    /// After the number of requests, each a minute after the one before.
    fn completed(mut state: State<Version>, requests: u64) -> State<Version> {
        for index in 1..=requests {
            let request = state.last_request();
            for event in [Event::Ready { request }, Event::WeightsApplied { request }] {
                state = step(&state, event, after(index * 60)).0;
            }
        }
        state
    }

    #[test]
    fn status_has_times_for_people_and_whether_the_controller_is_running() {
        let state = completed(deploy("canary:10%,1h"), 3);
        let text = status(&state, ControllerStatus::Running, after(200));
        assert_eq!(
            text,
            "blue 1 at 90%, green 2 at 10%, POST_PRODUCTION_TRAFFIC_SHIFT\n\
             strategy canary:10%,1h, controller ci\n\
             the rollout of 2 began 3m 20s ago (2026-11-30 16:00:00 UTC)\n\
             POST_PRODUCTION_TRAFFIC_SHIFT began 20s ago (2026-11-30 16:03:00 UTC); the next step follows in 59m 40s \
             (2026-11-30 17:03:00 UTC)\n\
             the controller is running, last seen 20s ago (2026-11-30 16:03:00 UTC)\n"
        );
        let text = status(&state, ControllerStatus::Stopped, after(7200));
        assert!(
            text.contains("; its time was over 57m ago (2026-11-30 17:03:00 UTC)"),
            "{text}"
        );
        let ways = "the controller has stopped, last seen 1h 57m ago (2026-11-30 16:03:00 UTC): `deploy --version 2` \
                    continues it, `abort` rolls it back\n";
        assert!(text.ends_with(ways), "{text}");

        let held = completed(deploy("steps:10%+hold,100%,within:10m"), 1);
        let text = status(&held, ControllerStatus::Unknown, after(61));
        assert!(
            text.contains("; it times out in 9m 59s (2026-11-30 16:11:00 UTC)"),
            "{text}"
        );
    }

    #[test]
    fn controller_without_a_heartbeat_has_stopped() {
        let state = completed(deploy("canary:10%,1h"), 3);
        let rollout = state.rollout().expect("in progress");
        let at = |seconds| ControllerStatus::by_heartbeat(rollout, after(seconds));
        assert_eq!(at(180 + 89), ControllerStatus::Seen);
        assert_eq!(at(180 + 90), ControllerStatus::Stopped);
        let beating = step(&state, Event::Heartbeat, after(260)).0;
        let rollout = beating.rollout().expect("in progress");
        let controller = ControllerStatus::by_heartbeat(rollout, after(270));
        let text = status(&beating, controller, after(270));
        let seen = "\nthe controller was running 10s ago (2026-11-30 16:04:20 UTC)\n";
        assert!(text.ends_with(seen), "{text}");
    }

    #[test]
    fn version_that_stays_has_its_ways_on() {
        let state = completed(deploy("fixed:50%"), 3);
        let text = status(&state, ControllerStatus::Unknown, after(240));
        assert_eq!(
            text,
            "blue 1 at 50%, green 2 at 50%, 2 SUCCESSFUL\n\
             the rollout of 2 ended 1m ago (2026-11-30 16:03:00 UTC)\n\
             green 2 stays at 50%: `promote`, or `deploy --version 2` with another --strategy, gives it more; `rollback` \
             returns to blue 1\n"
        );
        assert_eq!(describe_partial(&State::initial(1)), None);
        let initial = status(&State::initial(1), ControllerStatus::Unknown, START);
        assert_eq!(initial, "blue 1 at 50%, green 1 at 50%\n");
    }

    #[test]
    fn interruption_says_where_traffic_stands_and_the_ways_on() {
        let canary = completed(deploy("canary:10%,1h"), 3);
        assert_eq!(
            describe_interruption(&canary, " --aws"),
            "rollout: blue 1 at 90%, green 2 at 10%, POST_PRODUCTION_TRAFFIC_SHIFT\n\
             the rollout is unfinished, and the weights of the Envoys stay as they are: `deploy --aws --version 2` continues it, `abort --aws` \
             rolls it back"
        );
        let held = completed(deploy("steps:10%+hold,100%"), 3);
        assert!(describe_interruption(&held, "").contains("`continue` proceeds"));
        let rolling_back = step(&canary, Event::Abort, START).0;
        assert!(describe_interruption(&rolling_back, "").ends_with("`abort` completes the rollback"));
        assert!(describe_interruption(&State::initial(1), "").ends_with("no rollout is in progress"));
    }

    #[test]
    fn running_hook_has_its_stage_and_times() {
        let state = completed(deploy("all-at-once,hooks:POST_SCALE_UP"), 2);
        let text = status(&state, ControllerStatus::Stopped, after(150));
        for expected in [
            "\nPOST_SCALE_UP began 30s ago (2026-11-30 16:02:00 UTC); it times out in 23h 59m (2026-12-01 16:02:00 UTC)\n",
            "\nthe hook at POST_SCALE_UP is running; it began 30s ago (2026-11-30 16:02:00 UTC)\n",
            ": `deploy --version 2` continues it (with the same hooks), `abort` rolls it back",
        ] {
            assert!(text.contains(expected), "no {expected:?} in {text}");
        }
        let (request, call_after) = (state.last_request(), Duration::from_secs(60));
        let state = step(&state, Event::HookInProgress { request, call_after }, after(150)).0;
        let text = status(&state, ControllerStatus::Running, after(160));
        let expected = "is in progress, and is called again in 50s (2026-11-30 16:03:30 UTC); it began 40s ago ";
        assert!(text.contains(expected), "{text}");
        let document = status_json(Some(&state), ControllerStatus::Running);
        let document: Value = serde_json::from_str(&document).expect("JSON");
        assert_eq!(
            document["rollout"]["hook"],
            json!({
                "stage": "POST_SCALE_UP",
                "beganAt": "2026-11-30T16:02:00Z",
                "nextCallAt": "2026-11-30T16:03:30Z",
                "timesOutAt": "2026-12-01T16:02:00Z",
            })
        );
    }

    #[test]
    fn json_has_the_same_facts() {
        let state = completed(deploy("canary:10%,1h"), 3);
        let text = status_json(Some(&state), ControllerStatus::Running);
        let document: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(document["green"], json!({"version": 2, "weight": 10}));
        assert_eq!(
            document["rollout"],
            json!({
                "version": 2,
                "strategy": "canary:10%,1h",
                "phase": "POST_PRODUCTION_TRAFFIC_SHIFT",
                "paused": false,
                "hook": null,
                "waitsForContinue": false,
                "beganAt": "2026-11-30T16:00:00Z",
                "phaseBeganAt": "2026-11-30T16:03:00Z",
                "nextStepAt": "2026-11-30T17:03:00Z",
                "timesOutAt": null,
                "controller": {"name": "ci", "status": "running", "lastSeenAt": "2026-11-30T16:03:00Z"},
            })
        );
        let text = status_json(Some(&state), ControllerStatus::Seen);
        let document: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(document["rollout"]["controller"]["status"], "seen");
        let ended = completed(deploy("fixed:50%"), 3);
        let document: Value =
            serde_json::from_str(&status_json(Some(&ended), ControllerStatus::Unknown)).expect("JSON");
        assert_eq!((&document["rollout"], &document["staysAt"]), (&Value::Null, &json!(50)));
        assert_eq!(document["lastOutcome"]["status"], "SUCCESSFUL");
        let none: Value = serde_json::from_str(&status_json(None, ControllerStatus::Unknown)).expect("JSON");
        assert_eq!(none["blue"], Value::Null);
    }

    #[test]
    fn times_beyond_the_calendar_are_seconds() {
        assert_eq!(time(Timestamp::from_millis(u64::MAX)), "18446744073709551.615");
    }

    #[test]
    fn deployed_weights_are_named_until_the_step_is_done() {
        let state = completed(deploy("canary:10%,1h"), 3);
        assert_eq!(describe_deployed_weights(&state, [90, 10]), None);
        assert_eq!(describe_deployed_weights(&state, [9, 1]), None);
        assert_eq!(
            describe_deployed_weights(&state, [100, 0]).expect("they differ"),
            "deployed weights: blue at 100%, green at 0%; the step to the weights above is not done"
        );
    }

    #[test]
    fn destroying_a_stack_names_the_rollout_in_progress() {
        assert_eq!(
            describe_destruction(&State::initial(1), ControllerStatus::Unknown),
            None
        );
        let state = completed(deploy("canary:10%,1h"), 3);
        let text = describe_destruction(&state, ControllerStatus::Seen).expect("a rollout");
        for expected in [
            "warning: a rollout is in progress: blue 1 at 90%, green 2 at 10%, POST_PRODUCTION_TRAFFIC_SHIFT. ",
            "its controller (ci) is running, and will stop with an error",
        ] {
            assert!(text.contains(expected), "{text}");
        }
    }
}
