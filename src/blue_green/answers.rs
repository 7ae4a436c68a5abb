//! What somebody said, what was done and how it ended, as the state machine and people are told of it. Pure.

use bluegreen_state::{Event, FinalStatus, Phase, Rejected, Rollout, State, Strategy};

use super::Version;
use crate::control_api::CommandError;
use crate::control_api::client::Applied;

/// How traffic moves if nobody says.
const DEFAULT_STRATEGY: &str = "canary:10%,30s";

/// What is to be done for the state machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Have both sides run what the state says.
    Run { request: u64 },
    /// Have the router divide traffic as the state says.
    Divide { request: u64 },
}

/// What follows from an attempt to do it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The state machine is told.
    Over(Event<Version>),
    /// It is to be tried again, for this reason.
    Again(String),
    /// Nobody can go on.
    Failed(String),
}

/// By which strategy a version is to be deployed, if somebody stated one or not.
///
/// # Errors
///
/// That it is being deployed by another one: traffic was moved by that already, so the deployment keeps it.
pub(super) fn strategy(
    state: Option<&State<Version>>,
    version: Version,
    stated: Option<Strategy>,
) -> Result<Strategy, String> {
    let under_way = state.and_then(|state| {
        let is_this = *state.version(state.target()) == version;
        state
            .rollout()
            .filter(|rollout| is_this && !matches!(rollout.phase(), Phase::RollBack { .. }))
    });
    match (under_way.map(Rollout::strategy), stated) {
        (Some(own), Some(stated)) if *own != stated => Err(format!(
            "version {version} is being deployed with {own} already, and keeps that: leave out --strategy to go on with \
             it; or abort it, and deploy again with {stated}"
        )),
        (Some(own), _) => Ok(own.clone()),
        (None, Some(stated)) => Ok(stated),
        (None, None) => DEFAULT_STRATEGY.parse().map_err(|error| format!("{error}")),
    }
}

/// Whether `event` deploys the very version that is being taken back: whoever says it again after a crash has that seen
/// through, and learns that it was.
pub(super) fn is_taken_back(state: &State<Version>, event: &Event<Version>) -> bool {
    let phase = state.rollout().map(Rollout::phase);
    match (phase, event) {
        (Some(Phase::RollBack { version, .. }), Event::Deploy { version: wanted, .. }) => version == wanted,
        _ => false,
    }
}

/// Why something is not done, and what to do.
pub(super) fn refused(refusal: &Rejected) -> String {
    match refusal {
        Rejected::RollingBack => format!("{refusal}; if whoever did that is gone, `abort` sees it through"),
        _ => refusal.to_string(),
    }
}

/// What follows from what came of some work.
pub(super) fn attempt(work: Work, done: Result<Applied, CommandError>) -> Attempt {
    match (work, done) {
        // Tasks that are ready are ready, whatever some Envoy has to say.
        (Work::Run { request }, Ok(_)) => Attempt::Over(Event::Ready { request }),
        (Work::Divide { request }, Ok(Applied { settled: true })) => Attempt::Over(Event::WeightsApplied { request }),
        (Work::Divide { .. }, Ok(Applied { settled: false })) => {
            Attempt::Again("some Envoy does not have the weights".to_owned())
        }
        (Work::Run { request }, Err(CommandError::Rejected(what))) => {
            Attempt::Over(Event::CheckFailed { request, finding: what })
        }
        (Work::Divide { .. }, Err(CommandError::Rejected(reason))) => Attempt::Failed(reason),
        (_, Err(CommandError::Retryable(reason))) => Attempt::Again(reason),
    }
}

/// What is said of a state to whoever asks: in a second line, what a rollout under way waits for.
pub(super) fn status(state: &State<Version>) -> String {
    let Some(rollout) = state.rollout() else {
        return format!("{state}\n");
    };
    let waits = match rollout.phase() {
        Phase::PreScaleUp { .. } | Phase::PostScaleUp | Phase::PostShift { until: None, .. } => {
            "; it waits for somebody to say `continue`, or `abort`"
        }
        _ => "",
    };
    format!(
        "{state}\nby {}, driven by {}{waits}\n",
        rollout.strategy(),
        rollout.controller()
    )
}

