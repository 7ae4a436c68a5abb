//! One transition of the state machine: what each event does. `phases` computes the phase that follows.

use std::mem;

use super::{Effect, Event};
use crate::hook::RunningHook;
use crate::outcome::{FinalStatus, Reason};
use crate::phase::{Phase, RollbackTarget, Rollout, Times};
use crate::plan::{Plan, plan};
use crate::rejected::Rejected;
use crate::side::Weights;
use crate::state::State;
use crate::strategy::Strategy;
use crate::timestamp::Timestamp;

/// Length limit of a stored finding, in characters: the document has to fit into a parameter of 4 KB.
const MAX_FINDING: usize = 300;

pub(super) struct Transition<V> {
    /// The next state; its rollout is absent while it is being changed.
    pub(super) state: State<V>,
    pub(super) now: Timestamp,
    pub(super) effects: Vec<Effect<V>>,
}

impl<V: Clone + PartialEq> Transition<V> {
    pub(super) fn new(state: State<V>, now: Timestamp) -> Self {
        Self {
            state,
            now,
            effects: Vec::new(),
        }
    }

    pub(super) fn finish(self) -> (State<V>, Vec<Effect<V>>) {
        (self.state, self.effects)
    }

    pub(super) fn apply(&mut self, event: Event<V>) {
        let is_heartbeat = matches!(event, Event::Heartbeat);
        let is_of_controller = is_heartbeat
            || matches!(
                event,
                Event::Resume { .. }
                    | Event::Ready { .. }
                    | Event::WeightsApplied { .. }
                    | Event::CheckFailed { .. }
                    | Event::HookSucceeded { .. }
                    | Event::HookInProgress { .. }
                    | Event::HookFailed { .. }
                    | Event::Tick
            );
        let before = self.state.rollout.clone();
        self.take(event);
        // An event that changes nothing else leaves the times unchanged as well.
        if self.state.rollout != before || is_heartbeat {
            self.record_times(before.as_ref(), is_of_controller);
        }
    }

    /// Records when the rollout and its phase began, and when the controller was seen.
    fn record_times(&mut self, before: Option<&Rollout<V>>, is_of_controller: bool) {
        let now = self.now;
        match (&mut self.state.rollout, before) {
            (Some(rollout), None) => rollout.times = Some(Times::at(now)),
            (
                Some(Rollout {
                    times: Some(times),
                    phase,
                    ..
                }),
                Some(before),
            ) => {
                if phase.position() != before.phase.position() {
                    times.phase = now;
                }
                if is_of_controller {
                    times.seen = now;
                }
            }
            // An earlier version of this crate began the rollout.
            (Some(_), Some(_)) | (None, _) => {}
        }
    }

    fn take(&mut self, event: Event<V>) {
        if let Event::Ready { request }
        | Event::WeightsApplied { request }
        | Event::CheckFailed { request, .. }
        | Event::HookSucceeded { request }
        | Event::HookInProgress { request, .. }
        | Event::HookFailed { request, .. } = event
            && request > self.state.request
        {
            let last = self.state.request;
            return self.reject(Rejected::UnknownRequest { request, last });
        }
        if let Event::Deploy {
            version,
            strategy,
            controller,
        } = event
        {
            return self.deploy(&version, strategy, controller);
        }
        self.state.rollout = match self.state.rollout.take() {
            None => self.without_rollout(event),
            Some(rollout) => self.during_rollout(rollout, event),
        };
    }

    fn deploy(&mut self, desired: &V, strategy: Strategy, controller: String) {
        let (side, update) = match plan(Some(&self.state), desired) {
            Err(rejected) => return self.reject(rejected),
            Ok(Plan::NoChange) => match self.state.partial_share() {
                Some(share) if strategy.final_share() != share => (self.state.target, None),
                _ => return,
            },
            Ok(Plan::Create { .. }) => return,
            Ok(Plan::ShiftTraffic { to }) => (to, None),
            Ok(Plan::Update { side, version }) => (side, Some(version)),
        };
        let (current, requested) = (self.state.weights.share(side), strategy.final_share());
        if update.is_none() && requested < current {
            return self.reject(Rejected::ShareWouldFall { current, requested });
        }
        self.state.rollout = Some(self.begin(side, update, strategy, controller));
    }

    fn without_rollout(&mut self, event: Event<V>) -> Option<Rollout<V>> {
        match event {
            Event::Rollback { controller } => {
                let last = self.state.last.as_ref().map(|outcome| &outcome.status);
                if let Some(FinalStatus::Successful | FinalStatus::RollbackFailed { .. }) = last {
                    let side = self.state.target.other();
                    let mut rollout = self.begin(side, None, Strategy::all_at_once(), controller);
                    rollout.is_revert = true;
                    return Some(rollout);
                }
                self.reject(Rejected::NoRollbackVersion);
            }
            Event::Promote { controller } => {
                if self.state.partial_share().is_some() {
                    let side = self.state.target;
                    return Some(self.begin(side, None, Strategy::all_at_once(), controller));
                }
                self.reject(Rejected::NothingToPromote);
            }
            Event::Resume { .. } | Event::CheckFailed { .. } | Event::Pause | Event::Continue | Event::Abort => {
                self.reject(Rejected::NoRollout);
            }
            // `apply` handled the first; the others are late results.
            Event::Deploy { .. }
            | Event::Ready { .. }
            | Event::WeightsApplied { .. }
            | Event::HookSucceeded { .. }
            | Event::HookInProgress { .. }
            | Event::HookFailed { .. }
            | Event::Tick
            | Event::Heartbeat => {}
        }
        None
    }

