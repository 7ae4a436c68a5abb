//! Rollout controller: runs `bluegreen_state::Controller` with the templates of an application on a target.

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use bluegreen_state::{
    Advance, Controller, Deployment, Event, HookStage, HookStatus, Outcome, Percent, Platform, PlatformError, Progress,
    Request, Rollout, Side, State, Timestamp, Weights,
};

use crate::Version;
use crate::analysis::{AnalysisOptions, CanaryAnalysis, Cause, InconclusivePolicy, InconclusiveStep, Verdict};
use crate::application::Application;
use crate::control_api::{Applied, CommandError};
use crate::deployment_target::DeploymentTarget;
use crate::error::Error;
use crate::hook::HookCall;
use crate::local_process::controller_name;
use crate::outcome::{Action, Expected, exit_result, map_result, unsettled};
use crate::status::describe_partial;

/// Runs the rollouts of an application on a target.
///
/// The state is stored before each action, so another controller can continue after a crash.
pub struct RolloutController<'a, T: DeploymentTarget> {
    controller: Controller<T::Store, RolloutPlatform<'a, T>>,
}

impl<'a, T: DeploymentTarget> RolloutController<'a, T> {
    /// A controller that reports progress, a line at a time, to `report`. Its name is the process id with the current
    /// time.
    pub fn new(application: &'a Application, target: T, report: impl Fn(&str) + 'a) -> Self {
        Self::with_analysis(application, target, AnalysisOptions::default(), report)
    }

    /// Like [`new`](Self::new), with other options of the canary analysis.
    pub fn with_analysis(
        application: &'a Application,
        target: T,
        options: AnalysisOptions,
        report: impl Fn(&str) + 'a,
    ) -> Self {
        let name = controller_name(now());
        let store = target.store();
        let platform = RolloutPlatform {
            application,
            target,
            report: Box::new(report),
            options,
            analysis: RefCell::new(CanaryAnalysis::new(options.min_requests)),
            last_state: RefCell::default(),
        };
        Self {
            controller: Controller::new(store, platform, name),
        }
    }

    /// Applies the event that `event` creates with the name of this controller, and runs until the rollout ends.
    /// Returns its outcome, or `None` if there was nothing to do.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`], [`Error::NotInitialized`], [`Error::HookMissing`], [`Error::HookNotInRollout`],
    /// [`Error::NoTestTraffic`] and [`Error::Controller`].
    pub async fn run(&self, event: impl FnOnce(String) -> Event<Version>) -> Result<Option<Outcome<Version>>, Error> {
        let event = self.staged(event(self.controller.name().to_owned())).await?;
        Ok(self.controller.run(event).await?)
    }

    /// The event with the stages of the application. Fails if the hooks or the test traffic of the rollout in progress are
    /// not those of the application: before it is taken over.
    async fn staged(&self, event: Event<Version>) -> Result<Event<Version>, Error> {
        let RolloutPlatform {
            application, target, ..
        } = self.controller.platform();
        // A rollback runs no hooks.
        if !matches!(event, Event::Abort | Event::Rollback { .. }) {
            let stored = Deployment::<Version, _>::open(target.store()).await?;
            let state = stored.as_ref().map(Deployment::state);
            // The state machine rejects a deployment of another version.
            let is_other = |state: &State<Version>| match &event {
                Event::Deploy { version, .. } => version != state.version(state.target()),
                _ => false,
            };
            let rollout = state.filter(|state| !is_other(state)).and_then(State::rollout);
            if let Some(rollout) = rollout.filter(|rollout| !rollout.is_rolling_back()) {
                application.check(rollout.strategy())?;
                application.check_hooks(rollout.strategy())?;
            }
        }
        Ok(match event {
            Event::Deploy {
                version,
                strategy,
                controller,
            } => Event::Deploy {
                version,
                strategy: application.staged(strategy)?,
                controller,
            },
            other => other,
        })
    }

    /// Like [`run`](Self::run), with the [exit result](exit_result) of the command. Also reports that a version stays at a
    /// part of the traffic.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run) and of [`exit_result`].
    pub async fn run_command(&self, event: impl FnOnce(String) -> Event<Version>) -> Result<(), Error> {
        let event = self.staged(event(self.controller.name().to_owned())).await?;
        let expected = Expected::of(&event);
        let outcome = self.controller.run(event).await?;
        let platform = self.controller.platform();
        if let Some(stays) = platform.last_state.borrow().as_ref().and_then(describe_partial) {
            (platform.report)(&stays);
        }
        exit_result(outcome, expected)
    }
}

/// Implements the actions of a rollout by those of a target.
struct RolloutPlatform<'a, T> {
    application: &'a Application,
    target: T,
    report: Box<dyn Fn(&str) + 'a>,
    options: AnalysisOptions,
    analysis: RefCell<CanaryAnalysis>,
    /// The last state that was reported.
    last_state: RefCell<Option<State<Version>>>,
}

