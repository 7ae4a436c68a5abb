//! Hooks and test traffic on a simulated platform: order, failures, time-outs, takeovers.

use std::time::Duration;

use bluegreen_state::{
    Controller, ControllerError, Deployment, Event, FinalStatus, HookStage, HookStatus, MemoryStore, Outcome,
    PlatformError, Side, State, Weights,
};
use pollster::block_on;

use crate::simulation::Simulation;

const ALL: &str = "canary:10%,30s,test:5s,hooks:RECONCILE_SERVICE+PRE_SCALE_UP+POST_SCALE_UP+TEST_TRAFFIC_SHIFT+\
    POST_TEST_TRAFFIC_SHIFT+PRODUCTION_TRAFFIC_SHIFT+POST_PRODUCTION_TRAFFIC_SHIFT";

fn store() -> MemoryStore {
    let store = MemoryStore::new();
    block_on(Deployment::create(&store, 1)).unwrap();
    store
}

fn state(store: &MemoryStore) -> State<u32> {
    State::from_json(&store.document().unwrap()).unwrap()
}

fn controller<'a>(store: &'a MemoryStore, name: &str) -> Controller<&'a MemoryStore, Simulation> {
    let simulation = Simulation::default();
    let state = state(store);
    simulation.versions.set(Side::BOTH.map(|side| *state.version(side)));
    simulation.weights.set(Some(state.weights()));
    Controller::new(store, simulation, name)
}

fn deploy(
    controller: &Controller<&MemoryStore, Simulation>,
    version: u32,
    strategy: &str,
) -> Result<Option<Outcome<u32>>, ControllerError> {
    block_on(controller.deploy(version, strategy.parse().unwrap()))
}

