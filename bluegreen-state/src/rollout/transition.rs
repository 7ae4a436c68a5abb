//! One transition of the state machine: what each event does. `phases` computes the phase that follows.

use std::mem;

use super::{Effect, Event};
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
        if let Event::Ready { request } | Event::WeightsApplied { request } | Event::CheckFailed { request, .. } = event
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
            | Event::Tick
            | Event::Heartbeat => {}
        }
        None
    }

    fn during_rollout(&mut self, mut rollout: Rollout<V>, event: Event<V>) -> Option<Rollout<V>> {
        let last = self.state.request;
        let rolling_back = rollout.is_rolling_back();
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
            Event::WeightsApplied { request } if request == last => match rollout.phase {
                Phase::Reconcile { .. } | Phase::Shift { .. } => return self.proceed(rollout),
                Phase::RollBack { version, reason } => {
                    self.finish_rollback(version, reason, rollout.is_revert);
                    return None;
                }
                _ => {}
            },
            Event::Tick => return self.tick(rollout),
            Event::Pause | Event::Continue | Event::Promote { .. } if rolling_back => {
                self.reject(Rejected::RollingBack);
            }
            Event::Pause => rollout.paused = true,
            Event::Continue => return self.resume_from_pause(rollout),
            Event::Promote { .. } => return self.promote(rollout),
            Event::CheckFailed { request, .. } if request <= rollout.previous_request => {}
            Event::CheckFailed { finding, .. } => {
                let finding = finding.chars().take(MAX_FINDING).collect();
                return Some(self.roll_back(rollout, Reason::CheckFailed(finding)));
            }
            Event::Abort => return Some(self.roll_back(rollout, Reason::Aborted)),
            Event::Rollback { .. } => return Some(self.roll_back(rollout, Reason::RollbackRequested)),
            // `apply` handled the first; the others are late results.
            Event::Deploy { .. } | Event::Ready { .. } | Event::WeightsApplied { .. } | Event::Heartbeat => {}
        }
        Some(rollout)
    }

    fn tick(&mut self, rollout: Rollout<V>) -> Option<Rollout<V>> {
        let phase = rollout.phase.as_str();
        match rollout.phase {
            Phase::Reconcile { until, .. } | Phase::ScaleUp { until, .. } | Phase::Shift { until, .. }
                if self.now >= until =>
            {
                return Some(self.roll_back(rollout, Reason::TimedOut(phase.to_owned())));
            }
            Phase::PostShift { until: Some(until), .. } | Phase::Bake { until }
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
        match rollout.phase {
            Phase::PreScaleUp { .. } | Phase::PostScaleUp | Phase::PostShift { until: None, .. } => {
                return self.proceed(rollout);
            }
            _ if !paused => self.reject(Rejected::NotPaused),
            Phase::PostShift { .. } | Phase::Bake { .. } => return self.tick(rollout),
            _ => {}
        }
        Some(rollout)
    }

    /// Replaces the remaining steps and pauses by a single step to 100 %.
    fn promote(&mut self, mut rollout: Rollout<V>) -> Option<Rollout<V>> {
        let has_all_traffic = self.state.weights == Weights::all(self.state.target);
        rollout.paused = false;
        rollout.strategy = rollout.strategy.promoted();
        match rollout.phase {
            Phase::PreScaleUp { .. } | Phase::PostScaleUp => self.proceed(rollout),
            Phase::Shift { until, .. } if has_all_traffic => {
                // The request in flight sets these weights.
                rollout.phase = Phase::Shift { step: 0, until };
                Some(rollout)
            }
            Phase::PostShift { until, .. } if has_all_traffic => {
                rollout.phase = Phase::PostShift { step: 0, until };
                self.proceed(rollout)
            }
            Phase::Bake { .. } if has_all_traffic => self.proceed(rollout),
            Phase::Shift { .. } | Phase::PostShift { .. } | Phase::Bake { .. } => Some(self.shift(rollout, 0)),
            // The step follows when the side is ready.
            Phase::Reconcile { .. } | Phase::ScaleUp { .. } | Phase::RollBack { .. } => Some(rollout),
        }
    }

    fn roll_back(&mut self, mut rollout: Rollout<V>, reason: Reason) -> Rollout<V> {
        let withdrawn = self.state.target;
        let version = self.state.version(withdrawn).clone();
        let is_unhealthy = match reason {
            Reason::CheckFailed(_) => true,
            Reason::TimedOut(_) => matches!(rollout.phase, Phase::ScaleUp { .. }),
            Reason::Aborted | Reason::RollbackRequested => false,
        };
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