    fn during_rollout(&mut self, mut rollout: Rollout<V>, event: Event<V>) -> Option<Rollout<V>> {
        let last = self.state.request;
        let rolling_back = rollout.is_rolling_back();
        // The hook that the last request called.
        let called_hook = rollout.hook.filter(|hook| hook.call_at.is_none());
        match event {
            Event::Resume { controller } => {
                rollout.controller = controller;
                rollout.epoch = rollout.epoch.saturating_add(1);
                self.make_request(&rollout);
            }
            Event::Ready { request } if request == last && matches!(rollout.phase, Phase::ScaleUp { .. }) => {
                self.state.dirty_side = None;
                return self.proceed(rollout);
            }
            Event::WeightsApplied { request } if request == last && rollout.hook.is_none() => match rollout.phase {
                Phase::Reconcile { .. } | Phase::TestShift { .. } | Phase::Shift { .. } => {
                    return self.complete(rollout);
                }
                Phase::CleanUp => return self.proceed(rollout),
                Phase::RollBack { version, reason } => {
                    self.finish_rollback(version, reason, rollout.is_revert);
                    return None;
                }
                _ => {}
            },
            Event::HookSucceeded { request } if request == last && called_hook.is_some() => {
                return self.after_hook(rollout);
            }
            Event::HookInProgress { request, call_after } if request == last && called_hook.is_some() => {
                let call_at = Some(self.now.after(call_after));
                rollout.hook = called_hook.map(|hook| RunningHook { call_at, ..hook });
                self.schedule_tick(&rollout);
            }
            Event::HookFailed { request, finding } if let Some(hook) = called_hook.filter(|_| request == last) => {
                let finding = format!("the hook at {} failed: {finding}", hook.stage);
                return Some(self.roll_back_by_hook(rollout, Reason::CheckFailed(truncate(&finding))));
            }
            Event::Tick => return self.tick(rollout),
            Event::Pause | Event::Continue | Event::Promote { .. } if rolling_back => {
                self.reject(Rejected::RollingBack);
            }
            Event::Pause => rollout.paused = true,
            Event::Continue => return self.resume_from_pause(rollout),
            Event::Promote { .. } => return self.promote(rollout),
            Event::CheckFailed { request, .. } if request <= rollout.previous_request => {}
            Event::CheckFailed { finding, .. } => {
                return Some(self.roll_back(rollout, Reason::CheckFailed(truncate(&finding))));
            }
            Event::Abort => return Some(self.roll_back(rollout, Reason::Aborted)),
            Event::Rollback { .. } => return Some(self.roll_back(rollout, Reason::RollbackRequested)),
            // `apply` handled the first; the others are late results.
            Event::Deploy { .. }
            | Event::Ready { .. }
            | Event::WeightsApplied { .. }
            | Event::HookSucceeded { .. }
            | Event::HookInProgress { .. }
            | Event::HookFailed { .. }
            | Event::Heartbeat => {}
        }
        Some(rollout)
    }

    pub(super) fn tick(&mut self, mut rollout: Rollout<V>) -> Option<Rollout<V>> {
        let phase = rollout.phase.as_str();
        if let Some(hook) = &mut rollout.hook {
            if self.now >= hook.until {
                let reason = Reason::TimedOut(format!("the hook at {}", hook.stage));
                return Some(self.roll_back_by_hook(rollout, reason));
            }
            if hook.call_at.take_if(|at| *at <= self.now).is_some() {
                self.make_request(&rollout);
            } else {
                self.schedule_tick(&rollout);
            }
            return Some(rollout);
        }
        match rollout.phase {
            Phase::Reconcile { until, .. }
            | Phase::ScaleUp { until, .. }
            | Phase::TestShift { until }
            | Phase::Shift { until, .. }
                if self.now >= until =>
            {
                return Some(self.roll_back(rollout, Reason::TimedOut(phase.to_owned())));
            }
            Phase::PostTestShift { until: Some(until) }
            | Phase::PostShift { until: Some(until), .. }
            | Phase::Bake { until }
                if self.now >= until && !rollout.paused =>
            {
                return self.proceed(rollout);
            }
            _ => self.schedule_tick(&rollout),
        }
        Some(rollout)
    }

