//! Rollout controller: carries out the effects of the state machine on a platform, from an event to its outcome.

mod begin;
mod followed;
mod outage;
mod platform;
mod store_step;
mod timers;

use std::error::Error as StdError;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::deployment::{Deployment, Error};
use crate::hook::HookStatus;
use crate::outcome::Outcome;
use crate::phase::Rollout;
use crate::rejected::Rejected;
use crate::rollout::{Effect, Event};
use crate::state::State;
use crate::store::Store;
use crate::strategy::Strategy;

use self::followed::Followed;
use self::timers::Timers;

pub use self::platform::{Advance, Platform, PlatformError, Progress, Request};

/// Default of [`Controller::with_poll_interval`].
const DEFAULT_POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Default of [`Controller::with_outage_limit`]. Throttling of an AWS account ends within minutes; a policy or an
/// endpoint that is broken takes a person.
const DEFAULT_OUTAGE_LIMIT: Duration = Duration::from_secs(30 * 60);

/// How often a controller records that it is running, by default; decided by this crate. A controller that was
/// [last seen](Rollout::controller_seen_at) several intervals ago has probably stopped. A save to Parameter Store takes
/// five calls.
pub const DEFAULT_HEARTBEAT_INTERVAL: Duration = Duration::from_secs(30);

/// Runs rollouts on a [`Platform`].
///
/// The state is stored before an effect is carried out, so another controller can continue after a crash. It takes
/// over by storing its name; if the former controller is still running, it notices within a poll interval, or once it
/// can read the state again, stops, and follows the rollout until its end.
///
/// The futures are run by the caller's task; nothing is spawned. Dropping a future leaves the rollout in the stored
/// state, as a crash does.
#[derive(Debug)]
pub struct Controller<S, P> {
    store: S,
    platform: P,
    name: String,
    poll_interval: Duration,
    outage_limit: Duration,
    heartbeat_interval: Duration,
}

/// Why a controller stopped before the rollout ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControllerError {
    /// There is no state, because nothing was ever deployed. See [`Deployment::create`].
    #[error("nothing was deployed yet")]
    NotInitialized,
    /// The state machine rejected the event.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// Another controller changed the state before this one began.
    #[error("another process took over: {0}")]
    TakenOver(#[source] Error),
    /// The state was not read or not stored.
    #[error(transparent)]
    State(Error),
    /// The store failed for longer than [`Controller::with_outage_limit`]. The rollout remains in progress.
    #[error("the state of the rollout could not be read or stored for {} s", .duration.as_secs())]
    StateUnavailable {
        /// For how long.
        duration: Duration,
        /// The last error.
        source: Error,
    },
    /// The state was removed or replaced during the rollout.
    #[error("the state was removed or replaced during the rollout, so its outcome is unknown")]
    StateRemoved,
    /// The rollout ended while another controller carried it out, and the outcome that is stored by now is that of
    /// another version. Versions are in their JSON form; texts have no quotation marks.
    #[error(
        "the outcome of version {expected} is unknown: another process carried out its rollout, and a rollout of version \
         {found} has followed; deploy version {expected} again if it is still wanted"
    )]
    Superseded {
        /// The version of the rollout that was followed.
        expected: String,
        /// The version of the rollout after it.
        found: String,
    },
    /// Another controller carried out the rollout, and has stopped before its end: its heartbeats ended. The rollout remains
    /// in progress. The version is in its JSON form.
    #[error(
        "the controller that took over the rollout of version {version} has stopped: no heartbeat for {} s; traffic stays \
         where it is; deploy version {version} again to continue, or abort the rollout",
        .silent.as_secs()
    )]
    ControllerStopped {
        /// The version of the rollout.
        version: String,
        /// The time without a heartbeat.
        silent: Duration,
    },
    /// The platform failed. The rollout remains in progress.
    #[error(transparent)]
    Platform(Box<dyn StdError + Send + Sync>),
}

/// What ended a wait.
enum Wakeup<T> {
    ActionCompleted(T),
    TimerElapsed,
}

/// Result of an action.
enum Completed<V> {
    /// An event for the state machine.
    Event(Event<V>),
    /// The action is to be carried out again later.
    Retry { action: Effect<V>, reason: String },
}

/// What follows a wait.
enum Next<V> {
    /// An event for the state machine.
    Event(Event<V>),
    /// The action is carried out again.
    Retry(Effect<V>),
    /// Another controller has taken over.
    TakenOver,
}

