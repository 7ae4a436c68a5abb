//! Rollouts during outages of the store: refused, lost and locked documents.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bluegreen_state::{
    Controller, ControllerError, Deployment, FinalStatus, MemoryStore, Outcome, Platform, Revision, Side, Store,
    StoreError, StoreFuture, Stored, Weights,
};
use pollster::block_on;

use crate::simulation::Simulation;

/// What the store does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    Works,
    /// Fails without an effect.
    Throttles,
    /// Saves, and loses the response.
    LosesResponses,
    /// Is locked by another writer.
    Locked,
}

/// A store in memory that fails at certain times.
struct FailingStore {
    inner: MemoryStore,
    now: Rc<dyn Fn() -> u64>,
    schedule: RefCell<Vec<(std::ops::Range<u64>, Behaviour)>>,
    calls: Cell<usize>,
}

impl FailingStore {
    fn behaviour(&self) -> Behaviour {
        self.calls.set(self.calls.get() + 1);
        let now = (self.now)();
        let schedule = self.schedule.borrow();
        let found = schedule.iter().find(|(time, _)| time.contains(&now));
        found.map_or(Behaviour::Works, |(_, behaviour)| *behaviour)
    }

    fn failed(operation: &'static str) -> StoreError {
        StoreError::Failed {
            location: "parameter /demo".to_owned(),
            operation,
            source: "ThrottlingException: Rate exceeded".into(),
        }
    }
}

impl Store for FailingStore {
    fn load(&self) -> StoreFuture<'_, Option<Stored>> {
        match self.behaviour() {
            Behaviour::Throttles | Behaviour::LosesResponses => {
                Box::pin(std::future::ready(Err(Self::failed("reading it"))))
            }
            Behaviour::Works | Behaviour::Locked => self.inner.load(),
        }
    }

    fn save<'a>(&'a self, expected: Option<&'a Revision>, text: &'a str) -> StoreFuture<'a, Revision> {
        let result = match self.behaviour() {
            Behaviour::Works => return self.inner.save(expected, text),
            Behaviour::Throttles => Err(Self::failed("writing it")),
            Behaviour::LosesResponses => block_on(self.inner.save(expected, text)).and(Err(Self::failed("writing it"))),
            Behaviour::Locked => Err(StoreError::Locked {
                location: "parameter /demo".to_owned(),
                holder: "ci run 42".to_owned(),
            }),
        };
        Box::pin(std::future::ready(result))
    }
}

/// The platform, shared with the store for its clock.
struct Shared(Rc<Simulation>);

impl Platform<u32> for Shared {
    async fn update(
        &self,
        request: bluegreen_state::Request<'_, u32>,
        side: Side,
        version: &u32,
    ) -> Result<(), bluegreen_state::PlatformError> {
        self.0.update(request, side, version).await
    }

    async fn check_ready(
        &self,
        request: bluegreen_state::Request<'_, u32>,
        side: Side,
        version: &u32,
    ) -> Result<(), bluegreen_state::PlatformError> {
        self.0.check_ready(request, side, version).await
    }

    async fn set_weights(
        &self,
        request: bluegreen_state::Request<'_, u32>,
        weights: Weights,
    ) -> Result<(), bluegreen_state::PlatformError> {
        self.0.set_weights(request, weights).await
    }

    async fn check_health(&self, state: &bluegreen_state::State<u32>) -> Result<(), String> {
        self.0.check_health(state).await
    }

    fn now(&self) -> bluegreen_state::Timestamp {
        self.0.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }

    fn report(&self, progress: bluegreen_state::Progress<'_, u32>) {
        self.0.report(progress);
    }
}

/// The result of deploying version 2 as `canary:10%,30s`, with the reports and the number of calls to the store.
fn deploy(
    schedule: Vec<(std::ops::Range<u64>, Behaviour)>,
) -> (Result<Option<Outcome<u32>>, ControllerError>, Vec<String>, usize) {
    deploy_with(schedule, "canary:10%,30s")
}

