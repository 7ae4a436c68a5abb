//! Platforms: what a controller needs from a deploy tool.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::hook::{HookStage, HookStatus};
use crate::side::{Side, Weights};
use crate::state::State;
use crate::timestamp::Timestamp;

/// A system with two sides and a router, as far as a [`Controller`](crate::Controller) uses it.
///
/// Actions are numbered by [`Request::number`]. A platform that can receive actions of two controllers drops those with
/// a lower number than one already carried out. An action is cancelled, by dropping its future, when the state machine
/// makes another request.
#[allow(
    async_fn_in_trait,
    reason = "a controller awaits these futures in the caller's task, so they need not be `Send`"
)]
pub trait Platform<V> {
    /// Replaces what `side` runs by `version`, and returns once all of its tasks are ready. The side has no traffic.
    ///
    /// # Errors
    ///
    /// [`PlatformError::Rejected`] rolls back.
    async fn update(&self, request: Request<'_, V>, side: Side, version: &V) -> Result<(), PlatformError>;

    /// Waits until `side` is ready with the `version` that it runs, and changes nothing.
    ///
    /// # Errors
    ///
    /// [`PlatformError::Rejected`] rolls back.
    async fn check_ready(&self, request: Request<'_, V>, side: Side, version: &V) -> Result<(), PlatformError>;

    /// Sets the weights of the router, the route of [test traffic](State::test_side) and [mirroring](State::mirror); returns once all
    /// proxies that send traffic have acknowledged them. With test traffic, it is also called with unchanged weights.
    ///
    /// # Errors
    ///
    /// [`PlatformError::Rejected`] ends the controller and leaves the rollout in progress.
    async fn set_weights(&self, request: Request<'_, V>, weights: Weights) -> Result<(), PlatformError>;

    /// Calls the hook of a stage, and returns its result. Called at the stages that [`Strategy::hooks`](crate::Strategy::hooks) has; at least once
    /// each, because a controller may end before it has stored the result. Dropping the future ends the call.
    ///
    /// # Errors
    ///
    /// [`PlatformError::Rejected`] rolls back, as [`HookStatus::Failed`] does. Default: the platform has no hooks, and the
    /// controller ends.
    async fn run_hook(&self, request: Request<'_, V>, stage: HookStage) -> Result<HookStatus, PlatformError> {
        let _ = request;
        Err(PlatformError::Fatal(
            format!("the rollout has a hook at {stage}, and this platform has none").into(),
        ))
    }

    /// Checks the health of the version on the side [`State::target`]. Called in each poll interval and before each
    /// step, concurrently with actions.
    ///
    /// # Errors
    ///
    /// A finding, for people, rolls back. A check that is not possible at the moment returns `Ok`.
    async fn check_health(&self, state: &State<V>) -> Result<(), String>;

    /// Decides whether the rollout proceeds from a step, or from bake time, whose time is over. Called after
    /// [`check_health`](Self::check_health) found the version healthy, and again in each poll interval after
    /// [`Advance::Wait`]. Not called for steps without a pause, nor for [`Event::Continue`](crate::Event::Continue) and
    /// [`Event::Promote`](crate::Event::Promote). Default: it proceeds.
    async fn advance(&self, state: &State<V>) -> Advance {
        let _ = state;
        Advance::Proceed
    }

    /// The current time.
    fn now(&self) -> Timestamp;

    /// Waits for `duration`, such as `tokio::time::sleep`.
    async fn sleep(&self, duration: Duration);

    /// Reports progress to the user. Default: not at all.
    fn report(&self, progress: Progress<'_, V>) {
        let _ = progress;
    }
}

/// Whether a rollout proceeds from a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advance {
    /// The next step follows.
    Proceed,
    /// Too little is known about the version; the step continues. The reason is reported once.
    Wait(String),
    /// The version is withdrawn: the finding.
    RollBack(String),
}

/// The context of an action.
#[derive(Debug)]
#[non_exhaustive]
pub struct Request<'a, V> {
    /// The number of the request. Numbers increase over all controllers.
    pub number: u64,
    /// The state that the request brings about.
    pub state: &'a State<V>,
}

impl<V> Clone for Request<'_, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Request<'_, V> {}

/// Why an action failed.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// The action is impossible. When updating a side or checking its readiness: its version is unhealthy.
    #[error("{0}")]
    Rejected(String),
    /// The action is not possible at the moment, and is retried.
    #[error("{0}")]
    Retryable(String),
    /// The controller cannot continue. The rollout remains in progress.
    #[error(transparent)]
    Fatal(Box<dyn StdError + Send + Sync>),
}

/// Progress of a rollout.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<'a, V> {
    /// The state has changed.
    State(&'a State<V>),
    /// Another controller took over. Its progress is reported from now on.
    TakenOver,
    /// The time of a step is over, and the rollout does not proceed yet.
    Waiting {
        /// Why.
        reason: &'a str,
    },
    /// An action, or access to the state, is not possible at the moment.
    Retrying {
        /// Why.
        reason: &'a str,
    },
    /// The state can be read and stored again.
    StateAvailable {
        /// The duration of the outage.
        after: Duration,
    },
}

impl<V: fmt::Display> fmt::Display for Progress<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(state) => state.fmt(f),
            Self::TakenOver => f.write_str("another process took over this deployment; following its progress"),
            Self::Waiting { reason } => write!(f, "waiting: {reason}"),
            Self::Retrying { reason } => write!(f, "retrying: {reason}"),
            Self::StateAvailable { after } => {
                write!(f, "the state can be read and stored again, after {} s", after.as_secs())
            }
        }
    }
}
