//! The controller on a simulated platform with simulated time: rollouts, rollbacks, retries, takeovers.

use std::cell::Cell;

use bluegreen_state::{
    Advance, Controller, ControllerError, Deployment, Event, FinalStatus, MemoryStore, Outcome, Percent, Platform,
    PlatformError, Reason, Rejected, Revision, Side, State, Store, StoreFuture, Stored, Timestamp, Weights,
};
use pollster::block_on;

use crate::simulation::{FAILS_UNDER_TRAFFIC, NEVER_READY, Simulation};

/// A store with version 1 on both sides.
fn store() -> MemoryStore {
    let store = MemoryStore::new();
    block_on(Deployment::create(&store, 1)).unwrap();
    store
}

fn controller(store: &MemoryStore) -> Controller<&MemoryStore, Simulation> {
    let simulation = Simulation::default();
    let state = state(store);
    simulation.versions.set(Side::BOTH.map(|side| *state.version(side)));
    simulation.weights.set(Some(state.weights()));
    Controller::new(store, simulation, "first")
}

fn state(store: &MemoryStore) -> State<u32> {
    State::from_json(&store.document().unwrap()).unwrap()
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
fn deploys_step_by_step_and_reports_each_state_once() {
    let store = store();
    let controller = controller(&store);
    let outcome = deploy(&controller, 2, "canary:10%,30s").unwrap().unwrap();
    assert_eq!((outcome.version, outcome.status), (2, FinalStatus::Successful));
    assert_eq!(outcome.ended_at, Timestamp::from_millis(30_000));
    let reports = controller.platform().reports.take();
    assert_eq!(
        reports,
        [
            "blue 1 at 100%, green 2 at 0%, RECONCILE_SERVICE",
            "blue 1 at 100%, green 2 at 0%, SCALE_UP",
            "blue 1 at 90%, green 2 at 10%, PRODUCTION_TRAFFIC_SHIFT",
            "blue 1 at 90%, green 2 at 10%, POST_PRODUCTION_TRAFFIC_SHIFT",
            "blue 1 at 0%, green 2 at 100%, PRODUCTION_TRAFFIC_SHIFT",
            "blue 1 at 0%, green 2 at 100%, 2 SUCCESSFUL",
        ]
    );
    assert_eq!(deploy(&controller, 2, "all-at-once").unwrap(), None, "it is deployed");
}

#[test]
fn unhealthy_and_unready_versions_are_rolled_back() {
    let store = store();
    for (version, reason) in [
        (FAILS_UNDER_TRAFFIC, "a check failed: 5% errors"),
        (NEVER_READY, "a check failed: it never started"),
    ] {
        let controller = controller(&store);
        let outcome = deploy(&controller, version, "linear:50%,5s").unwrap();
        assert_eq!(rolled_back_by(outcome), reason);
        assert_eq!(controller.platform().weights.get(), Some(Weights::all(Side::Blue)));
    }
}

#[test]
fn retryable_errors_are_retried_and_reported_once_until_the_stage_timeout() {
    let store = store();
    let controller = controller(&store);
    let retryable = |_| PlatformError::Retryable("no Envoy responds".to_owned());
    *controller.platform().weight_errors.borrow_mut() = (0..3).map(retryable).collect();
    let outcome = deploy(&controller, 2, "all-at-once").unwrap().unwrap();
    assert_eq!(outcome.status, FinalStatus::Successful);
    let reports = controller.platform().reports.take();
    let retries = reports
        .iter()
        .filter(|report| *report == "retrying: no Envoy responds")
        .count();
    assert_eq!(retries, 1, "{reports:?}");

    *controller.platform().weight_errors.borrow_mut() = (0..90).map(retryable).collect();
    let outcome = deploy(&controller, 5, "all-at-once,within:30s").unwrap();
    assert_eq!(rolled_back_by(outcome), "PRODUCTION_TRAFFIC_SHIFT timed out");
}

#[test]
fn rejected_weights_end_the_controller_and_the_next_one_continues() {
    let store = store();
    let first = controller(&store);
    let rejected = PlatformError::Rejected("no such route".to_owned());
    first.platform().weight_errors.borrow_mut().push(rejected);
    let error = deploy(&first, 2, "all-at-once").unwrap_err();
    assert!(matches!(error, ControllerError::Platform(_)), "{error:?}");
    assert_eq!(error.to_string(), "no such route");
    assert_eq!(state(&store).rollout().unwrap().phase().as_str(), "RECONCILE_SERVICE");

    let second = Controller::new(&store, Simulation::default(), "second");
    second.platform().versions.set([1, 1]);
    let error = deploy(&second, 3, "all-at-once").unwrap_err();
    assert!(
        matches!(error, ControllerError::Rejected(Rejected::InProgress { .. })),
        "{error:?}"
    );
    assert_eq!(state(&store).rollout().unwrap().controller(), "first", "not taken over");
    let outcome = deploy(&second, 2, "all-at-once").unwrap().unwrap();
    assert_eq!(outcome.status, FinalStatus::Successful);
}

#[test]
fn version_that_stays_at_a_share_moves_on_by_another_strategy_or_is_promoted() {
    let store = store();
    let first = controller(&store);
    deploy(&first, 2, "fixed:50%").unwrap().unwrap();
    assert_eq!(state(&store).partial_share().map(Percent::get), Some(50));
    assert_eq!(deploy(&first, 2, "fixed:50%").unwrap(), None, "it has this share");
    let error = deploy(&first, 2, "fixed:20%").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("has 50% of the traffic, and the strategy ends at 20%"),
        "{error}"
    );

    first.platform().reports.take();
    let outcome = deploy(&first, 2, "linear:25%,5s,bake:5s").unwrap().unwrap();
    assert_eq!(outcome.status, FinalStatus::Successful);
    let reports = first.platform().reports.take();
    let shares: Vec<&str> = reports
        .iter()
        .filter_map(|report| report.strip_suffix(", PRODUCTION_TRAFFIC_SHIFT"))
        .collect();
    let expected = [
        "blue 1 at 50%, green 2 at 50%",
        "blue 1 at 25%, green 2 at 75%",
        "blue 1 at 0%, green 2 at 100%",
    ];
    assert_eq!(shares, expected, "the share never falls");

    deploy(&first, 5, "fixed:10%").unwrap().unwrap();
    let promote = || Event::Promote {
        controller: "first".to_owned(),
    };
    let outcome = block_on(first.run(promote())).unwrap().unwrap();
    assert_eq!((outcome.version, outcome.status), (5, FinalStatus::Successful));
    assert_eq!(first.platform().weights.get(), Some(Weights::all(Side::Blue)));
    let error = block_on(first.run(promote())).unwrap_err();
    assert!(
        matches!(error, ControllerError::Rejected(Rejected::NothingToPromote)),
        "{error:?}"
    );
}

