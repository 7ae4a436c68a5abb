//! Phase order of a rollout: the phase that follows, the request that each phase makes, and how the rollout ends.

use std::mem;

use super::Effect;
use super::transition::Transition;
use crate::hook::{HookStage, RunningHook};
use crate::outcome::{FinalStatus, Outcome, Reason};
use crate::phase::{Phase, RollbackTarget, Rollout};
use crate::side::{Side, Weights};
use crate::strategy::{Pause, Strategy};

impl<V: Clone + PartialEq> Transition<V> {
    /// Begins a rollout to `side`, which gets the version `update` or keeps its own.
    pub(super) fn begin(
        &mut self,
        side: Side,
        update: Option<V>,
        strategy: Strategy,
        controller: String,
    ) -> Rollout<V> {
        let rollback_target = RollbackTarget {
            side: mem::replace(&mut self.state.target, side),
            weights: self.state.weights,
        };
        let until = self.now.after(strategy.stage_timeout());
        let phase = match update {
            None => Phase::ScaleUp { until },
            Some(version) => Phase::Reconcile {
                replaced: mem::replace(self.state.version_mut(side), version),
                until,
            },
        };
        let rollout = Rollout {
            strategy,
            controller,
            epoch: 1,
            paused: false,
            is_revert: false,
            previous_request: self.state.request,
            rollback_target,
            phase,
            hook: None,
            times: None,
        };
        let has_no_traffic = self.state.weights == Weights::all(side.other());
        if has_no_traffic && let Phase::Reconcile { replaced, .. } = &rollout.phase {
            let replaced = replaced.clone();
            return self.before_update(rollout, replaced);
        }
        self.make_request(&rollout);
        rollout
    }

    /// The request of the phase has completed: runs the hook of the stage, or proceeds.
    pub(super) fn complete(&mut self, mut rollout: Rollout<V>) -> Option<Rollout<V>> {
        match HookStage::of_phase(&rollout.phase).filter(|stage| rollout.has_hook(*stage)) {
            Some(stage) => {
                rollout.hook = Some(self.begin_hook(stage, &rollout));
                self.make_request(&rollout);
                Some(rollout)
            }
            None => self.proceed(rollout),
        }
    }

    /// The hook of the phase has succeeded: proceeds, unless the phase also waits for a command or for its time.
    pub(super) fn after_hook(&mut self, mut rollout: Rollout<V>) -> Option<Rollout<V>> {
        rollout.hook = None;
        match rollout.phase {
            Phase::PreScaleUp { .. } | Phase::PostScaleUp if rollout.paused => Some(rollout),
            Phase::PostShift { step, .. } => match rollout.strategy.to_steps().get(step).map(|step| step.pause) {
                // A timed step is left by a tick, for which the platform is asked.
                Some(Pause::For(_)) => {
                    self.schedule_tick(&rollout);
                    Some(rollout)
                }
                _ => self.tick(rollout),
            },
            Phase::PostTestShift { .. } => self.tick(rollout),
            _ => self.proceed(rollout),
        }
    }