impl<T: DeploymentTarget> RolloutPlatform<'_, T> {
    async fn apply_template(&self, request: Request<'_, Version>) -> Result<(), PlatformError> {
        let template = self.application.template(request.state).map_err(fatal)?;
        let result = self.target.apply_template(request, &template).await;
        map_result(Action::ApplyTemplate, result)
    }

    /// Sets the weights. A rollback then also applies the template that a restarted mesh would have, so that the
    /// withdrawn version does not remain in it.
    async fn set_route(&self, request: Request<'_, Version>) -> Result<Result<Applied, CommandError>, Error> {
        let routes = self.application.route_parameters(request.state)?;
        let weights_set = self.target.set_weights(request, routes).await;
        let rollout = request.state.rollout();
        let applied = match weights_set {
            Ok(applied) if rollout.is_some_and(Rollout::is_returning) => applied,
            other => return Ok(other),
        };
        if !applied.settled {
            // The withdrawn version must not keep serving because of one silent Envoy.
            (self.report)(&format!("rolling back although {}", unsettled(&applied)));
        }
        if !rollout.is_some_and(Rollout::is_rolling_back) {
            return Ok(Ok(Applied::settled()));
        }
        let template = self.application.runnable_template(Some(request.state))?;
        Ok(match self.target.apply_template(request, &template).await {
            Ok(_) => Ok(Applied::settled()),
            Err(CommandError::Rejected(reason)) => {
                // The weights are restored, and the next deployment updates the side without traffic.
                (self.report)(&format!("the side without traffic was not changed: {reason}"));
                Ok(Applied::settled())
            }
            Err(error) => Err(error),
        })
    }
}

impl<T: DeploymentTarget> Platform<Version> for RolloutPlatform<'_, T> {
    async fn update(&self, request: Request<'_, Version>, _: Side, _: &Version) -> Result<(), PlatformError> {
        self.apply_template(request).await
    }

    async fn check_ready(&self, request: Request<'_, Version>, _: Side, _: &Version) -> Result<(), PlatformError> {
        self.apply_template(request).await
    }

    async fn set_weights(&self, request: Request<'_, Version>, _: Weights) -> Result<(), PlatformError> {
        self.analysis.borrow_mut().restart(request.number);
        map_result(Action::SetWeights, self.set_route(request).await.map_err(fatal)?)
    }

    async fn run_hook(&self, request: Request<'_, Version>, stage: HookStage) -> Result<HookStatus, PlatformError> {
        let hooks = self.application.hooks();
        let hook = hooks.get(stage).ok_or_else(|| fatal(Error::HookMissing { stage }))?;
        let call = HookCall::new(self.application.name(), request.state, stage);
        Ok(hooks.call(hook, &call, &*self.report).await)
    }

    async fn check_health(&self, state: &State<Version>) -> Result<(), String> {
        let target = state.target();
        // Without traffic, what is counted late are requests to the former version.
        if state.weights().share(target) == Percent::NONE && mirror_of_target(state).is_none() {
            return Ok(());
        }
        let statistics = async |side| self.target.statistics(self.application.node(side)).await;
        let (new, other) = match (statistics(target).await, statistics(target.other()).await) {
            (Ok(new), Ok(other)) => (new, other),
            // They are unavailable while an Envoy or the mesh starts.
            (Err(error), _) | (_, Err(error)) => {
                self.analysis.borrow_mut().record_unavailable(now(), error.to_string());
                return Ok(());
            }
        };
        match self.analysis.borrow_mut().verdict(target, [new, other]) {
            Verdict::Successful | Verdict::Inconclusive => Ok(()),
            Verdict::Failed(finding) => Err(finding),
        }
    }

    async fn advance(&self, state: &State<Version>) -> Advance {
        let (side, analysis) = (state.target(), self.analysis.borrow());
        let (share, mirror) = (state.weights().share(side), mirror_of_target(state));
        if (share == Percent::NONE && mirror.is_none()) || analysis.is_conclusive() {
            return Advance::Proceed;
        }
        if !self.application.has_counted_requests(state) {
            (self.report)(&format!(
                "{side} {} at {share} has no analysis, because Envoys count no requests of a TCP route; proceeding",
                state.version(side)
            ));
            return Advance::Proceed;
        }
        let cause = match analysis.unavailable() {
            None => Cause::Requests(analysis.requests()),
            Some((since, reason)) => Cause::NoStatistics {
                reason: reason.to_owned(),
                since: now().since(since),
            },
        };
        let step = InconclusiveStep {
            side,
            version: *state.version(side),
            share,
            mirror,
            cause,
            command_options: self.target.command_options(),
        };
        let advance = step.advance(self.options);
        if advance == Advance::Proceed && self.options.inconclusive == InconclusivePolicy::Proceed {
            (self.report)(&format!("{}; proceeding", step.finding(self.options)));
        }
        advance
    }

    fn now(&self) -> Timestamp {
        now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn report(&self, progress: Progress<'_, Version>) {
        if let Progress::State(state) = progress {
            *self.last_state.borrow_mut() = Some(state.clone());
        }
        (self.report)(&progress.to_string());
    }
}

/// The share of the requests that are mirrored to the new version.
fn mirror_of_target(state: &State<Version>) -> Option<Percent> {
    let (side, share) = state.mirror()?;
    (side == state.target()).then_some(share)
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

fn fatal(error: Error) -> PlatformError {
    PlatformError::Fatal(Box::new(error))
}

#[cfg(test)]
mod tests;
