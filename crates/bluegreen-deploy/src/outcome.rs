//! Results of actions and commands, and strategies. Pure.

use bluegreen_state::{Event, FinalStatus, Outcome, PlatformError, Rollout, State, Strategy};

use crate::Version;
use crate::application::Application;
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
        (_, Err(CommandError::Stopped(reason))) => Err(PlatformError::Fatal(reason.into())),
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

/// Selects the strategy of a deployment: the requested one, that of the deployment in progress, `fixed` at the share at
/// which the version stays, or [`DEFAULT_STRATEGY`]; with the [stages](Application::staged) of the application.
///
/// # Errors
///
/// [`Error::StrategyConflict`] if the version is being deployed with another strategy: traffic has shifted by that one.
/// Those of [`Application::staged`].
pub fn select_strategy(
    application: &Application,
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
    // Without a strategy, a version that stays at a share keeps it.
    let stays_at = state.filter(|state| *state.version(state.target()) == version);
    let stays_at = stays_at.and_then(State::partial_share).map(Strategy::fixed);
    let requested = requested.map(|requested| application.staged(requested)).transpose()?;
    match (in_progress.map(Rollout::strategy), requested) {
        (Some(current), Some(requested)) if *current != requested => Err(Error::StrategyConflict {
            version,
            current: Box::new(current.clone()),
            requested: Box::new(requested),
        }),
        (Some(current), _) => Ok(current.clone()),
        (None, Some(requested)) => Ok(requested),
        (None, None) if let Some(Ok(stays)) = stays_at => application.staged(stays),
        (None, None) => application.staged(DEFAULT_STRATEGY.parse().expect("the default is a strategy")),
    }
}

/// The outcome that a command asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// `deploy`: this version serves.
    Version(Version),
    /// `continue` and `promote`: the version of the rollout serves.
    Success,
    /// `abort` and `rollback`: the version of the rollout is withdrawn.
    Rollback,
}

impl Expected {
    /// What an event asks for.
    #[must_use]
    pub fn of(event: &Event<Version>) -> Self {
        match event {
            Event::Deploy { version, .. } => Self::Version(*version),
            Event::Abort | Event::Rollback { .. } => Self::Rollback,
            _ => Self::Success,
        }
    }
}

/// Exit result of a deploy, continue, promote, abort or rollback command.
///
/// # Errors
///
/// [`Error::RolledBack`], [`Error::RollbackFailed`] and [`Error::NotRolledBack`].
pub fn exit_result(outcome: Option<Outcome<Version>>, expected: Expected) -> Result<(), Error> {
    let Some(Outcome { version, status, .. }) = outcome else {
        return Ok(());
    };
    match (status, expected) {
        (FinalStatus::Successful, Expected::Rollback) => Err(Error::NotRolledBack { version }),
        (FinalStatus::Successful, _) | (FinalStatus::RolledBack { .. }, Expected::Rollback) => Ok(()),
        // A rollback from another version to this one was in progress.
        (FinalStatus::RolledBack { .. }, Expected::Version(asked)) if asked != version => Ok(()),
        (FinalStatus::RolledBack { reason }, _) => Err(Error::RolledBack(reason)),
        (FinalStatus::RollbackFailed { reason }, _) => Err(Error::RollbackFailed(reason)),
    }
}

#[cfg(test)]
mod tests {
    use bluegreen_state::{Reason, Timestamp, step};

    use super::*;
    use bluegreen_state::Rejected;

    use crate::error::describe_rejected;

    const NOW: Timestamp = Timestamp::from_millis(0);

    fn application() -> Application {
        let path = |kind, name| mesh_model::app_mesh::ResourcePath::new("shop", kind, name);
        let node = |name| path(mesh_model::app_mesh::Kind::VirtualNode, name);
        let route =
            mesh_model::app_mesh::ResourcePath::within("shop", "split", mesh_model::app_mesh::Kind::Route, "sides");
        Application::new("shop", [node("blue"), node("green")], route, |_| {
            mesh_infra::Stack::new("shop")
        })
    }