/// Result of an inspection of a rollout in progress.
enum Inspection {
    Healthy,
    Unhealthy(String),
    TakenOver,
    /// The state cannot be read.
    Unavailable(Error),
}

impl<S, P> Controller<S, P> {
    /// A controller with a name that is unique among concurrent controllers, such as a process id with its start time.
    #[must_use]
    pub fn new(store: S, platform: P, name: impl Into<String>) -> Self {
        Self {
            store,
            platform,
            name: name.into(),
            poll_interval: DEFAULT_POLL_INTERVAL,
            outage_limit: DEFAULT_OUTAGE_LIMIT,
            heartbeat_interval: DEFAULT_HEARTBEAT_INTERVAL,
        }
    }

    /// The time between two inspections of the rollout, which check health and look for a takeover; also the time
    /// before a failed request is retried for the first time. Further retries wait twice as long each, at most half a
    /// minute. Default: one second.
    #[must_use]
    pub fn with_poll_interval(self, poll_interval: Duration) -> Self {
        Self { poll_interval, ..self }
    }

    /// How long the store may fail, or stay locked, before the controller gives up. Until then it retries, and traffic
    /// stays where it is. Default: half an hour.
    #[must_use]
    pub fn with_outage_limit(self, outage_limit: Duration) -> Self {
        Self { outage_limit, ..self }
    }

    /// The time between two heartbeats in the state. Default: [`DEFAULT_HEARTBEAT_INTERVAL`].
    #[must_use]
    pub fn with_heartbeat_interval(self, heartbeat_interval: Duration) -> Self {
        Self {
            heartbeat_interval,
            ..self
        }
    }

    /// The name of the controller in the state.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The platform.
    #[must_use]
    pub fn platform(&self) -> &P {
        &self.platform
    }
}

impl<S: Store, P> Controller<S, P> {
    /// Deploys a version, or continues its deployment after a crash. Returns as [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub async fn deploy<V>(&self, version: V, strategy: Strategy) -> Result<Option<Outcome<V>>, ControllerError>
    where
        V: Serialize + DeserializeOwned + Clone + PartialEq,
        P: Platform<V>,
    {
        let controller = self.name.clone();
        self.run(Event::Deploy {
            version,
            strategy,
            controller,
        })
        .await
    }

    /// Takes over a rollout in progress, applies `event`, and runs until the rollout ends. Returns its outcome, or
    /// `None` if there was nothing to do. A paused rollout is still inspected: the future waits for another process
    /// that applies [`Event::Continue`] or [`Event::Abort`].
    ///
    /// Deploying the version that is being rolled back completes the rollback.
    ///
    /// # Errors
    ///
    /// See [`ControllerError`]. A failed check is not an error, but the reason of a rollback.
    pub async fn run<V>(&self, event: Event<V>) -> Result<Option<Outcome<V>>, ControllerError>
    where
        V: Serialize + DeserializeOwned + Clone + PartialEq,
        P: Platform<V>,
    {
        let mut deployment = self.open().await?.ok_or(ControllerError::NotInitialized)?;
        let last = deployment.state().last_outcome().cloned();
        let mut effects = self.begin_despite_steps(&mut deployment, event).await?;
        let rollout = Followed {
            version: deployment.state().rollout_version().clone(),
            last,
        };
        let (mut action, mut reported) = (None, None);
        let mut timers = Timers::new(self.platform.now(), self.heartbeat_interval);
        loop {
            let state = deployment.state().clone();
            self.report_state(&state, &mut reported);
            for effect in effects {
                match effect {
                    Effect::Update { .. }
                    | Effect::CheckReady { .. }
                    | Effect::SetWeights { .. }
                    | Effect::RunHook { .. } => {
                        // Replaces an action that is out of date.
                        action = Some(Box::pin(self.carry_out(effect, state.clone())));
                        timers.reset_retry();
                    }
                    Effect::ScheduleTick { at } => timers.tick_at = Some(at),
                    Effect::Finished { outcome } => return Ok(Some(outcome)),
                    Effect::Rejected { reason } => return Err(reason.into()),
                }
            }
            if state.rollout().is_none() {
                return Ok(None);
            }
            let event = loop {
                match self.next(&state, &mut action, &mut timers).await? {
                    Next::Event(event) => break event,
                    Next::Retry(effect) => action = Some(Box::pin(self.carry_out(effect, state.clone()))),
                    Next::TakenOver => {
                        drop(action);
                        return self.follow(&rollout, reported).await;
                    }
                }
            };
            effects = match self.store_step(&mut deployment, event, &mut timers.outage).await? {
                Ok(effects) => effects,
                Err(_conflict) => {
                    drop(action);
                    return self.follow(&rollout, reported).await;
                }
            };
        }
    }

