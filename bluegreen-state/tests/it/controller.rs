//! The controller on a simulated platform with simulated time: rollouts, rollbacks, retries, takeovers.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use bluegreen_state::{
    Controller, ControllerError, Deployment, Event, FinalStatus, MemoryStore, Outcome, Platform, PlatformError,
    Progress, Reason, Rejected, Request, Side, State, Timestamp, Weights,
};
use pollster::block_on;

const FAILS_UNDER_TRAFFIC: u32 = 3;
const NEVER_READY: u32 = 4;

/// A platform whose clock advances only by sleeping.
#[derive(Default)]
struct Simulation {
    time: Cell<u64>,
    versions: Cell<[u32; 2]>,
    weights: Cell<Option<Weights>>,
    /// Errors of the next calls of `set_weights`, the last one first.
    weight_errors: RefCell<Vec<PlatformError>>,
    reports: RefCell<Vec<String>>,
    /// Called once when this time is reached.
    #[allow(clippy::type_complexity, reason = "a callback at a time")]
    at: RefCell<Option<(u64, Box<dyn FnOnce()>)>>,
}

impl Platform<u32> for Simulation {
    async fn update(&self, _: Request<'_, u32>, side: Side, version: &u32) -> Result<(), PlatformError> {
        let mut versions = self.versions.get();
        versions[side as usize] = *version;
        self.versions.set(versions);
        self.check_ready_version(*version)
    }

    async fn check_ready(&self, _: Request<'_, u32>, side: Side, version: &u32) -> Result<(), PlatformError> {
        assert_eq!(self.versions.get()[side as usize], *version);
        self.check_ready_version(*version)
    }

    async fn set_weights(&self, _: Request<'_, u32>, weights: Weights) -> Result<(), PlatformError> {
        if let Some(error) = self.weight_errors.borrow_mut().pop() {
            return Err(error);
        }
        self.weights.set(Some(weights));
        Ok(())
    }

    async fn check_health(&self, state: &State<u32>) -> Result<(), String> {
        let side = state.target();
        let share = self.weights.get().map_or(0, |weights| weights.share(side).get());
        match self.versions.get()[side as usize] {
            FAILS_UNDER_TRAFFIC if share > 0 => Err("5% errors".to_owned()),
            _ => Ok(()),
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.time.get())
    }

    async fn sleep(&self, duration: Duration) {
        let deadline = self.time.get() + u64::try_from(duration.as_millis()).unwrap();
        // The clock advances by half a second for each waiting future.
        poll_fn(|context| {
            let remaining = deadline.saturating_sub(self.time.get());
            self.time.set(self.time.get() + remaining.min(500));
            if remaining == 0 {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        let due = self
            .at
            .borrow()
            .as_ref()
            .is_some_and(|(time, _)| *time <= self.time.get());
        if due && let Some((_, callback)) = self.at.take() {
            callback();
        }
    }

    fn report(&self, progress: Progress<'_, u32>) {
        self.reports.borrow_mut().push(progress.to_string());
    }
}

impl Simulation {
    fn check_ready_version(&self, version: u32) -> Result<(), PlatformError> {
        match version {
            NEVER_READY => Err(PlatformError::Rejected("it never started".to_owned())),
            _ => Ok(()),
        }
    }
}

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
