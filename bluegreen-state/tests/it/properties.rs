//! What holds whatever happens, in whatever order: [`World`] checks after each event what is always true; here is
//! what random events are, and what they lead to.

use std::time::Duration;

use bluegreen_state::{Ended, Event, Hold, Percent, Phase, Step, Strategy, document};
use proptest::collection::vec;
use proptest::prelude::{Strategy as _, *};

use crate::world::{Action, World};

fn percent() -> impl proptest::strategy::Strategy<Value = Percent> {
    (0u8..=100).prop_map(|share| Percent::try_from(share).unwrap())
}

fn some_percent() -> impl proptest::strategy::Strategy<Value = Percent> {
    (1u8..=100).prop_map(|share| Percent::try_from(share).unwrap())
}

fn time() -> impl proptest::strategy::Strategy<Value = Duration> {
    (0u64..100_000).prop_map(Duration::from_millis)
}

fn one_step() -> impl proptest::strategy::Strategy<Value = Step> {
    let hold = prop_oneof![Just(Hold::None), Just(Hold::ByHand), time().prop_map(Hold::For)];
    (percent(), hold).prop_map(|(share, hold)| Step { share, hold })
}

fn steps() -> impl proptest::strategy::Strategy<Value = Strategy> {
    (vec(one_step(), 0..4), some_percent()).prop_map(|(mut steps, share)| {
        let hold = Hold::None;
        steps.push(Step { share, hold });
        Strategy::steps(steps).unwrap()
    })
}

fn strategy() -> impl proptest::strategy::Strategy<Value = Strategy> {
    let shape = prop_oneof![
        Just(Strategy::all_at_once()),
        some_percent().prop_map(|share| Strategy::fixed(share).unwrap()),
        (percent(), time()).prop_map(|(first, wait)| Strategy::canary(first, wait)),
        (some_percent(), time()).prop_map(|(each, interval)| Strategy::linear(each, interval).unwrap()),
        steps(),
    ];
    let limit = prop_oneof![Just(Duration::from_secs(86_400)), time()];
    (shape, time(), limit).prop_map(|(shape, bake, limit)| shape.with_bake_time(bake).with_stage_limit(limit))
}

fn action() -> impl proptest::strategy::Strategy<Value = Action> {
    let command = prop_oneof![
        Just(Event::Hold),
        Just(Event::Continue),
        Just(Event::Abort),
        Just(Event::Rollback {
            driver: "me".to_owned()
        }),
        Just(Event::Resume {
            driver: "next".to_owned()
        }),
    ];
    prop_oneof![
        4 => (0u32..6, strategy()).prop_map(|(version, strategy)| World::deploy(version, strategy)),
        12 => any::<usize>().prop_map(Action::Do),
        2 => any::<usize>().prop_map(Action::DoAndDie),
        1 => Just(Action::Die),
        1 => Just(Action::Fail),
        2 => any::<usize>().prop_map(Action::Again),
        4 => (0u64..200).prop_map(Action::Pass),
        3 => command.prop_map(Action::Take),
    ]
}

fn after(actions: Vec<Action>) -> World {
    let mut world = World::new();
    for action in actions {
        world.act(action);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn a_rollback_always_ends_where_it_said_it_would(actions in vec(action(), 0..60), by_hand in any::<bool>()) {
        let mut world = after(actions);
        let Some(rollout) = world.state.rollout() else {
            return Ok(());
        };
        let returning = matches!(rollout.phase(), Phase::RollBack { .. });
        let command = if by_hand { Event::Abort } else { Event::Rollback { driver: "me".to_owned() } };
        world.act(Action::Take(command));
        let goes_to = (world.state.target(), world.state.weights());
        prop_assert!(world.settle() <= 1 || returning, "one answer of the router is enough");
        prop_assert!(world.state.rollout().is_none());
        prop_assert_eq!((world.state.target(), world.router()), goes_to);
        let ended = &world.state.last().unwrap().ended;
        prop_assert!(matches!(ended, Ended::RolledBack { .. } | Ended::RollbackFailed { .. }), "{:?}", ended);
    }

    #[test]
    fn every_rollout_ends_if_its_requests_are_answered_and_its_holds_continued(actions in vec(action(), 0..60)) {
        let mut world = after(actions);
        for _ in 0..300 {
            world.settle();
            if world.state.rollout().is_none() {
                return Ok(());
            }
            world.act(Action::Pass(100));
            world.act(Action::Take(Event::Continue));
        }
        prop_assert!(false, "still under way: {}", world.state);
    }

    #[test]
    fn strategies_survive_being_written(strategy in strategy()) {
        prop_assert_eq!(strategy.to_string().parse::<Strategy>().unwrap(), strategy);
    }

    #[test]
    fn the_last_step_of_every_strategy_gives_the_new_version_traffic(strategy in strategy()) {
        prop_assert!(strategy.to_steps().last().unwrap().share > Percent::NONE);
    }

    #[test]
    fn a_document_with_one_character_less_or_another_is_refused_or_means_a_state(
        actions in vec(action(), 0..20),
        place in any::<prop::sample::Index>(),
        other in proptest::option::of(any::<char>()),
    ) {
        let text = document::write(&after(actions).state).unwrap();
        let mut letters: Vec<char> = text.chars().collect();
        let place = place.index(letters.len());
        match other {
            Some(other) => letters[place] = other,
            None => {
                letters.remove(place);
            }
        }
        let damaged: String = letters.into_iter().collect();
        if let Ok(state) = document::read::<u32>(&damaged) {
            // Another number, say. It is whole, so it is written as it was read.
            prop_assert_eq!(document::read(&document::write(&state).unwrap()), Ok(state));
        }
    }
}
