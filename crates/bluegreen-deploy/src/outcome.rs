//! Results of actions and commands, strategies, and the status text. Pure.

use bluegreen_state::{FinalStatus, Outcome, PlatformError, Rollout, State, Strategy};

use crate::Version;
use crate::control_api::{Applied, CommandError};
use crate::error::Error;

/// The strategy of a deployment without `--strategy`.
pub const DEFAULT_STRATEGY: &str = "canary:10%,30s";

/// An action of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Applying a template.
    ApplyTemplate,
    /// Setting the weights.
    SetWeights,
}

/// Maps the result of an action for the controller.
pub(crate) fn map_result(action: Action, result: Result<Applied, CommandError>) -> Result<(), PlatformError> {
    match (action, result) {
        // All tasks are ready, even if an Envoy has not acknowledged its configuration.
        (Action::ApplyTemplate, Ok(_)) | (Action::SetWeights, Ok(Applied { settled: true, .. })) => Ok(()),
        (Action::SetWeights, Ok(applied)) => Err(PlatformError::Retryable(unsettled(&applied))),
        (_, Err(CommandError::Rejected(reason))) => Err(PlatformError::Rejected(reason)),
        (_, Err(CommandError::Retryable(reason))) => Err(PlatformError::Retryable(reason)),
    }
}

/// Which Envoys have not acknowledged a change.
pub(crate) fn unsettled(applied: &Applied) -> String {
    match applied.unsettled.as_slice() {
        [] => "an Envoy has not acknowledged the weights".to_owned(),
        [one] => format!("Envoy {one} has not acknowledged the weights"),
        several => format!(
            "{} Envoys have not acknowledged the weights: {}",
            several.len(),
            several.join(", ")
        ),
    }
}

/// Selects the strategy of a deployment: the requested one, that of the deployment in progress, or
/// [`DEFAULT_STRATEGY`].
///
/// # Errors
///
/// [`Error::StrategyConflict`] if the version is being deployed with another strategy: traffic has shifted by that one.
pub fn select_strategy(
    state: Option<&State<Version>>,
    version: Version,
    requested: Option<Strategy>,
) -> Result<Strategy, Error> {
    let in_progress = state.and_then(|state| {
        let is_same_version = *state.version(state.target()) == version;
        state
            .rollout()
            .filter(|rollout| is_same_version && !rollout.is_rolling_back())
    });
    match (in_progress.map(Rollout::strategy), requested) {
        (Some(current), Some(requested)) if *current != requested => Err(Error::StrategyConflict {
            version,
            current: Box::new(current.clone()),
            requested: Box::new(requested),
        }),
        (Some(current), _) => Ok(current.clone()),
        (None, Some(requested)) => Ok(requested),
        (None, None) => Ok(DEFAULT_STRATEGY.parse().expect("the default is a strategy")),
    }
}

/// The status text of a state. A rollout in progress has a second line.
#[must_use]
pub fn status(state: &State<Version>) -> String {
    let Some(rollout) = state.rollout() else {
        return format!("{state}\n");
    };
    let waiting = if rollout.is_waiting_for_continue() {
        ", waiting for `continue` or `abort`"
    } else {
        ""
    };
    format!(
        "{state}\nstrategy {}, controller {}{waiting}\n",
        rollout.strategy(),
        rollout.controller()
    )
}

