//! Carries out a rollout: does what the state machine asks for, and tells it what came of that.
//!
//! The state is stored before anything is done, so a driver that is killed can be followed by another. Whoever follows
//! takes over by storing their name; the former one, should it live, notices within a second,
//! does nothing more, and says how it ends.

use std::time::{Duration, SystemTime};

use bluegreen_state::{Deployment, Effect, Event, Outcome, Phase, Side, State, Timestamp, step};
use mesh_local::NodeStatistics;
use tokio::time::MissedTickBehavior;

use super::answers::{Attempt, Work, attempt, is_taken_back, refused, verdict};
use super::check::Baseline;
use super::ground::Ground;
use super::sides::Sides;
use super::{BlueGreen, Version};
use crate::control_api::CommandError;
use crate::control_api::client::Applied;

/// Between two looks at the statistics, and at whether somebody took over; and before something is tried again.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Carries out the rollouts of an app.
pub(super) struct Driver<'a, G> {
    app: &'a BlueGreen,
    ground: G,
    name: String,
}

impl<'a, G: Ground> Driver<'a, G> {
    pub(super) fn new(app: &'a BlueGreen, ground: G) -> Self {
        Self {
            app,
            ground,
            name: format!("process {} since {}", std::process::id(), now().as_millis()),
        }
    }

    /// What it is called in the state.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Lets something happen, by the event that `event` makes with this driver's name, and sees it through. `say` is told
    /// what happens.
    pub(super) async fn take(
        self,
        event: impl FnOnce(String) -> Event<Version>,
        say: impl Fn(&str),
    ) -> Result<(), String> {
        let event = event(self.name.clone());
        let is_to_stay = matches!(event, Event::Deploy { .. } | Event::Continue);
        let outcome = self.drive(event, say).await?;
        verdict(outcome.map(|outcome| outcome.status), is_to_stay)
    }