/// A store in which the controller of the rollout records a heartbeat before the next save of another one.
struct RacingStore {
    inner: MemoryStore,
    races: Cell<u32>,
}

impl Store for RacingStore {
    fn load(&self) -> StoreFuture<'_, Option<Stored>> {
        self.inner.load()
    }

    fn save<'a>(&'a self, expected: Option<&'a Revision>, text: &'a str) -> StoreFuture<'a, Revision> {
        if self.races.get() > 0 {
            self.races.set(self.races.get() - 1);
            let mut owner = block_on(Deployment::<u32, _>::open(&self.inner)).unwrap().unwrap();
            let seen = owner.state().rollout().unwrap().controller_seen_at().unwrap();
            let later = Timestamp::from_millis(seen.as_millis() + 1);
            block_on(owner.apply(Event::Heartbeat, later)).unwrap();
        }
        self.inner.save(expected, text)
    }
}

#[test]
fn command_takes_over_although_the_controller_records_a_heartbeat_meanwhile() {
    let inner = store();
    let mut killed = block_on(Deployment::<u32, _>::open(&inner)).unwrap().unwrap();
    let begin = Event::Deploy {
        version: 2,
        strategy: "canary:10%,1h".parse().unwrap(),
        controller: "first".to_owned(),
    };
    block_on(killed.apply(begin, Timestamp::from_millis(0))).unwrap();
    let store = RacingStore {
        inner,
        races: Cell::new(2),
    };
    let simulation = Simulation::default();
    simulation.versions.set([1, 1]);
    let second = Controller::new(&store, simulation, "second");
    let outcome = block_on(second.run::<u32>(Event::Abort)).unwrap();
    assert_eq!(rolled_back_by(outcome), "it was aborted");
    assert_eq!(store.races.get(), 0);
}

#[test]
fn state_has_the_times_of_the_rollout_and_of_its_controller() {
    let store = store();
    let first = controller(&store);
    let (sender, receiver) = std::sync::mpsc::channel();
    let other = store.clone();
    *first.platform().at.borrow_mut() = Some((
        100_000,
        Box::new(move || sender.send(other.document().unwrap()).unwrap()),
    ));
    deploy(&first, 2, "canary:10%,3m").unwrap().unwrap();
    let observed = State::<u32>::from_json(&receiver.recv().unwrap()).unwrap();
    let rollout = observed.rollout().unwrap();
    let millis = |time: Option<Timestamp>| time.map(Timestamp::as_millis);
    assert_eq!(millis(rollout.began_at()), Some(0));
    assert_eq!(millis(rollout.phase_began_at()), Some(0));
    assert_eq!(millis(rollout.next_step_at()), Some(180_000));
    assert_eq!(
        millis(rollout.controller_seen_at()),
        Some(90_000),
        "heartbeats are 30 s apart"
    );
    assert_eq!(rollout.times_out_at(), None);
}

