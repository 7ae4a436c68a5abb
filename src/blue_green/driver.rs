//! Carries out a rollout: does what the state machine asks for, and tells it what came of that.
//!
//! The state is stored before anything is done, so a driver that is killed can be followed by another. Whoever follows
//! takes over by storing their name; the former one, should it live, notices within a second and leaves.

use std::time::{Duration, SystemTime};

use bluegreen_state::{Deployment, Effect, Ended, Event, FileStore, Outcome, Phase, Side, State, Timestamp, step};
use mesh_local::NodeStatistics;
use tokio::time::MissedTickBehavior;

use super::check::complaint;
use super::place::Place;
use super::sides::Sides;
use super::{BlueGreen, Version};
use crate::console::show;
use crate::control::NotDone;
use crate::control::client::{Made, Running};

/// Between two looks at the statistics, and at whether somebody took over; and before something is tried again.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Carries out the rollouts of an app.
pub(super) struct Driver<'a> {
    app: &'a BlueGreen,
    place: &'a Place,
    running: Running,
    name: String,
}

/// What is to be done for the state machine.
#[derive(Debug, Clone, Copy)]
enum Work {
    /// Have both sides run what the state says.
    Run { request: u64 },
    /// Have the router divide traffic as the state says.
    Divide { request: u64 },
}

/// What was counted of calls to each side at a moment, the target of the rollout first.
struct Baseline {
    target: Side,
    counted: [NodeStatistics; 2],
}

impl<'a> Driver<'a> {
    pub(super) fn new(app: &'a BlueGreen, place: &'a Place) -> Result<Self, String> {
        Ok(Self {
            app,
            place,
            running: Running::at(&place.socket())?,
            name: format!("process {} since {}", std::process::id(), now().as_millis()),
        })
    }