fn deploy_with(
    schedule: Vec<(std::ops::Range<u64>, Behaviour)>,
    strategy: &str,
) -> (Result<Option<Outcome<u32>>, ControllerError>, Vec<String>, usize) {
    let simulation = Rc::new(Simulation::default());
    let inner = MemoryStore::new();
    block_on(Deployment::create(&inner, 1)).unwrap();
    simulation.versions.set([1, 1]);
    simulation.weights.set(Some(Weights::EVEN));
    let clock = Rc::clone(&simulation);
    let store = FailingStore {
        inner,
        now: Rc::new(move || clock.time.get()),
        schedule: RefCell::new(schedule),
        calls: Cell::default(),
    };
    let controller = Controller::new(&store, Shared(Rc::clone(&simulation)), "first");
    let result = block_on(controller.deploy(2, strategy.parse().unwrap()));
    (result, simulation.reports.take(), store.calls.get())
}

fn assert_successful(result: Result<Option<Outcome<u32>>, ControllerError>, reports: &[String]) {
    let outcome = result.unwrap_or_else(|error| panic!("{error}: {reports:?}")).unwrap();
    assert_eq!(outcome.status, FinalStatus::Successful, "{reports:?}");
}

const MINUTES: u64 = 60_000;

#[test]
fn a_rollout_outlasts_twenty_minutes_of_a_throttled_store() {
    let (result, reports, calls) = deploy(vec![(10_000..20 * MINUTES, Behaviour::Throttles)]);
    assert_successful(result, &reports);
    let retrying = "retrying: parameter /demo: reading it failed: ThrottlingException: Rate exceeded";
    assert_eq!(
        reports.iter().filter(|report| *report == retrying).count(),
        1,
        "{reports:?}"
    );
    assert!(
        reports
            .iter()
            .any(|report| report.starts_with("the state can be read and stored again, after 120")),
        "{reports:?}"
    );
    // The back-off reaches half a minute: about 45 attempts in 20 minutes, beside those of 40 s without an outage.
    assert!(calls < 120, "{calls} calls");
}

#[test]
fn a_step_whose_response_was_lost_is_not_taken_for_a_takeover() {
    for lost in 0..40 {
        let time = lost * 1000..lost * 1000 + 1;
        let (result, reports, _) = deploy(vec![(time, Behaviour::LosesResponses)]);
        match result {
            // The command itself was not stored, or its response was lost: it has not begun.
            Err(ControllerError::State(_)) if lost == 0 => continue,
            result => assert_successful(result, &reports),
        }
        assert!(
            !reports.iter().any(|report| report.contains("took over")),
            "{lost}: {reports:?}"
        );
    }
}

#[test]
fn a_locked_store_is_waited_for() {
    let (result, reports, _) = deploy(vec![(29_000..90_000, Behaviour::Locked)]);
    assert_successful(result, &reports);
    assert!(
        reports.iter().any(|report| report.contains("locked by ci run 42")),
        "{reports:?}"
    );
}

#[test]
fn an_outage_without_end_names_its_cause() {
    let (result, reports, _) = deploy(vec![(10_000..u64::MAX, Behaviour::Throttles)]);
    let error = result.expect_err("the store does not come back");
    assert_eq!(
        error.to_string(),
        "the state of the rollout could not be read or stored for 1800 s",
        "{reports:?}"
    );
    let causes: Vec<String> = std::iter::successors(std::error::Error::source(&error), |error| error.source())
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        causes.last().map(String::as_str),
        Some("ThrottlingException: Rate exceeded")
    );
}

#[test]
fn a_lost_heartbeat_is_not_taken_for_a_takeover() {
    // Heartbeats follow every half minute of a held step, so one of these loses its response.
    for lost in 25..65 {
        let time = lost * 1000..lost * 1000 + 1000;
        let (result, reports, _) = deploy_with(vec![(time, Behaviour::LosesResponses)], "canary:10%,3m");
        assert_successful(result, &reports);
        assert!(
            !reports.iter().any(|report| report.contains("took over")),
            "{lost}: {reports:?}"
        );
    }
}