    /// Waits for the action or a timer, and returns what follows.
    async fn next<V, F>(
        &self,
        state: &State<V>,
        action: &mut Option<Pin<Box<F>>>,
        timers: &mut Timers<V>,
    ) -> Result<Next<V>, ControllerError>
    where
        V: Serialize + DeserializeOwned + Clone + PartialEq,
        P: Platform<V>,
        F: Future<Output = Result<Completed<V>, ControllerError>>,
    {
        loop {
            let sleep = self.platform.sleep(timers.earliest().since(self.platform.now()));
            match first_of(action, sleep).await {
                Wakeup::ActionCompleted(completed) => {
                    *action = None;
                    match completed? {
                        Completed::Event(event) => return Ok(Next::Event(event)),
                        Completed::Retry { action, reason } => {
                            if timers.retry_reason.as_ref() != Some(&reason) {
                                self.platform.report(Progress::Retrying { reason: &reason });
                                timers.retry_reason = Some(reason);
                            }
                            timers.schedule_retry(action, self.platform.now(), self.poll_interval);
                        }
                    }
                }
                Wakeup::TimerElapsed => {
                    let now = self.platform.now();
                    if let Some(effect) = timers.due_retry(now) {
                        return Ok(Next::Retry(effect));
                    }
                    // An inspection precedes each tick, so that no step is taken on an unhealthy version.
                    let inspection = self.inspect(state).await?;
                    let now = self.platform.now();
                    timers.next_inspection = now.after(self.poll_interval);
                    match inspection {
                        Inspection::Unavailable(error) => {
                            let wait = self.outlast(&mut timers.outage, error)?;
                            timers.next_inspection = now.after(wait);
                            continue;
                        }
                        _ => self.recovered(&mut timers.outage),
                    }
                    match inspection {
                        Inspection::TakenOver => return Ok(Next::TakenOver),
                        Inspection::Unhealthy(finding) => {
                            let request = state.last_request();
                            return Ok(Next::Event(Event::CheckFailed { request, finding }));
                        }
                        Inspection::Healthy => {
                            if timers.tick_at.is_some_and(|at| at <= now)
                                && let Some(event) = self.tick(state, timers).await
                            {
                                return Ok(Next::Event(event));
                            }
                            if timers.next_heartbeat <= now {
                                timers.next_heartbeat = now.after(self.heartbeat_interval);
                                return Ok(Next::Event(Event::Heartbeat));
                            }
                        }
                        Inspection::Unavailable(_) => {}
                    }
                }
            }
        }
    }

    /// The event of a tick that is due; `None` if the platform wants to wait.
    async fn tick<V>(&self, state: &State<V>, timers: &mut Timers<V>) -> Option<Event<V>>
    where
        P: Platform<V>,
    {
        let now = self.platform.now();
        let is_step_over = state
            .rollout()
            .and_then(Rollout::next_step_at)
            .is_some_and(|at| at <= now);
        let advance = match is_step_over {
            true => self.platform.advance(state).await,
            // A stage timeout.
            false => Advance::Proceed,
        };
        match advance {
            Advance::Proceed => {
                timers.tick_at = None;
                timers.wait_reason = None;
                Some(Event::Tick)
            }
            Advance::Wait(reason) => {
                if timers.wait_reason.is_none() {
                    self.platform.report(Progress::Waiting { reason: &reason });
                    timers.wait_reason = Some(reason);
                }
                timers.tick_at = Some(timers.next_inspection);
                None
            }
            Advance::RollBack(finding) => {
                let request = state.last_request();
                Some(Event::CheckFailed { request, finding })
            }
        }
    }

    async fn open<V>(&self) -> Result<Option<Deployment<V, &S>>, ControllerError>
    where
        V: Serialize + DeserializeOwned + Clone + PartialEq,
    {
        Deployment::open(&self.store).await.map_err(ControllerError::State)
    }