/// What whoever let something happen is told of its end. `is_to_stay` says that they wanted the version to stay.
pub(super) fn verdict(ended: Option<FinalStatus>, is_to_stay: bool) -> Result<(), String> {
    match ended {
        Some(FinalStatus::RolledBack { reason }) if is_to_stay => {
            Err(format!("the deployment was taken back: {reason}"))
        }
        Some(FinalStatus::RollbackFailed { reason }) => Err(format!(
            "the version before is not well, so nothing was taken back: {reason}"
        )),
        Some(FinalStatus::Successful | FinalStatus::RolledBack { .. }) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use bluegreen_state::{Reason, step};
    use clap::CommandFactory as _;

    use super::super::arguments::Arguments;
    use super::*;

    fn parsed(text: &str) -> Strategy {
        text.parse().expect("it is a strategy")
    }

    /// Version 2 is being deployed with a canary.
    fn under_way() -> State<Version> {
        let deploy = Event::Deploy {
            version: 2,
            strategy: parsed("canary:20%,1m"),
            controller: "somebody".to_owned(),
        };
        step(&State::initial(1), deploy, std::time::SystemTime::UNIX_EPOCH.into()).0
    }

    #[test]
    fn a_deployment_takes_the_strategy_that_is_stated_or_the_default() {
        let at_rest = State::initial(1);
        assert_eq!(strategy(None, 2, None), Ok(parsed("canary:10%,30s")));
        assert_eq!(strategy(Some(&at_rest), 2, None), Ok(parsed("canary:10%,30s")));
        assert_eq!(
            strategy(Some(&at_rest), 2, Some(parsed("all-at-once"))),
            Ok(parsed("all-at-once"))
        );
    }

    #[test]
    fn a_status_says_what_a_rollout_waits_for() {
        assert_eq!(status(&State::initial(1)), "blue 1 at 50%, green 1 at 50%\n");
        let text = status(&under_way());
        assert!(text.ends_with("\nby canary:20%,1m, driven by somebody\n"), "{text}");
    }

    #[test]
    fn the_help_names_the_default() {
        let command = Arguments::command();
        let deploy = command.find_subcommand("deploy").expect("it is a verb");
        let option = deploy.get_arguments().find(|option| option.get_id() == "strategy");
        let help = option.and_then(|option| option.get_help()).expect("it has a help");
        let expected = format!("Default: {DEFAULT_STRATEGY}, ");
        assert!(help.to_string().contains(&expected), "{help}");
    }

    #[test]
    fn a_deployment_that_is_under_way_keeps_its_strategy() {
        let state = under_way();
        for stated in [None, Some(parsed("canary:20%,60s"))] {
            assert_eq!(strategy(Some(&state), 2, stated), Ok(parsed("canary:20%,1m")));
        }
        let refused = strategy(Some(&state), 2, Some(parsed("all-at-once"))).unwrap_err();
        assert_eq!(
            refused,
            "version 2 is being deployed with canary:20%,1m already, and keeps that: leave out --strategy to go on with \
             it; or abort it, and deploy again with all-at-once"
        );
        // Another version is refused by the state machine, in its own words.
        assert_eq!(
            strategy(Some(&state), 3, Some(parsed("all-at-once"))),
            Ok(parsed("all-at-once"))
        );
        // What is being taken back is nothing to go on with.
        let (going_back, _) = step(&state, Event::Abort, std::time::SystemTime::UNIX_EPOCH.into());
        assert_eq!(
            strategy(Some(&going_back), 2, Some(parsed("all-at-once"))),
            Ok(parsed("all-at-once"))
        );
    }

    #[test]
    fn a_version_that_is_being_taken_back_is_gone_on_with_and_no_other() {
        let deploy = |version| Event::Deploy {
            version,
            strategy: parsed("all-at-once"),
            controller: "another".to_owned(),
        };
        let state = under_way();
        assert!(!is_taken_back(&state, &deploy(2)), "it is still on its way");
        let (going_back, _) = step(&state, Event::Abort, std::time::SystemTime::UNIX_EPOCH.into());
        assert!(is_taken_back(&going_back, &deploy(2)));
        assert!(!is_taken_back(&going_back, &deploy(3)) && !is_taken_back(&going_back, &Event::Continue));
        assert!(refused(&Rejected::RollingBack).ends_with("is gone, `abort` sees it through"));
        assert_eq!(refused(&Rejected::NotPaused), Rejected::NotPaused.to_string());
    }

    #[test]
    fn what_came_of_work_is_told_or_tried_again() {
        let (run, divide) = (Work::Run { request: 3 }, Work::Divide { request: 4 });
        let refused = |what: &str| Err(CommandError::Rejected(what.to_owned()));
        let not_now = || Err(CommandError::Retryable("nobody answers".to_owned()));
        for (work, done, expected) in [
            (
                run,
                Ok(Applied { settled: true }),
                Attempt::Over(Event::Ready { request: 3 }),
            ),
            (
                run,
                Ok(Applied { settled: false }),
                Attempt::Over(Event::Ready { request: 3 }),
            ),
            (
                run,
                refused("it never started"),
                Attempt::Over(Event::CheckFailed {
                    request: 3,
                    finding: "it never started".to_owned(),
                }),
            ),
            (run, not_now(), Attempt::Again("nobody answers".to_owned())),
            (
                divide,
                Ok(Applied { settled: true }),
                Attempt::Over(Event::WeightsApplied { request: 4 }),
            ),
            (
                divide,
                Ok(Applied { settled: false }),
                Attempt::Again("some Envoy does not have the weights".to_owned()),
            ),
            (
                divide,
                refused("no such parameter"),
                Attempt::Failed("no such parameter".to_owned()),
            ),
            (divide, not_now(), Attempt::Again("nobody answers".to_owned())),
        ] {
            assert_eq!(attempt(work, done.clone()), expected, "{work:?} {done:?}");
        }
    }

    #[test]
    fn an_end_is_good_or_bad_by_what_was_wanted() {
        let back = || {
            Some(FinalStatus::RolledBack {
                reason: Reason::Aborted,
            })
        };
        let not_back = Some(FinalStatus::RollbackFailed {
            reason: Reason::RollbackRequested,
        });
        assert_eq!(verdict(Some(FinalStatus::Successful), true), Ok(()));
        assert_eq!(verdict(None, true), Ok(()));
        assert_eq!(verdict(back(), false), Ok(()));
        assert_eq!(
            verdict(back(), true),
            Err("the deployment was taken back: it was aborted".to_owned())
        );
        assert_eq!(
            verdict(not_back, false),
            Err("the version before is not well, so nothing was taken back: a rollback was requested".to_owned())
        );
    }
}