    /// Leaves a completed phase, or pauses where the phase allows it.
    pub(super) fn proceed(&mut self, rollout: Rollout<V>) -> Option<Rollout<V>> {
        match rollout.phase {
            Phase::Reconcile { ref replaced, .. } => {
                let replaced = replaced.clone();
                Some(self.before_update(rollout, replaced))
            }
            Phase::PreScaleUp { .. } => Some(self.update(rollout)),
            Phase::ScaleUp { .. } if rollout.paused || rollout.has_hook(HookStage::PostScaleUp) => {
                Some(self.enter(rollout, Phase::PostScaleUp))
            }
            Phase::ScaleUp { .. } | Phase::PostScaleUp if rollout.strategy.test_traffic().is_some() => {
                let until = self.now.after(rollout.strategy.stage_timeout());
                Some(self.enter(rollout, Phase::TestShift { until }))
            }
            Phase::ScaleUp { .. } | Phase::PostScaleUp | Phase::PostTestShift { .. } => Some(self.shift_first(rollout)),
            Phase::TestShift { .. } => {
                let has_hook = rollout.has_hook(HookStage::PostTestTrafficShift);
                let until = match rollout.strategy.test_traffic() {
                    Some(Pause::Manual) => None,
                    Some(Pause::For(time)) if !time.is_zero() => Some(self.now.after(time)),
                    _ if rollout.paused || has_hook => Some(self.now),
                    _ => return Some(self.shift_first(rollout)),
                };
                Some(self.enter(rollout, Phase::PostTestShift { until }))
            }
            Phase::Shift { step, .. } => {
                let steps = rollout.strategy.to_steps();
                let has_hook = rollout.has_hook(HookStage::PostProductionTrafficShift);
                let until = match steps.get(step).map(|step| step.pause) {
                    Some(Pause::Manual) => None,
                    Some(Pause::For(time)) => Some(self.now.after(time)),
                    Some(Pause::None) | None if rollout.paused || has_hook => Some(self.now),
                    Some(Pause::None) | None => return self.after_step(rollout, step),
                };
                Some(self.enter(rollout, Phase::PostShift { step, until }))
            }
            Phase::PostShift { step, .. } => self.after_step(rollout, step),
            Phase::Bake { .. } => self.clean_up(rollout),
            Phase::CleanUp => {
                self.finish_rollout(&rollout);
                None
            }
            Phase::RollBack { .. } => Some(rollout),
        }
    }

    /// The side has no traffic: runs the hook before the update, pauses, or updates it.
    fn before_update(&mut self, rollout: Rollout<V>, replaced: V) -> Rollout<V> {
        match rollout.paused || rollout.has_hook(HookStage::PreScaleUp) {
            true => self.enter(rollout, Phase::PreScaleUp { replaced }),
            false => self.update(rollout),
        }
    }

    /// Updates the side, which has no traffic now. From here on, its previous version cannot be restored.
    fn update(&mut self, mut rollout: Rollout<V>) -> Rollout<V> {
        rollout.rollback_target = RollbackTarget::all(self.state.target.other());
        let until = self.now.after(rollout.strategy.stage_timeout());
        self.state.dirty_side = Some(self.state.target);
        self.enter(rollout, Phase::ScaleUp { until })
    }

    /// Takes the first step. A version with part of the traffic does not lose it on the way.
    fn shift_first(&mut self, rollout: Rollout<V>) -> Rollout<V> {
        let share = self.state.weights.share(self.state.target);
        let first = rollout.strategy.first_step_from(share);
        self.shift(rollout, first)
    }

    pub(super) fn shift(&mut self, rollout: Rollout<V>, step: usize) -> Rollout<V> {
        let until = self.now.after(rollout.strategy.stage_timeout());
        self.enter(rollout, Phase::Shift { step, until })
    }

    fn after_step(&mut self, rollout: Rollout<V>, step: usize) -> Option<Rollout<V>> {
        let bake_time = rollout.strategy.bake_time();
        if step + 1 < rollout.strategy.to_steps().len() {
            Some(self.shift(rollout, step + 1))
        } else if bake_time.is_zero() {
            self.clean_up(rollout)
        } else {
            let until = self.now.after(bake_time);
            Some(self.enter(rollout, Phase::Bake { until }))
        }
    }

    /// Ends the test traffic, if there is any, and then the rollout.
    fn clean_up(&mut self, rollout: Rollout<V>) -> Option<Rollout<V>> {
        if rollout.strategy.test_traffic().is_some() {
            return Some(self.enter(rollout, Phase::CleanUp));
        }
        self.finish_rollout(&rollout);
        None
    }

    fn finish_rollout(&mut self, rollout: &Rollout<V>) {
        let target = self.state.target;
        let (side, status) = if rollout.is_revert {
            let reason = Reason::RollbackRequested;
            (target.other(), FinalStatus::RolledBack { reason })
        } else {
            (target, FinalStatus::Successful)
        };
        self.record_outcome(self.state.version(side).clone(), status);
    }