fn rolled_back_by(outcome: Option<Outcome<u32>>) -> String {
    match outcome.unwrap().status {
        FinalStatus::RolledBack { reason } => reason.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn hooks_run_at_each_stage_and_test_traffic_ends_with_the_rollout() {
    let store = store();
    let controller = controller(&store, "first");
    let outcome = deploy(&controller, 2, ALL).unwrap().unwrap();
    assert_eq!(outcome.status, FinalStatus::Successful);
    let calls = controller.platform().hook_calls.take();
    assert_eq!(
        calls,
        [
            (0, HookStage::ReconcileService, 0),
            (0, HookStage::PreScaleUp, 0),
            (0, HookStage::PostScaleUp, 0),
            (0, HookStage::TestTrafficShift, 0),
            (0, HookStage::PostTestTrafficShift, 0),
            (5, HookStage::ProductionTrafficShift, 10),
            (5, HookStage::PostProductionTrafficShift, 10),
            (35, HookStage::ProductionTrafficShift, 100),
            (35, HookStage::PostProductionTrafficShift, 100),
        ]
    );
    let green = Some(Side::Green);
    // Reconcile, test traffic, two steps, clean-up.
    assert_eq!(
        controller.platform().test_routes.take(),
        [None, green, green, green, None]
    );
    let reports = controller.platform().reports.take();
    assert!(
        reports.contains(&"blue 1 at 0%, green 2 at 100%, CLEAN_UP".to_owned()),
        "{reports:?}"
    );

    // Blue has no traffic, and still runs version 1.
    let outcome = deploy(&controller, 1, ALL).unwrap().unwrap();
    assert_eq!(outcome.status, FinalStatus::Successful);
    let calls = controller.platform().hook_calls.take();
    assert_eq!(calls[0].1, HookStage::PostScaleUp, "{calls:?}");
}

#[test]
fn failed_hook_rolls_back_to_the_weights_before() {
    for (stage, weights) in [
        // The version has not replaced the previous one yet.
        ("PRE_SCALE_UP", Weights::EVEN),
        ("POST_SCALE_UP", Weights::all(Side::Blue)),
        ("POST_PRODUCTION_TRAFFIC_SHIFT", Weights::all(Side::Blue)),
    ] {
        let store = store();
        let controller = controller(&store, "first");
        let failed = Ok(HookStatus::Failed("exit code 1".to_owned()));
        controller.platform().hook_results.borrow_mut().push(failed);
        let outcome = deploy(&controller, 2, &format!("canary:10%,30s,hooks:{stage}")).unwrap();
        assert_eq!(
            rolled_back_by(outcome),
            format!("a check failed: the hook at {stage} failed: exit code 1")
        );
        assert_eq!(controller.platform().weights.get(), Some(weights), "{stage}");
        assert_eq!(controller.platform().test_routes.take().last(), Some(&None));
    }
}

#[test]
fn hook_in_progress_is_called_again_until_the_stage_timeout() {
    let store = store();
    let controller = controller(&store, "first");
    let in_progress = || {
        Ok(HookStatus::InProgress {
            call_after: Duration::from_secs(30),
        })
    };
    *controller.platform().hook_results.borrow_mut() = vec![Ok(HookStatus::Succeeded), in_progress(), in_progress()];
    let outcome = deploy(&controller, 2, "all-at-once,hooks:POST_SCALE_UP")
        .unwrap()
        .unwrap();
    assert_eq!(outcome.status, FinalStatus::Successful);
    let times: Vec<u64> = controller
        .platform()
        .hook_calls
        .take()
        .iter()
        .map(|call| call.0)
        .collect();
    assert_eq!(times, [0, 30, 60]);

    *controller.platform().hook_results.borrow_mut() = (0..9).map(|_| in_progress()).collect();
    let outcome = deploy(&controller, 3, "all-at-once,within:100s,hooks:POST_SCALE_UP").unwrap();
    assert_eq!(rolled_back_by(outcome), "the hook at POST_SCALE_UP timed out");
    assert_eq!(controller.platform().hook_calls.take().len(), 4);
}

#[test]
fn retryable_error_of_a_hook_calls_it_again_and_another_error_ends_the_controller() {
    let store = store();
    let first = controller(&store, "first");
    let retryable = Err(PlatformError::Retryable("no response".to_owned()));
    let fatal = Err(PlatformError::Fatal("no such program".into()));
    *first.platform().hook_results.borrow_mut() = vec![fatal, retryable];
    let error = deploy(&first, 2, "all-at-once,hooks:POST_SCALE_UP").unwrap_err();
    assert_eq!(error.to_string(), "no such program");
    assert_eq!(first.platform().hook_calls.take().len(), 2);

    // The next controller calls it again.
    let second = controller(&store, "second");
    second.platform().versions.set([1, 2]);
    let outcome = block_on(second.run(Event::Continue)).unwrap_err();
    assert!(outcome.to_string().contains("not paused"), "{outcome}");
    let outcome = deploy(&second, 2, "all-at-once").unwrap().unwrap();
    assert_eq!(outcome.status, FinalStatus::Successful);
    assert_eq!(second.platform().hook_calls.take().len(), 1);
}

#[test]
fn hook_is_called_again_after_a_crash_at_each_moment() {
    // The number of events after which the controller is gone.
    for crash in 0..12 {
        let store = store();
        let mut deployment = block_on(Deployment::<u32, _>::open(&store)).unwrap().unwrap();
        let mut event = Event::Deploy {
            version: 2,
            strategy: "all-at-once,test:0s,hooks:PRE_SCALE_UP+POST_SCALE_UP+POST_TEST_TRAFFIC_SHIFT"
                .parse()
                .unwrap(),
            controller: "killed".to_owned(),
        };
        let now = bluegreen_state::Timestamp::from_millis(0);
        let mut succeeded = Vec::new();
        for _ in 0..=crash {
            if deployment.state().rollout().is_none() && !matches!(event, Event::Deploy { .. }) {
                break;
            }
            let running = deployment.state().rollout().and_then(|rollout| rollout.hook().copied());
            if let (Event::HookSucceeded { .. }, Some(hook)) = (&event, running) {
                succeeded.push(hook.stage());
            }
            block_on(deployment.apply(event, now)).unwrap();
            let request = deployment.state().last_request();
            let rollout = deployment.state().rollout();
            event = match rollout.map(|rollout| (rollout.hook().is_some(), rollout.phase().as_str())) {
                Some((true, _)) => Event::HookSucceeded { request },
                Some((false, "SCALE_UP")) => Event::Ready { request },
                _ => Event::WeightsApplied { request },
            };
        }
        let next = controller(&store, "next");
        let versions = if deployment.state().dirty_side().is_some() {
            [1, 1]
        } else {
            [1, 2]
        };
        next.platform().versions.set(versions);
        if deployment.state().rollout().is_some() {
            let outcome = deploy(&next, 2, "all-at-once").unwrap().unwrap();
            assert_eq!(outcome.status, FinalStatus::Successful, "after {crash} events");
        }
        succeeded.extend(next.platform().hook_calls.take().iter().map(|call| call.1));
        let expected = [
            HookStage::PreScaleUp,
            HookStage::PostScaleUp,
            HookStage::PostTestTrafficShift,
        ];
        assert_eq!(succeeded, expected, "after {crash} events");
    }
}
