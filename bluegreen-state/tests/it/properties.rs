//! Properties that hold after random events. [`SimulatedEnvironment`] checks the invariants after each event.

use std::time::Duration;

use bluegreen_state::{Event, FinalStatus, HookStage, Pause, Percent, State, Step, Strategy};
use proptest::collection::vec;
use proptest::prelude::{Strategy as _, *};

use crate::simulated_environment::{Action, SimulatedEnvironment};

fn percent() -> impl proptest::strategy::Strategy<Value = Percent> {
    (0u8..=100).prop_map(|share| Percent::try_from(share).unwrap())
}

fn nonzero_percent() -> impl proptest::strategy::Strategy<Value = Percent> {
    (1u8..=100).prop_map(|share| Percent::try_from(share).unwrap())
}

fn time() -> impl proptest::strategy::Strategy<Value = Duration> {
    (0u64..100_000).prop_map(Duration::from_millis)
}

fn one_step() -> impl proptest::strategy::Strategy<Value = Step> {
    let pause = prop_oneof![Just(Pause::None), Just(Pause::Manual), time().prop_map(Pause::For)];
    (percent(), pause).prop_map(|(share, pause)| Step { share, pause })
}

fn steps() -> impl proptest::strategy::Strategy<Value = Strategy> {
    vec(one_step(), 0..4).prop_map(|mut steps| {
        steps.sort_by_key(|step| step.share);
        steps.push(Step {
            share: Percent::ALL,
            pause: Pause::None,
        });
        Strategy::steps(steps).unwrap()
    })
}

fn strategy() -> impl proptest::strategy::Strategy<Value = Strategy> {
    let shape = prop_oneof![
        Just(Strategy::all_at_once()),
        nonzero_percent().prop_map(|share| Strategy::fixed(share).unwrap()),
        (percent(), time()).prop_map(|(first, wait)| Strategy::canary(first, wait)),
        (nonzero_percent(), time()).prop_map(|(each, interval)| Strategy::linear(each, interval).unwrap()),
        steps(),
    ];
    let limit = prop_oneof![Just(Duration::from_secs(86_400)), time()];
    let bake = prop_oneof![Just(Duration::ZERO), time()];
    let test = proptest::option::of(prop_oneof![
        Just(Pause::None),
        Just(Pause::Manual),
        time().prop_map(Pause::For)
    ]);
    let hooks = proptest::sample::subsequence(HookStage::all(), 0..=HookStage::all().len());
    (shape, bake, limit, test, hooks, percent()).prop_map(|(shape, bake, limit, test, mut hooks, mirror)| {
        let strategy = shape.with_bake_time(bake).with_stage_timeout(limit);
        let strategy = match test {
            Some(pause) => strategy.with_test_traffic(pause).with_mirror(mirror).unwrap(),
            None => strategy,
        };
        hooks.retain(|stage| test.is_some() || !stage.needs_test_traffic());
        strategy.with_hooks(hooks).unwrap()
    })
}

fn action() -> impl proptest::strategy::Strategy<Value = Action> {
    let command = prop_oneof![
        Just(Event::Pause),
        Just(Event::Continue),
        Just(Event::Heartbeat),
        Just(Event::Promote {
            controller: "me".to_owned()
        }),
        Just(Event::Abort),
        Just(Event::Rollback {
            controller: "me".to_owned()
        }),
        Just(Event::Resume {
            controller: "next".to_owned()
        }),
    ];
    prop_oneof![
        4 => (0u32..6, strategy()).prop_map(|(version, strategy)| SimulatedEnvironment::deploy(version, strategy)),
        12 => any::<usize>().prop_map(Action::Complete),
        2 => any::<usize>().prop_map(Action::CompleteAndCrash),
        1 => Just(Action::Crash),
        1 => Just(Action::FailCheck),
        2 => any::<usize>().prop_map(Action::RepeatResult),
        4 => (0u64..200).prop_map(Action::AdvanceTime),
        3 => command.prop_map(Action::Apply),
    ]
}

fn after(actions: Vec<Action>) -> SimulatedEnvironment {
    let mut environment = SimulatedEnvironment::new();
    for action in actions {
        environment.act(action);
    }
    environment
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn rollback_ends_with_the_announced_weights(actions in vec(action(), 0..60), abort in any::<bool>()) {
        let mut environment = after(actions);
        let Some(rollout) = environment.state.rollout() else {
            return Ok(());
        };
        let was_rolling_back = rollout.is_rolling_back();
        let command = if abort { Event::Abort } else { Event::Rollback { controller: "me".to_owned() } };
        environment.act(Action::Apply(command));
        let announced = (environment.state.target(), environment.state.weights());
        prop_assert!(environment.settle() <= 1 || was_rolling_back, "one change of the weights is sufficient");
        prop_assert!(environment.state.rollout().is_none());
        prop_assert_eq!((environment.state.target(), environment.router()), announced);
        let status = &environment.state.last_outcome().unwrap().status;
        prop_assert!(matches!(status, FinalStatus::RolledBack { .. } | FinalStatus::RollbackFailed { .. }), "{:?}", status);
    }

    #[test]
    fn rollout_ends_if_requests_complete_and_pauses_continue(actions in vec(action(), 0..60)) {
        let mut environment = after(actions);
        for _ in 0..300 {
            environment.settle();
            if environment.state.rollout().is_none() {
                return Ok(());
            }
            environment.act(Action::AdvanceTime(100));
            environment.act(Action::Apply(Event::Continue));
        }
        prop_assert!(false, "still in progress: {}", environment.state);
    }

    #[test]
    fn strategy_text_round_trips(strategy in strategy()) {
        prop_assert_eq!(strategy.to_string().parse::<Strategy>().unwrap(), strategy);
    }

    #[test]
    fn last_step_gives_the_new_version_traffic(strategy in strategy()) {
        prop_assert!(strategy.to_steps().last().unwrap().share > Percent::NONE);
    }

    #[test]
    fn document_with_a_changed_character_is_invalid_or_a_state(
        actions in vec(action(), 0..20),
        index in any::<prop::sample::Index>(),
        replacement in proptest::option::of(any::<char>()),
    ) {
        let text = after(actions).state.to_json().unwrap();
        let mut letters: Vec<char> = text.chars().collect();
        let index = index.index(letters.len());
        match replacement {
            Some(replacement) => letters[index] = replacement,
            None => {
                letters.remove(index);
            }
        }
        let damaged: String = letters.into_iter().collect();
        if let Ok(state) = State::<u32>::from_json(&damaged) {
            // For example another number.
            prop_assert_eq!(State::from_json(&state.to_json().unwrap()), Ok(state));
        }
    }
}