    pub(super) fn finish_rollback(&mut self, withdrawn: V, reason: Reason, is_revert: bool) {
        if is_revert {
            let remaining = self.state.version(self.state.target).clone();
            self.record_outcome(remaining, FinalStatus::RollbackFailed { reason });
        } else {
            self.record_outcome(withdrawn, FinalStatus::RolledBack { reason });
        }
    }

    fn record_outcome(&mut self, version: V, status: FinalStatus) {
        let ended_at = self.now;
        let outcome = Outcome {
            version,
            ended_at,
            status,
        };
        self.state.last = Some(outcome.clone());
        self.effects.push(Effect::Finished { outcome });
    }

    /// Enters a phase. The hooks of PRE_ and POST_ stages begin.
    pub(super) fn enter(&mut self, mut rollout: Rollout<V>, phase: Phase<V>) -> Rollout<V> {
        let begins_with_hook = matches!(
            phase,
            Phase::PreScaleUp { .. } | Phase::PostScaleUp | Phase::PostTestShift { .. } | Phase::PostShift { .. }
        );
        let stage = HookStage::of_phase(&phase).filter(|stage| begins_with_hook && rollout.has_hook(*stage));
        rollout.hook = stage.map(|stage| self.begin_hook(stage, &rollout));
        rollout.phase = phase;
        self.make_request(&rollout);
        rollout
    }

    fn begin_hook(&self, stage: HookStage, rollout: &Rollout<V>) -> RunningHook {
        RunningHook {
            stage,
            began: self.now,
            until: self.now.after(rollout.strategy.stage_timeout()),
            call_at: None,
        }
    }

    /// Makes the request that the phase, or its hook, waits for.
    pub(super) fn make_request(&mut self, rollout: &Rollout<V>) {
        let target = self.state.target;
        match rollout.phase {
            _ if let Some(hook) = &rollout.hook => {
                if hook.call_at.is_none() {
                    let (stage, request) = (hook.stage, self.next_request());
                    self.effects.push(Effect::RunHook { stage, request });
                }
            }
            Phase::Reconcile { .. } => self.set_weights(Weights::all(target.other())),
            Phase::ScaleUp { .. } => {
                let (side, version) = (target, self.state.version(target).clone());
                let request = self.next_request();
                self.effects.push(if self.state.dirty_side == Some(side) {
                    Effect::Update { side, version, request }
                } else {
                    Effect::CheckReady { side, version, request }
                });
            }
            Phase::Shift { step, .. } => self.set_weights(rollout.weights_at(step, target)),
            // Only the test traffic changes.
            Phase::TestShift { .. } | Phase::CleanUp => self.set_weights(self.state.weights),
            Phase::RollBack { .. } => self.set_weights(rollout.rollback_target.weights),
            Phase::PreScaleUp { .. }
            | Phase::PostScaleUp
            | Phase::PostTestShift { .. }
            | Phase::PostShift { .. }
            | Phase::Bake { .. } => {}
        }
        self.schedule_tick(rollout);
    }

    /// Schedules a tick for the time at which the phase ends or times out.
    pub(super) fn schedule_tick(&mut self, rollout: &Rollout<V>) {
        let at = match rollout.phase {
            _ if let Some(hook) = &rollout.hook => Some(hook.next_tick_at()),
            Phase::Reconcile { until, .. }
            | Phase::ScaleUp { until, .. }
            | Phase::TestShift { until }
            | Phase::Shift { until, .. } => Some(until),
            Phase::PostTestShift { .. } | Phase::PostShift { .. } | Phase::Bake { .. } if rollout.paused => None,
            Phase::PostTestShift { until } | Phase::PostShift { until, .. } => until,
            Phase::Bake { until } => Some(until),
            Phase::PreScaleUp { .. } | Phase::PostScaleUp | Phase::CleanUp | Phase::RollBack { .. } => None,
        };
        self.effects.extend(at.map(|at| Effect::ScheduleTick { at }));
    }

    fn set_weights(&mut self, weights: Weights) {
        self.state.weights = weights;
        let request = self.next_request();
        self.effects.push(Effect::SetWeights { weights, request });
    }

    fn next_request(&mut self) -> u64 {
        self.state.request = self.state.request.saturating_add(1);
        self.state.request
    }
}