    #[test]
    fn hooks_of_the_application_are_stages_of_the_strategy() {
        let hook = || crate::Hook::command(["true"]).expect("a command");
        let stage = bluegreen_state::HookStage::PostScaleUp;
        let with_hook = application().with_hook(stage, hook()).expect("it is the only one");
        let staged = parsed("canary:20%,1m,hooks:POST_SCALE_UP");
        let requested = Some(parsed("canary:20%,1m"));
        assert_eq!(
            select_strategy(&with_hook, None, 2, requested.clone()).expect("no conflict"),
            staged
        );
        let error = |application: &Application, requested| {
            let state = in_progress();
            let selected = select_strategy(application, Some(&state), 2, requested);
            selected.expect_err("it does not fit").to_string()
        };
        let conflict = error(&with_hook, requested);
        assert!(
            conflict.ends_with("deploy again with canary:20%,1m,hooks:POST_SCALE_UP"),
            "{conflict}"
        );
        let missing = error(&application(), Some(staged));
        assert!(
            missing.starts_with("the rollout runs a hook at POST_SCALE_UP, which this command"),
            "{missing}"
        );
        let twice = with_hook.with_hook(stage, hook()).err().map(|error| error.to_string());
        assert_eq!(
            twice.as_deref(),
            Some("POST_SCALE_UP has two hooks: combine them in one")
        );
        let stage = bluegreen_state::HookStage::TestTrafficShift;
        let without_route = application().with_hook(stage, hook()).expect("it is the only one");
        let never = error(&without_route, Some(parsed("all-at-once")));
        assert!(never.contains("at TEST_TRAFFIC_SHIFT never runs"), "{never}");
        let no_route = error(&application(), Some(parsed("all-at-once,test:2m")));
        assert!(no_route.contains("the application has no route for it"), "{no_route}");
        let with_route = without_route.with_test_route(application().node(bluegreen_state::Side::Blue).clone());
        for (requested, expected) in [
            ("all-at-once", "all-at-once,test:0s,hooks:TEST_TRAFFIC_SHIFT"),
            ("all-at-once,test:2m", "all-at-once,test:2m,hooks:TEST_TRAFFIC_SHIFT"),
        ] {
            let selected = select_strategy(&with_route, None, 2, Some(parsed(requested)));
            assert_eq!(selected.expect("no conflict"), parsed(expected));
        }
    }

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
        let select = |state, requested| select_strategy(&application(), state, 2, requested).expect("no conflict");
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
            let selected = select_strategy(&application(), Some(&state), 2, requested).expect("no conflict");
            assert_eq!(selected, parsed("canary:20%,1m"));
        }
        let all_at_once = || Some(parsed("all-at-once"));
        let conflict = select_strategy(&application(), Some(&state), 2, all_at_once()).expect_err("another strategy");
        assert_eq!(
            conflict.to_string(),
            "version 2 is being deployed with strategy canary:20%,1m: omit --strategy to continue it, `promote` it, or \
             abort it and deploy again with all-at-once"
        );
        // The state machine rejects another version.
        assert_eq!(
            select_strategy(&application(), Some(&state), 3, all_at_once()).ok(),
            all_at_once()
        );
        // A rollback cannot be continued.
        let (rolling_back, _) = step(&state, Event::Abort, NOW);
        assert_eq!(
            select_strategy(&application(), Some(&rolling_back), 2, all_at_once()).ok(),
            all_at_once()
        );
    }

    #[test]
    fn version_that_stays_keeps_its_share_without_a_strategy() {
        let deploy = Event::Deploy {
            version: 2,
            strategy: parsed("fixed:50%"),
            controller: "ci".to_owned(),
        };
        let mut state = step(&State::initial(1), deploy, NOW).0;
        for _ in 0..3 {
            let request = state.last_request();
            for event in [Event::Ready { request }, Event::WeightsApplied { request }] {
                state = step(&state, event, NOW).0;
            }
        }
        let select = |version, requested| {
            select_strategy(&application(), Some(&state), version, requested).expect("no conflict")
        };
        assert_eq!(select(2, None), parsed("fixed:50%"));
        assert_eq!(select(2, Some(parsed("all-at-once"))), parsed("all-at-once"));
        assert_eq!(select(3, None), parsed(DEFAULT_STRATEGY));
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
        let text = |outcome, expected| exit_result(outcome, expected).map_err(|error| error.to_string());
        assert_eq!(text(outcome(FinalStatus::Successful), Expected::Version(2)), Ok(()));
        let to_previous = text(rolled_back(), Expected::Version(1));
        assert_eq!(to_previous, Ok(()), "version 1 serves, as asked");
        assert_eq!(
            text(outcome(FinalStatus::Successful), Expected::Rollback),
            Err("version 2 was not rolled back: another process has deployed it since".to_owned())
        );
        assert_eq!(text(None, Expected::Success), Ok(()));
        assert_eq!(text(rolled_back(), Expected::Rollback), Ok(()));
        assert_eq!(
            text(rolled_back(), Expected::Version(2)),
            Err("the deployment was rolled back: it was aborted".to_owned())
        );
        assert_eq!(
            text(rollback_failed, Expected::Rollback),
            Err("the rollback failed, because the previous version is unhealthy: a rollback was requested".to_owned())
        );
    }
}