    /// What it is called in the state.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Lets something happen, by the event that `event` makes with this driver's name, and sees it through. Says what
    /// happens on standard output.
    pub(super) fn take(self, event: impl FnOnce(String) -> Event<Version>) -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
        let event = event(self.name.clone());
        let is_to_stay = matches!(event, Event::Deploy { .. } | Event::Continue);
        match runtime.block_on(self.drive(event, show))?.map(|outcome| outcome.ended) {
            Some(Ended::RolledBack { reason }) if is_to_stay => Err(format!("the deployment was taken back: {reason}")),
            Some(Ended::RollbackFailed { reason }) => Err(format!(
                "the version before is not well, so nothing was taken back: {reason}"
            )),
            Some(Ended::Successful {} | Ended::RolledBack { .. }) | None => Ok(()),
        }
    }

    /// Lets `event` happen and sees it through. Gives how that ended; `None` if there was nothing to do, or if somebody has
    /// to say when it goes on.
    pub(super) async fn drive(
        &self,
        event: Event<Version>,
        say: impl Fn(&str),
    ) -> Result<Option<Outcome<Version>>, String> {
        let nothing = || "nothing was deployed yet: start it first, in another terminal".to_owned();
        let mut deployment = self.place.open().await?.ok_or_else(nothing)?;
        let mut effects = self.begin(&mut deployment, event, &say).await?;
        let mut said = String::new();
        let mut looks = tokio::time::interval(BETWEEN_LOOKS);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut work, mut wake, mut baseline) = (None, None, None);
        loop {
            let state = deployment.state().clone();
            let words = state.to_string();
            if words != said {
                say(&words);
                said = words;
            }
            for effect in effects {
                match effect {
                    Effect::Update { request, .. } | Effect::Probe { request, .. } => {
                        work = Some(Box::pin(self.perform(Work::Run { request }, state.clone(), &say)));
                    }
                    Effect::SetWeights { request, .. } => {
                        baseline = None;
                        work = Some(Box::pin(self.perform(Work::Divide { request }, state.clone(), &say)));
                    }
                    Effect::Wake { at } => wake = Some(at),
                    Effect::Finished { outcome } => return Ok(Some(outcome)),
                    Effect::Refused { refusal } => return Err(refusal.to_string()),
                }
            }
            let Some(rollout) = state.rollout() else {
                return Ok(None);
            };
            let is_rolling_back = matches!(rollout.phase(), Phase::RollBack { .. });
            let next = tokio::select! {
                next = answer(&mut work) => {
                    work = None;
                    next?
                }
                // A look comes before whatever time brings: a step must not be taken on what was not looked at.
                () = until(wake) => {
                    wake = None;
                    match self.look(&state, is_rolling_back, &mut baseline).await? {
                        Some(what) => Event::CheckFailed { request: state.request(), what },
                        None => Event::Tick,
                    }
                }
                _ = looks.tick() => match self.look(&state, is_rolling_back, &mut baseline).await? {
                    Some(what) => Event::CheckFailed { request: state.request(), what },
                    None => {
                        effects = Vec::new();
                        continue;
                    }
                },
            };
            effects = deployment
                .apply(next, now())
                .await
                .map_err(|error| not_stored(&error))?;
        }
    }

    /// Takes over what is under way, if anything is, and lets `event` happen.
    async fn begin(
        &self,
        deployment: &mut Deployment<Version, FileStore>,
        event: Event<Version>,
        say: impl Fn(&str),
    ) -> Result<Vec<Effect<Version>>, String> {
        // What is refused is not worth taking over for.
        let (_, effects) = step(deployment.state(), event.clone(), now());
        if let Some(Effect::Refused { refusal }) = effects.first() {
            return Err(refusal.to_string());
        }
        let mut effects = Vec::new();
        if let Some(rollout) = deployment.state().rollout() {
            if let Event::Deploy { strategy, .. } = &event
                && strategy != rollout.strategy()
            {
                say(&format!("going on as it was begun, with {}", rollout.strategy()));
            }
            let driver = self.name.clone();
            let resumed = deployment.apply(Event::Resume { driver }, now()).await;
            effects = resumed.map_err(|error| not_stored(&error))?;
        }
        let further = deployment.apply(event, now()).await;
        let further = further.map_err(|error| not_stored(&error))?;
        // What was asked for last is what counts, and nothing new is asked for if the deployment is under way already.
        Ok(if further.is_empty() { effects } else { further })
    }

    /// Does what is asked for, and tries again for as long as that is not possible just now: the state machine limits the
    /// time.
    async fn perform(&self, work: Work, state: State<Version>, say: impl Fn(&str)) -> Result<Event<Version>, String> {
        let mut said = String::new();
        loop {
            let (done, request) = match work {
                Work::Run { request } => {
                    let template = self.app.template(&state)?.to_json();
                    (self.running.put_template(request, template).await, request)
                }
                Work::Divide { request } => {
                    let name = self.app.route.to_parameter();
                    let value = self.app.parameter(&Sides::of(&state)?, &name)?;
                    (self.running.put_parameter(request, &name, value).await, request)
                }
            };
            let reason = match (work, done) {
                // Tasks that are ready are ready, whatever some Envoy has to say.
                (Work::Run { .. }, Ok(_)) => return Ok(Event::Ready { request }),
                (Work::Divide { .. }, Ok(Made { settled: true })) => return Ok(Event::RouterHas { request }),
                (Work::Divide { .. }, Ok(Made { settled: false })) => "some Envoy does not have the weights".to_owned(),
                (Work::Run { .. }, Err(NotDone::Refused(what))) => return Ok(Event::CheckFailed { request, what }),
                (Work::Divide { .. }, Err(NotDone::Refused(reason))) => return Err(reason),
                (_, Err(NotDone::NotNow(reason))) => reason,
            };
            if reason != said {
                say(&format!("trying again: {reason}"));
                said = reason;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// Whether this driver is still the one, and whether the new version is well. Gives what is wrong with it.
    async fn look(
        &self,
        state: &State<Version>,
        is_rolling_back: bool,
        baseline: &mut Option<Baseline>,
    ) -> Result<Option<String>, String> {
        let stored = self.place.open().await?;
        let driver = stored.and_then(|stored| Some(stored.state().rollout()?.driver().to_owned()));
        if driver.as_deref() != Some(&self.name) {
            return Err(format!("{} took over", driver.as_deref().unwrap_or("somebody else")));
        }
        // Back to the version before there is no other way than on.
        if is_rolling_back {
            return Ok(None);
        }
        let target = state.target();
        let Ok(now) = self.count(target).await else {
            // An Envoy is being started, or all of it: nothing can be said just now.
            return Ok(None);
        };
        match baseline {
            Some(before) if before.target == target => {
                let [new, other] = [0, 1].map(|side| now[side].since(&before.counted[side]));
                Ok(complaint(&new, &other))
            }
            _ => {
                *baseline = Some(Baseline { target, counted: now });
                Ok(None)
            }
        }
    }

    /// What was counted of calls to a side, and to the other one.
    async fn count(&self, target: Side) -> Result<[NodeStatistics; 2], NotDone> {
        let of = async |side| self.running.statistics(self.app.node(side)).await;
        Ok([of(target).await?, of(target.other()).await?])
    }
}

/// What came of the work under way; never, if there is none.
async fn answer<F: Future<Output = Result<Event<Version>, String>> + Unpin>(
    work: &mut Option<F>,
) -> Result<Event<Version>, String> {
    match work {
        Some(work) => work.await,
        None => std::future::pending().await,
    }
}

async fn until(at: Option<Timestamp>) {
    match at {
        Some(at) => tokio::time::sleep(at.since(now())).await,
        None => std::future::pending().await,
    }
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

fn not_stored(error: &bluegreen_state::Error) -> String {
    if error.is_conflict() {
        format!("somebody else took over: {error}")
    } else {
        error.to_string()
    }
}
