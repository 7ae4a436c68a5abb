//! Phase order of a rollout: the phase that follows, the request that each phase makes, and how the rollout ends.

use std::mem;

use super::Effect;
use super::transition::Transition;
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
            times: None,
        };
        let has_no_traffic = self.state.weights == Weights::all(side.other());
        if matches!(rollout.phase, Phase::Reconcile { .. }) && has_no_traffic {
            return self.update(rollout);
        }
        self.make_request(&rollout);
        rollout
    }

    /// Leaves a completed phase, or pauses where the phase allows it.
    pub(super) fn proceed(&mut self, mut rollout: Rollout<V>) -> Option<Rollout<V>> {
        match rollout.phase {
            Phase::Reconcile { replaced, .. } if rollout.paused => {
                rollout.phase = Phase::PreScaleUp { replaced };
                Some(rollout)
            }
            Phase::Reconcile { .. } | Phase::PreScaleUp { .. } => Some(self.update(rollout)),
            Phase::ScaleUp { .. } if rollout.paused => Some(self.enter(rollout, Phase::PostScaleUp)),
            Phase::ScaleUp { .. } | Phase::PostScaleUp => {
                // A version with part of the traffic does not lose it on the way.
                let first = rollout
                    .strategy
                    .first_step_from(self.state.weights.share(self.state.target));
                Some(self.shift(rollout, first))
            }
            Phase::Shift { step, .. } => {
                let steps = rollout.strategy.to_steps();
                let until = match steps.get(step).map(|step| step.pause) {
                    Some(Pause::Manual) => None,
                    Some(Pause::For(time)) => Some(self.now.after(time)),
                    Some(Pause::None) | None if rollout.paused => Some(self.now),
                    Some(Pause::None) | None => return self.after_step(rollout, step),
                };
                Some(self.enter(rollout, Phase::PostShift { step, until }))
            }
            Phase::PostShift { step, .. } => self.after_step(rollout, step),
            Phase::Bake { .. } => {
                self.finish_rollout(&rollout);
                None
            }
            Phase::RollBack { .. } => Some(rollout),
        }
    }

    /// Updates the side, which has no traffic now. From here on, its previous version cannot be restored.
    fn update(&mut self, mut rollout: Rollout<V>) -> Rollout<V> {
        rollout.rollback_target = RollbackTarget::all(self.state.target.other());
        let until = self.now.after(rollout.strategy.stage_timeout());
        self.state.dirty_side = Some(self.state.target);
        self.enter(rollout, Phase::ScaleUp { until })
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
            self.finish_rollout(&rollout);
            None
        } else {
            let until = self.now.after(bake_time);
            Some(self.enter(rollout, Phase::Bake { until }))
        }
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

    pub(super) fn enter(&mut self, mut rollout: Rollout<V>, phase: Phase<V>) -> Rollout<V> {
        rollout.phase = phase;
        self.make_request(&rollout);
        rollout
    }

    /// Makes the request that the phase waits for.
    pub(super) fn make_request(&mut self, rollout: &Rollout<V>) {
        let target = self.state.target;
        match rollout.phase {
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
            Phase::RollBack { .. } => self.set_weights(rollout.rollback_target.weights),
            Phase::PreScaleUp { .. } | Phase::PostScaleUp | Phase::PostShift { .. } | Phase::Bake { .. } => {}
        }
        self.schedule_tick(rollout);
    }

    /// Schedules a tick for the time at which the phase ends or times out.
    pub(super) fn schedule_tick(&mut self, rollout: &Rollout<V>) {
        let at = match rollout.phase {
            Phase::Reconcile { until, .. } | Phase::ScaleUp { until, .. } | Phase::Shift { until, .. } => Some(until),
            Phase::PostShift { .. } | Phase::Bake { .. } if rollout.paused => None,
            Phase::PostShift { until, .. } => until,
            Phase::Bake { until } => Some(until),
            Phase::PreScaleUp { .. } | Phase::PostScaleUp | Phase::RollBack { .. } => None,
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