    /// Carries out an effect once.
    async fn carry_out<V>(&self, effect: Effect<V>, state: State<V>) -> Result<Completed<V>, ControllerError>
    where
        P: Platform<V>,
    {
        let context = |number| Request { number, state: &state };
        let (result, event) = match &effect {
            Effect::Update {
                side,
                version,
                request: number,
            } => (
                self.platform.update(context(*number), *side, version).await,
                Event::Ready { request: *number },
            ),
            Effect::CheckReady {
                side,
                version,
                request: number,
            } => (
                self.platform.check_ready(context(*number), *side, version).await,
                Event::Ready { request: *number },
            ),
            Effect::SetWeights {
                weights,
                request: number,
            } => (
                self.platform.set_weights(context(*number), *weights).await,
                Event::WeightsApplied { request: *number },
            ),
            Effect::RunHook { stage, request: number } => {
                let request = *number;
                match self.platform.run_hook(context(request), *stage).await {
                    Ok(HookStatus::Succeeded) => (Ok(()), Event::HookSucceeded { request }),
                    Ok(HookStatus::InProgress { call_after }) => {
                        (Ok(()), Event::HookInProgress { request, call_after })
                    }
                    Ok(HookStatus::Failed(finding)) => (Ok(()), Event::HookFailed { request, finding }),
                    Err(error) => (Err(error), Event::HookSucceeded { request }),
                }
            }
            // Not an action.
            Effect::ScheduleTick { .. } | Effect::Finished { .. } | Effect::Rejected { .. } => {
                return Ok(Completed::Event(Event::Tick));
            }
        };
        match (result, event) {
            (Ok(()), event) => Ok(Completed::Event(event)),
            (Err(PlatformError::Rejected(finding)), Event::Ready { request }) => {
                Ok(Completed::Event(Event::CheckFailed { request, finding }))
            }
            (Err(PlatformError::Rejected(finding)), Event::HookSucceeded { request }) => {
                Ok(Completed::Event(Event::HookFailed { request, finding }))
            }
            (Err(PlatformError::Rejected(reason)), _) => Err(ControllerError::Platform(reason.into())),
            (Err(PlatformError::Fatal(error)), _) => Err(ControllerError::Platform(error)),
            (Err(PlatformError::Retryable(reason)), _) => Ok(Completed::Retry { action: effect, reason }),
        }
    }

    /// Checks whether another controller has taken over, and the health of the new version.
    async fn inspect<V>(&self, state: &State<V>) -> Result<Inspection, ControllerError>
    where
        V: Serialize + DeserializeOwned + Clone + PartialEq,
        P: Platform<V>,
    {
        let stored = match Deployment::<V, _>::open(&self.store).await {
            Ok(stored) => stored,
            Err(error) if error.is_transient() => return Ok(Inspection::Unavailable(error)),
            Err(error) => return Err(ControllerError::State(error)),
        };
        if stored.and_then(|stored| owner(stored.state())) != owner(state) {
            return Ok(Inspection::TakenOver);
        }
        // Health does not matter during a rollback: there is no alternative.
        if is_rolling_back(state) {
            return Ok(Inspection::Healthy);
        }
        Ok(match self.platform.check_health(state).await {
            Ok(()) => Inspection::Healthy,
            Err(finding) => Inspection::Unhealthy(finding),
        })
    }
}

/// The controller of the rollout in progress, with its epoch.
fn owner<V>(state: &State<V>) -> Option<(String, u64)> {
    let rollout = state.rollout()?;
    Some((rollout.controller.clone(), rollout.epoch))
}

fn is_rolling_back<V>(state: &State<V>) -> bool {
    state.rollout().is_some_and(Rollout::is_rolling_back)
}

/// Waits for the action, if there is one, or for the timer. The action wins if both are ready.
async fn first_of<F: Future>(action: &mut Option<Pin<Box<F>>>, timer: impl Future<Output = ()>) -> Wakeup<F::Output> {
    let mut timer = pin!(timer);
    poll_fn(|context| {
        if let Some(action) = action
            && let Poll::Ready(output) = action.as_mut().poll(context)
        {
            return Poll::Ready(Wakeup::ActionCompleted(output));
        }
        timer.as_mut().poll(context).map(|()| Wakeup::TimerElapsed)
    })
    .await
}
