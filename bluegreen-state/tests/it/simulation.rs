//! A platform with simulated time.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use bluegreen_state::{
    Advance, HookStage, HookStatus, Platform, PlatformError, Progress, Request, Side, State, Timestamp, Weights,
};

/// A version with errors under traffic.
pub(crate) const FAILS_UNDER_TRAFFIC: u32 = 3;
/// A version whose tasks do not start.
pub(crate) const NEVER_READY: u32 = 4;

/// A platform whose clock advances only by sleeping.
#[derive(Default)]
pub(crate) struct Simulation {
    pub(crate) time: Cell<u64>,
    pub(crate) versions: Cell<[u32; 2]>,
    pub(crate) weights: Cell<Option<Weights>>,
    /// Errors of the next calls of `set_weights`, the last one first.
    pub(crate) weight_errors: RefCell<Vec<PlatformError>>,
    /// Results of the next calls of `advance`, the last one first; then it proceeds.
    pub(crate) advances: RefCell<Vec<Advance>>,
    /// Results of the next calls of hooks, the last one first; then they succeed.
    pub(crate) hook_results: RefCell<Vec<Result<HookStatus, PlatformError>>>,
    /// The calls of hooks: time in seconds, stage, share of the new version.
    pub(crate) hook_calls: RefCell<Vec<(u64, HookStage, u8)>>,
    /// The sides with the test traffic, in the order of requests.
    pub(crate) test_routes: RefCell<Vec<Option<Side>>>,
    pub(crate) reports: RefCell<Vec<String>>,
    /// Called once when this time is reached.
    #[allow(clippy::type_complexity, reason = "a callback at a time")]
    pub(crate) at: RefCell<Option<(u64, Box<dyn FnOnce()>)>>,
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

    async fn run_hook(&self, request: Request<'_, u32>, stage: HookStage) -> Result<HookStatus, PlatformError> {
        let share = request.state.weights().share(request.state.target()).get();
        self.hook_calls
            .borrow_mut()
            .push((self.time.get() / 1000, stage, share));
        self.hook_results
            .borrow_mut()
            .pop()
            .unwrap_or(Ok(HookStatus::Succeeded))
    }

    async fn set_weights(&self, request: Request<'_, u32>, weights: Weights) -> Result<(), PlatformError> {
        self.test_routes.borrow_mut().push(request.state.test_side());
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

    async fn advance(&self, _: &State<u32>) -> Advance {
        self.advances.borrow_mut().pop().unwrap_or(Advance::Proceed)
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