/// Exit result of a deploy, continue, abort or rollback command. A rollback is an error if `expects_version`.
///
/// # Errors
///
/// [`Error::RolledBack`] and [`Error::RollbackFailed`].
pub fn exit_result(outcome: Option<Outcome<Version>>, expects_version: bool) -> Result<(), Error> {
    match outcome.map(|outcome| outcome.status) {
        Some(FinalStatus::RolledBack { reason }) if expects_version => Err(Error::RolledBack(reason)),
        Some(FinalStatus::RollbackFailed { reason }) => Err(Error::RollbackFailed(reason)),
        Some(FinalStatus::Successful | FinalStatus::RolledBack { .. }) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use bluegreen_state::{Event, Reason, Timestamp, step};

    use super::*;
    use bluegreen_state::Rejected;

    use crate::error::describe_rejected;

    const NOW: Timestamp = Timestamp::from_millis(0);

    fn parsed(text: &str) -> Strategy {
        text.parse().expect("a strategy")
    }

    /// Version 2 is being deployed as a canary.
    fn in_progress() -> State<Version> {
        let deploy = Event::Deploy {
            version: 2,
            strategy: parsed("canary:20%,1m"),
            controller: "ci".to_owned(),
        };
        step(&State::initial(1), deploy, NOW).0
    }

    #[test]
    fn strategy_is_the_requested_one_or_the_default() {
        let initial = State::initial(1);
        let select = |state, requested| select_strategy(state, 2, requested).expect("no conflict");
        assert_eq!(select(None, None), parsed("canary:10%,30s"));
        assert_eq!(select(Some(&initial), None), parsed("canary:10%,30s"));
        assert_eq!(
            select(Some(&initial), Some(parsed("all-at-once"))),
            parsed("all-at-once")
        );
    }

    #[test]
    fn deployment_in_progress_keeps_its_strategy() {
        let state = in_progress();
        for requested in [None, Some(parsed("canary:20%,60s"))] {
            let selected = select_strategy(Some(&state), 2, requested).expect("no conflict");
            assert_eq!(selected, parsed("canary:20%,1m"));
        }
        let all_at_once = || Some(parsed("all-at-once"));
        let conflict = select_strategy(Some(&state), 2, all_at_once()).expect_err("another strategy");
        assert_eq!(
            conflict.to_string(),
            "version 2 is being deployed with strategy canary:20%,1m: omit --strategy to continue it, or abort it and \
             deploy again with all-at-once"
        );
        // The state machine rejects another version.
        assert_eq!(select_strategy(Some(&state), 3, all_at_once()).ok(), all_at_once());
        // A rollback cannot be continued.
        let (rolling_back, _) = step(&state, Event::Abort, NOW);
        assert_eq!(
            select_strategy(Some(&rolling_back), 2, all_at_once()).ok(),
            all_at_once()
        );
    }

    #[test]
    fn status_has_strategy_and_controller_of_a_rollout() {
        assert_eq!(status(&State::initial(1)), "blue 1 at 50%, green 1 at 50%\n");
        let text = status(&in_progress());
        assert!(text.ends_with("\nstrategy canary:20%,1m, controller ci\n"), "{text}");
    }

    #[test]
    fn rejection_during_a_rollback_suggests_abort() {
        assert!(describe_rejected(&Rejected::RollingBack).ends_with("has stopped, `abort` completes the rollback"));
        assert_eq!(describe_rejected(&Rejected::NotPaused), Rejected::NotPaused.to_string());
    }

    #[test]
    fn results_of_actions_are_mapped() {
        use Action::{ApplyTemplate, SetWeights};
        let applied = |settled| {
            Ok(Applied {
                settled,
                unsettled: vec!["mesh/demo/virtualNode/green (task 7)".to_owned()],
            })
        };
        let rejected = || Err(CommandError::Rejected("no such parameter".to_owned()));
        let retryable = || Err(CommandError::Retryable("no mesh is running".to_owned()));
        for (action, result, expected) in [
            (ApplyTemplate, applied(true), "Ok(())"),
            (ApplyTemplate, applied(false), "Ok(())"),
            (ApplyTemplate, rejected(), "Err(Rejected(\"no such parameter\"))"),
            (ApplyTemplate, retryable(), "Err(Retryable(\"no mesh is running\"))"),
            (SetWeights, applied(true), "Ok(())"),
            (
                SetWeights,
                applied(false),
                "Err(Retryable(\"Envoy mesh/demo/virtualNode/green (task 7) has not acknowledged the weights\"))",
            ),
            (SetWeights, rejected(), "Err(Rejected(\"no such parameter\"))"),
            (SetWeights, retryable(), "Err(Retryable(\"no mesh is running\"))"),
        ] {
            assert_eq!(format!("{:?}", map_result(action, result)), expected, "{action:?}");
        }
    }

    #[test]
    fn exit_result_depends_on_the_expected_outcome() {
        let outcome = |status| {
            Some(Outcome {
                version: 2,
                ended_at: NOW,
                status,
            })
        };
        let rolled_back = || {
            outcome(FinalStatus::RolledBack {
                reason: Reason::Aborted,
            })
        };
        let rollback_failed = outcome(FinalStatus::RollbackFailed {
            reason: Reason::RollbackRequested,
        });
        let text = |outcome, expects_version| exit_result(outcome, expects_version).map_err(|error| error.to_string());
        assert_eq!(text(outcome(FinalStatus::Successful), true), Ok(()));
        assert_eq!(text(None, true), Ok(()));
        assert_eq!(text(rolled_back(), false), Ok(()));
        assert_eq!(
            text(rolled_back(), true),
            Err("the deployment was rolled back: it was aborted".to_owned())
        );
        assert_eq!(
            text(rollback_failed, false),
            Err("the rollback failed, because the previous version is unhealthy: a rollback was requested".to_owned())
        );
    }
}
