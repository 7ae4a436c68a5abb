//! Carries out a rollout: does what the state machine asks for, and tells it what came of that.
//!
//! The state is stored before anything is done, so a driver that is killed can be followed by another. Whoever follows
//! takes over by storing their name; the former one, should it live, notices within a second and leaves.

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use bluegreen_state::{Deployment, Effect, Ended, Event, FileStore, Side, State, Timestamp, step};
use mesh_local::NodeStatistics;

use super::check::complaint;
use super::place::Place;
use super::sides::Sides;
use super::{BlueGreen, Version};
use crate::console::show;
use crate::control::client::Running;

/// Between two looks at the statistics, and at whether somebody took over.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Carries out the rollouts of an app.
pub(super) struct Driver<'a> {
    app: &'a BlueGreen,
    place: &'a Place,
    running: Running,
    name: String,
    /// What was counted of calls to the target and to the other side when traffic was last divided anew.
    before: RefCell<Option<[NodeStatistics; 2]>>,
}

/// What is to be done for the state machine.
enum Work {
    /// Have both sides run what the state says.
    Run { request: u64 },
    /// Have the router divide traffic as the state says.
    Divide { request: u64 },
}

/// What a look at the running rollout found.
enum Found {
    Complaint(String),
    TakenOver(String),
}

impl<'a> Driver<'a> {
    pub(super) fn new(app: &'a BlueGreen, place: &'a Place) -> Result<Self, String> {
        Ok(Self {
            app,
            place,
            running: Running::at(&place.socket())?,
            name: format!("process {} since {}", std::process::id(), now().as_millis()),
            before: RefCell::new(None),
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
        let deploys = matches!(event, Event::Deploy { .. } | Event::Continue);
        let state = runtime.block_on(self.drive(event, show))?;
        match state.last().map(|last| &last.ended) {
            Some(Ended::RolledBack { reason }) if deploys && state.rollout().is_none() => {
                Err(format!("the deployment was taken back: {reason}"))
            }
            Some(Ended::RollbackFailed { reason }) if state.rollout().is_none() => Err(format!(
                "the version before is not well, so nothing was taken back: {reason}"
            )),
            _ => Ok(()),
        }
    }

    /// Lets `event` happen and sees it through. Gives the state at the end.
    pub(super) async fn drive(&self, event: Event<Version>, say: impl Fn(&str)) -> Result<State<Version>, String> {
        let nothing = || "nothing was deployed yet: start it first, in another terminal".to_owned();
        let mut deployment = self.place.open().await?.ok_or_else(nothing)?;
        let mut effects = self.begin(&mut deployment, event).await?;
        let mut said = String::new();
        loop {
            let words = deployment.state().to_string();
            if words != said {
                say(&words);
                said = words;
            }
            let (mut work, mut wake) = (None, None);
            for effect in effects {
                match effect {
                    Effect::Update { request, .. } | Effect::Probe { request, .. } => {
                        work = Some(Work::Run { request })
                    }
                    Effect::SetWeights { request, .. } => work = Some(Work::Divide { request }),
                    Effect::Wake { at } => wake = Some(at),
                    Effect::Finished { .. } => return Ok(deployment.state().clone()),
                    Effect::Refused { refusal } => return Err(refusal.to_string()),
                }
            }
            if deployment.state().rollout().is_none() {
                return Ok(deployment.state().clone());
            }
            let state = deployment.state().clone();
            let next = tokio::select! {
                next = self.perform(work, &state) => next?,
                () = until(wake) => Event::Tick,
                found = self.watch(&state) => match found? {
                    Found::Complaint(what) => Event::CheckFailed { request: state.request(), what },
                    Found::TakenOver(by) => return Err(format!("{by} took over")),
                },
            };
            effects = deployment
                .apply(next, now())
                .await
                .map_err(|error| taken_over(&error))?;
        }
    }

    /// Takes over what is under way, if anything is, and lets `event` happen.
    async fn begin(
        &self,
        deployment: &mut Deployment<Version, FileStore>,
        event: Event<Version>,
    ) -> Result<Vec<Effect<Version>>, String> {
        // What is refused is not worth taking over for.
        let (_, effects) = step(deployment.state(), event.clone(), now());
        if let Some(Effect::Refused { refusal }) = effects.first() {
            return Err(refusal.to_string());
        }
        let mut effects = Vec::new();
        if deployment.state().rollout().is_some() {
            let driver = self.name.clone();
            effects = deployment
                .apply(Event::Resume { driver }, now())
                .await
                .map_err(|error| taken_over(&error))?;
        }
        let further = deployment
            .apply(event, now())
            .await
            .map_err(|error| taken_over(&error))?;
        // What was asked for last is what counts, and nothing new is asked for if the deployment is under way already.
        Ok(if further.is_empty() { effects } else { further })
    }

    /// Does what is asked for; never ends if nothing is.
    async fn perform(&self, work: Option<Work>, state: &State<Version>) -> Result<Event<Version>, String> {
        match work {
            None => std::future::pending().await,
            Some(Work::Run { request }) => {
                let template = self.app.template(state)?.to_json();
                Ok(match self.running.put_template(template).await {
                    Ok(()) => Event::Ready { request },
                    Err(what) => Event::CheckFailed { request, what },
                })
            }
            Some(Work::Divide { request }) => {
                let name = self.app.route.to_parameter();
                let value = self.app.parameter(&Sides::of(state)?, &name)?;
                self.running.put_parameter(&name, value).await?;
                *self.before.borrow_mut() = Some(self.count(state.target()).await?);
                Ok(Event::RouterHas { request })
            }
        }
    }

    /// Looks at the rollout again and again, until something is found.
    async fn watch(&self, state: &State<Version>) -> Result<Found, String> {
        loop {
            tokio::time::sleep(BETWEEN_LOOKS).await;
            let stored = self.place.open().await?;
            let driver = stored.and_then(|stored| Some(stored.state().rollout()?.driver().to_owned()));
            if driver.as_deref() != Some(&self.name) {
                return Ok(Found::TakenOver(driver.unwrap_or_else(|| "somebody".to_owned())));
            }
            let before = self.before.borrow().clone();
            if let Some([target, other]) = before {
                let [target_now, other_now] = self.count(state.target()).await?;
                if let Some(what) = complaint(&target_now.since(&target), &other_now.since(&other)) {
                    return Ok(Found::Complaint(what));
                }
            }
        }
    }

    /// What was counted of calls to a side, and to the other one.
    async fn count(&self, target: Side) -> Result<[NodeStatistics; 2], String> {
        let of = async |side| self.running.statistics(self.app.node(side)).await;
        Ok([of(target).await?, of(target.other()).await?])
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

fn taken_over(error: &bluegreen_state::Error) -> String {
    if error.is_conflict() {
        format!("somebody else took over: {error}")
    } else {
        error.to_string()
    }
}