    fn resume_from_pause(&mut self, mut rollout: Rollout<V>) -> Option<Rollout<V>> {
        let paused = mem::take(&mut rollout.paused);
        let has_hook = rollout.hook.is_some();
        match &mut rollout.phase {
            // The hook still has to succeed.
            Phase::PostTestShift { until: until @ None }
            | Phase::PostShift {
                until: until @ None, ..
            } if has_hook => {
                *until = Some(self.now);
            }
            Phase::PreScaleUp { .. } | Phase::PostScaleUp if has_hook && paused => {}
            Phase::PreScaleUp { .. }
            | Phase::PostScaleUp
            | Phase::PostTestShift { until: None }
            | Phase::PostShift { until: None, .. }
                if !has_hook =>
            {
                return self.proceed(rollout);
            }
            _ if !paused => self.reject(Rejected::NotPaused),
            Phase::PostTestShift { .. } | Phase::PostShift { .. } | Phase::Bake { .. } => return self.tick(rollout),
            _ => {}
        }
        Some(rollout)
    }

    /// Replaces the remaining steps and pauses by a single step to 100 %.
    fn promote(&mut self, mut rollout: Rollout<V>) -> Option<Rollout<V>> {
        let has_all_traffic = self.state.weights == Weights::all(self.state.target);
        rollout.paused = false;
        rollout.strategy = rollout.strategy.promoted();
        let has_hook = rollout.hook.is_some();
        match rollout.phase {
            Phase::PreScaleUp { .. } | Phase::PostScaleUp if !has_hook => self.proceed(rollout),
            Phase::PostTestShift { .. } => {
                rollout.phase = Phase::PostTestShift { until: Some(self.now) };
                self.proceed_without_hook(rollout)
            }
            Phase::Shift { until, .. } if has_all_traffic => {
                // The request in flight sets these weights, or their hook is running.
                rollout.phase = Phase::Shift { step: 0, until };
                Some(rollout)
            }
            Phase::PostShift { .. } if has_all_traffic => {
                let until = Some(self.now);
                rollout.phase = Phase::PostShift { step: 0, until };
                self.proceed_without_hook(rollout)
            }
            Phase::Bake { .. } if has_all_traffic => self.proceed(rollout),
            Phase::CleanUp if has_all_traffic => Some(rollout),
            // The hook of a step is called again at the new one.
            Phase::Shift { .. } | Phase::PostShift { .. } | Phase::Bake { .. } | Phase::CleanUp => {
                Some(self.shift(rollout, 0))
            }
            // The step follows when the side is ready, has the test traffic, or when the hook has succeeded.
            Phase::Reconcile { .. }
            | Phase::PreScaleUp { .. }
            | Phase::ScaleUp { .. }
            | Phase::PostScaleUp
            | Phase::TestShift { .. }
            | Phase::RollBack { .. } => Some(rollout),
        }
    }

    /// Proceeds, or waits for the hook of the phase.
    fn proceed_without_hook(&mut self, rollout: Rollout<V>) -> Option<Rollout<V>> {
        match rollout.hook {
            Some(_) => Some(rollout),
            None => self.proceed(rollout),
        }
    }

    fn roll_back(&mut self, rollout: Rollout<V>, reason: Reason) -> Rollout<V> {
        let is_unhealthy = match reason {
            Reason::CheckFailed(_) => true,
            Reason::TimedOut(_) => matches!(rollout.phase, Phase::ScaleUp { .. }),
            Reason::Aborted | Reason::RollbackRequested => false,
        };
        self.withdraw(rollout, reason, is_unhealthy)
    }

    /// Rolls back after a failed hook. Before the update of the side, that says nothing about what the side runs.
    fn roll_back_by_hook(&mut self, rollout: Rollout<V>, reason: Reason) -> Rollout<V> {
        let is_updated = !matches!(rollout.phase, Phase::Reconcile { .. } | Phase::PreScaleUp { .. });
        self.withdraw(rollout, reason, is_updated)
    }

    fn withdraw(&mut self, mut rollout: Rollout<V>, reason: Reason, is_unhealthy: bool) -> Rollout<V> {
        let withdrawn = self.state.target;
        let version = self.state.version(withdrawn).clone();
        match rollout.phase {
            Phase::RollBack { .. } => return rollout,
            Phase::Reconcile { ref replaced, .. } | Phase::PreScaleUp { ref replaced } => {
                *self.state.version_mut(withdrawn) = replaced.clone();
            }
            _ => {}
        }
        if is_unhealthy {
            // An unhealthy side gets no traffic back, whatever share it had before.
            rollout.rollback_target = RollbackTarget::all(withdrawn.other());
        }
        self.state.target = rollout.rollback_target.side;
        rollout.paused = false;
        self.enter(rollout, Phase::RollBack { version, reason })
    }

    fn reject(&mut self, reason: Rejected) {
        self.effects.push(Effect::Rejected { reason });
    }
}

fn truncate(finding: &str) -> String {
    finding.chars().take(MAX_FINDING).collect()
}