#[test]
fn step_is_not_left_before_the_platform_advances() {
    let store = store();
    let first = controller(&store);
    let wait = || Advance::Wait("3 of 20 requests".to_owned());
    // The first step waits 90 s longer, also past a heartbeat.
    *first.platform().advances.borrow_mut() = (0..90).map(|_| wait()).collect();
    let outcome = deploy(&first, 2, "canary:10%,5s").unwrap().unwrap();
    assert_eq!(outcome.status, FinalStatus::Successful);
    assert_eq!(outcome.ended_at, Timestamp::from_millis(95_000));
    let reports = first.platform().reports.take();
    let waits = reports.iter().filter(|report| *report == "waiting: 3 of 20 requests");
    assert_eq!(waits.count(), 1, "{reports:?}");

    let finding = "3 of 20 requests".to_owned();
    *first.platform().advances.borrow_mut() = vec![Advance::RollBack(finding), wait()];
    let outcome = deploy(&first, 5, "all-at-once,bake:5s").unwrap();
    assert_eq!(rolled_back_by(outcome), "a check failed: 3 of 20 requests");
}

#[test]
fn controller_follows_the_one_that_takes_over() {
    let store = store();
    let first = controller(&store);
    let (versions, other) = ([1, 2], store.clone());
    let abort = move || {
        let second = Controller::new(&other, Simulation::default(), "second");
        second.platform().versions.set(versions);
        let outcome = block_on(second.run::<u32>(Event::Abort)).unwrap();
        assert_eq!(rolled_back_by(outcome), "it was aborted");
    };
    *first.platform().at.borrow_mut() = Some((10_000, Box::new(abort)));
    let outcome = deploy(&first, 2, "steps:10%+hold,100%").unwrap().unwrap();
    let reason = Reason::Aborted;
    assert_eq!(outcome.status, FinalStatus::RolledBack { reason });
    let reports = first.platform().reports.take();
    let last: Vec<&str> = reports.iter().rev().take(2).map(String::as_str).collect();
    assert_eq!(
        last,
        [
            "blue 1 at 100%, green 2 at 0%, 2 ROLLBACK_SUCCESSFUL: it was aborted",
            "another process took over this deployment; following its progress",
        ]
    );
}

#[test]
fn controller_does_not_follow_one_that_has_stopped() {
    let store = store();
    let first = controller(&store);
    let other = store.clone();
    // It takes over, and is killed.
    let take_over = move || {
        let mut deployment = block_on(Deployment::<u32, _>::open(&other)).unwrap().unwrap();
        let event = Event::Resume {
            controller: "killed".to_owned(),
        };
        block_on(deployment.apply(event, Timestamp::from_millis(10_000))).unwrap();
    };
    *first.platform().at.borrow_mut() = Some((10_000, Box::new(take_over)));
    let error = deploy(&first, 2, "steps:10%+hold,100%").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the controller that took over the rollout of version 2 has stopped: no heartbeat for 90 s; traffic stays where it \
         is; deploy version 2 again to continue, or abort the rollout"
    );
    assert!(state(&store).rollout().is_some());
}

#[test]
fn controller_of_another_version_never_reports_the_outcome_of_its_successor() {
    let store = store();
    let first = controller(&store);
    let other = store.clone();
    // Both happen while the first controller is stopped.
    let replace = move || {
        let second = Controller::new(&other, Simulation::default(), "second");
        second.platform().versions.set([1, 5]);
        block_on(second.run::<u32>(Event::Abort)).unwrap();
        let outcome = deploy(&second, 6, "all-at-once").unwrap().unwrap();
        assert_eq!((outcome.version, outcome.status), (6, FinalStatus::Successful));
    };
    *first.platform().at.borrow_mut() = Some((10_000, Box::new(replace)));
    let error = deploy(&first, 5, "steps:10%+hold,100%").unwrap_err();
    assert!(matches!(error, ControllerError::Superseded { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("the outcome of version 5 is unknown") && text.contains("a rollout of version 6 has followed"),
        "{text}"
    );
}

#[test]
fn deploying_the_version_that_is_rolled_back_completes_the_rollback() {
    let store = store();
    let first = controller(&store);
    deploy(&first, 2, "all-at-once").unwrap();
    let mut deployment = block_on(Deployment::<u32, _>::open(&store)).unwrap().unwrap();
    let now = first.platform().now();
    for event in [
        Event::Deploy {
            version: 5,
            strategy: "all-at-once".parse().unwrap(),
            controller: "killed".to_owned(),
        },
        Event::Abort,
    ] {
        block_on(deployment.apply(event, now)).unwrap();
    }
    let error = deploy(&first, 6, "all-at-once").unwrap_err();
    assert!(
        matches!(error, ControllerError::Rejected(Rejected::RollingBack)),
        "{error:?}"
    );
    let outcome = deploy(&first, 5, "all-at-once").unwrap();
    assert_eq!(rolled_back_by(outcome), "it was aborted");
}

#[test]
fn nothing_can_be_deployed_before_there_is_a_state() {
    let controller = Controller::new(MemoryStore::new(), Simulation::default(), "first");
    let error = block_on(controller.deploy(1, "all-at-once".parse().unwrap())).unwrap_err();
    assert!(matches!(error, ControllerError::NotInitialized), "{error:?}");
}