    /// Lets `event` happen and sees it through. Gives how that ended; `None` if there was nothing to do, or if somebody has
    /// to say when it goes on.
    pub(super) async fn drive(
        &self,
        event: Event<Version>,
        say: impl Fn(&str),
    ) -> Result<Option<Outcome<Version>>, String> {
        let nothing = || "nothing was deployed yet: start it first, in another terminal".to_owned();
        let mut deployment = self.ground.open().await?.ok_or_else(nothing)?;
        let mut effects = self.begin(&mut deployment, event).await?;
        let mut said = String::new();
        let mut looks = tokio::time::interval(BETWEEN_LOOKS);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut work, mut wake, mut baseline) = (None, None, Baseline::default());
        loop {
            let state = deployment.state().clone();
            let words = state.to_string();
            if words != said {
                say(&words);
                said = words;
            }
            for effect in effects {
                match effect {
                    Effect::Update { request, .. } | Effect::CheckReady { request, .. } => {
                        work = Some(Box::pin(self.perform(Work::Run { request }, state.clone(), &say)));
                    }
                    Effect::SetWeights { request, .. } => {
                        baseline.forget();
                        work = Some(Box::pin(self.perform(Work::Divide { request }, state.clone(), &say)));
                    }
                    Effect::ScheduleTick { at } => wake = Some(at),
                    Effect::Finished { outcome } => return Ok(Some(outcome)),
                    Effect::Rejected { reason } => return Err(reason.to_string()),
                }
            }
            if state.rollout().is_none() {
                return Ok(None);
            }
            let next = tokio::select! {
                next = answer(&mut work) => {
                    work = None;
                    next?
                }
                // A look comes before whatever time brings: a step must not be taken on what was not looked at.
                () = until(wake) => {
                    wake = None;
                    match self.look(&state, &mut baseline).await? {
                        Seen::Ours(Some(what)) => Event::CheckFailed { request: state.last_request(), finding: what },
                        Seen::Ours(None) => Event::Tick,
                        Seen::Anothers => {
                            drop(work);
                            return self.follow(said, &say).await;
                        }
                    }
                }
                _ = looks.tick() => match self.look(&state, &mut baseline).await? {
                    Seen::Ours(Some(what)) => Event::CheckFailed { request: state.last_request(), finding: what },
                    Seen::Ours(None) => {
                        effects = Vec::new();
                        continue;
                    }
                    Seen::Anothers => {
                            drop(work);
                            return self.follow(said, &say).await;
                        }
                },
            };
            effects = match deployment.apply(next, now()).await {
                Ok(effects) => effects,
                Err(error) if error.is_conflict() => {
                    drop(work);
                    return self.follow(said, &say).await;
                }
                Err(error) => return Err(error.to_string()),
            };
        }
    }

    /// Says what becomes of a rollout that somebody else goes on with, until that has ended.
    async fn follow(&self, mut said: String, say: impl Fn(&str)) -> Result<Option<Outcome<Version>>, String> {
        say("somebody else goes on with it, which is followed here");
        loop {
            let stored = self.ground.open().await?;
            let state = stored
                .ok_or("the state is gone, so nobody knows how it ended")?
                .state()
                .clone();
            let words = state.to_string();
            if words != said {
                say(&words);
                said = words;
            }
            if state.rollout().is_none() {
                return Ok(state.last_outcome().cloned());
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// Takes over what is under way, if anything is, and lets `event` happen.
    async fn begin(
        &self,
        deployment: &mut Deployment<Version, G::Store>,
        event: Event<Version>,
    ) -> Result<Vec<Effect<Version>>, String> {
        // What is refused is not worth taking over for, unless it is what nobody may be left to see through.
        let (_, effects) = step(deployment.state(), event.clone(), now());
        let is_over = match effects.first() {
            Some(Effect::Rejected { reason }) if !is_taken_back(deployment.state(), &event) => {
                return Err(refused(reason));
            }
            Some(Effect::Rejected { .. }) => true,
            _ => false,
        };
        let mut effects = Vec::new();
        if deployment.state().rollout().is_some() {
            let driver = self.name.clone();
            let resumed = deployment.apply(Event::Resume { controller: driver }, now()).await;
            effects = resumed.map_err(|error| not_stored(&error))?;
        }
        if is_over {
            return Ok(effects);
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
            let done = match work {
                Work::Run { request } => {
                    let template = self.app.template(&state)?;
                    self.ground.put_template(request, &template).await
                }
                Work::Divide { request } => self.divide(request, &state, &say).await?,
            };
            let reason = match attempt(work, done) {
                Attempt::Over(event) => return Ok(event),
                Attempt::Failed(reason) => return Err(reason),
                Attempt::Again(reason) => reason,
            };
            if reason != said {
                say(&format!("trying again: {reason}"));
                said = reason;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// Has the router divide traffic as the state says. The way back is over when the mesh is all that it would be if it
    /// were started now: whoever reads of the sides in it must not find the version that was given up.
    async fn divide(
        &self,
        request: u64,
        state: &State<Version>,
        say: impl Fn(&str),
    ) -> Result<Result<Applied, CommandError>, String> {
        let name = self.app.route.to_parameter();
        let value = self.app.parameter(&Sides::of(state)?, &name)?;
        let divided = self.ground.put_parameter(request, &name, value).await;
        if !is_rolling_back(state) || !matches!(divided, Ok(Applied { settled: true })) {
            return Ok(divided);
        }
        let template = self.app.synth(&Sides::that_run(state)?)?;
        Ok(match self.ground.put_template(request, &template).await {
            Err(CommandError::Rejected(reason)) => {
                // Traffic is back where it was, and the side without any is the next deployment's.
                say(&format!("the side without traffic stays as it is: {reason}"));
                divided
            }
            done => done,
        })
    }

    /// Whether this driver is still the one, and whether the new version is well. Gives what is seen.
    async fn look(&self, state: &State<Version>, baseline: &mut Baseline) -> Result<Seen, String> {
        let stored = self.ground.open().await?;
        let driver = stored.and_then(|stored| Some(stored.state().rollout()?.controller().to_owned()));
        if driver.as_deref() != Some(&self.name) {
            return Ok(Seen::Anothers);
        }
        // Back to the version before there is no other way than on.
        if is_rolling_back(state) {
            return Ok(Seen::Ours(None));
        }
        let target = state.target();
        // An error: an Envoy is being started, or all of it, and nothing can be said just now.
        let now = self.count(target).await.ok();
        Ok(Seen::Ours(now.and_then(|now| baseline.complaint(target, now))))
    }

    /// What was counted of calls to a side, and to the other one.
    async fn count(&self, target: Side) -> Result<[NodeStatistics; 2], CommandError> {
        let of = async |side| self.ground.statistics(self.app.node(side)).await;
        Ok([of(target).await?, of(target.other()).await?])
    }
}

/// What a look at a rollout shows.
enum Seen {
    /// This driver is the one; and what is wrong with the new version, if anything is.
    Ours(Option<String>),
    /// Somebody else took over.
    Anothers,
}

fn is_rolling_back(state: &State<Version>) -> bool {
    let phase = state.rollout().map(bluegreen_state::Rollout::phase);
    matches!(phase, Some(Phase::RollBack { .. }))
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
