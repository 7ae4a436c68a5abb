//! The course of a rollout: which phase follows which, what each asks for, and how it ends.

use std::mem;

use super::Effect;
use super::walk::Walk;
use crate::outcome::{Ended, Outcome, Reason};
use crate::phase::{Back, Phase, Rollout};
use crate::side::{Side, Weights};
use crate::strategy::{Hold, Strategy};

impl<V: Clone + PartialEq> Walk<V> {
    /// Begins a rollout to `side`, which gets the version `update` or keeps its own.
    pub(super) fn begin(&mut self, side: Side, update: Option<V>, strategy: Strategy, driver: String) -> Rollout<V> {
        let back = Back {
            target: mem::replace(&mut self.state.target, side),
            weights: self.state.weights,
        };
        let until = self.now.after(strategy.stage_limit());
        let phase = match update {
            None => Phase::ScaleUp { until },
            Some(version) => Phase::Reconcile {
                replaced: mem::replace(self.state.version_mut(side), version),
                until,
            },
        };
        let rollout = Rollout {
            strategy,
            driver,
            turn: 1,
            held: false,
            returning: false,
            after: self.state.request,
            back,
            phase,
        };
        let idle = self.state.weights == Weights::all(side.other());
        if matches!(rollout.phase, Phase::Reconcile { .. }) && idle {
            return self.update(rollout);
        }
        self.ask(&rollout);
        rollout
    }

    /// Goes on from a phase that is complete, or holds where the phase says it can.
    pub(super) fn proceed(&mut self, mut rollout: Rollout<V>) -> Option<Rollout<V>> {
        match rollout.phase {
            Phase::Reconcile { replaced, .. } if rollout.held => {
                rollout.phase = Phase::PreScaleUp { replaced };
                Some(rollout)
            }
            Phase::Reconcile { .. } | Phase::PreScaleUp { .. } => Some(self.update(rollout)),
            Phase::ScaleUp { .. } if rollout.held => Some(self.enter(rollout, Phase::PostScaleUp {})),
            Phase::ScaleUp { .. } | Phase::PostScaleUp {} => Some(self.shift(rollout, 0)),
            Phase::Shift { step, .. } => {
                let steps = rollout.strategy.to_steps();
                let until = match steps.get(step).map(|step| step.hold) {
                    Some(Hold::ByHand) => None,
                    Some(Hold::For(time)) => Some(self.now.after(time)),
                    Some(Hold::None) | None if rollout.held => Some(self.now),
                    Some(Hold::None) | None => return self.after_step(rollout, step),
                };
                Some(self.enter(rollout, Phase::PostShift { step, until }))
            }
            Phase::PostShift { step, .. } => self.after_step(rollout, step),
            Phase::Bake { .. } => {
                self.finish(&rollout);
                None
            }
            Phase::RollBack { .. } => Some(rollout),
        }
    }

    /// Has the side updated that has no traffic now. From here there is no way back to what it carried.
    fn update(&mut self, mut rollout: Rollout<V>) -> Rollout<V> {
        rollout.back = Back::to(self.state.target.other());
        let until = self.now.after(rollout.strategy.stage_limit());
        self.state.unfinished = Some(self.state.target);
        self.enter(rollout, Phase::ScaleUp { until })
    }

    fn shift(&mut self, rollout: Rollout<V>, step: usize) -> Rollout<V> {
        let until = self.now.after(rollout.strategy.stage_limit());
        self.enter(rollout, Phase::Shift { step, until })
    }

    fn after_step(&mut self, rollout: Rollout<V>, step: usize) -> Option<Rollout<V>> {
        let bake_time = rollout.strategy.bake_time();
        if step + 1 < rollout.strategy.to_steps().len() {
            Some(self.shift(rollout, step + 1))
        } else if bake_time.is_zero() {
            self.finish(&rollout);
            None
        } else {
            let until = self.now.after(bake_time);
            Some(self.enter(rollout, Phase::Bake { until }))
        }
    }

    pub(super) fn finish(&mut self, rollout: &Rollout<V>) {
        let target = self.state.target;
        let (side, ended) = if rollout.returning {
            let reason = Reason::RollbackRequested;
            (target.other(), Ended::RolledBack { reason })
        } else {
            (target, Ended::Successful {})
        };
        self.end(self.state.version(side).clone(), ended);
    }

    pub(super) fn finish_rollback(&mut self, given_up: V, reason: Reason, returning: bool) {
        if returning {
            let stays = self.state.version(self.state.target).clone();
            self.end(stays, Ended::RollbackFailed { reason });
        } else {
            self.end(given_up, Ended::RolledBack { reason });
        }
    }

    fn end(&mut self, version: V, ended: Ended) {
        let at = self.now;
        let outcome = Outcome { version, at, ended };
        self.state.last = Some(outcome.clone());
        self.effects.push(Effect::Finished { outcome });
    }

    pub(super) fn enter(&mut self, mut rollout: Rollout<V>, phase: Phase<V>) -> Rollout<V> {
        rollout.phase = phase;
        self.ask(&rollout);
        rollout
    }

    /// Asks for what the phase is waiting for.
    pub(super) fn ask(&mut self, rollout: &Rollout<V>) {
        let target = self.state.target;
        match rollout.phase {
            Phase::Reconcile { .. } => self.set_weights(Weights::all(target.other())),
            Phase::ScaleUp { .. } => {
                let (side, version) = (target, self.state.version(target).clone());
                let request = self.next_request();
                self.effects.push(if self.state.unfinished == Some(side) {
                    Effect::Update { side, version, request }
                } else {
                    Effect::Probe { side, version, request }
                });
            }
            Phase::Shift { step, .. } => self.set_weights(rollout.weights_at(step, target)),
            Phase::RollBack { .. } => self.set_weights(rollout.back.weights),
            Phase::PreScaleUp { .. } | Phase::PostScaleUp {} | Phase::PostShift { .. } | Phase::Bake { .. } => {}
        }
        self.wake(rollout);
    }

    /// Asks to be woken when something is to happen by itself.
    pub(super) fn wake(&mut self, rollout: &Rollout<V>) {
        let at = match rollout.phase {
            Phase::Reconcile { until, .. } | Phase::ScaleUp { until, .. } | Phase::Shift { until, .. } => Some(until),
            Phase::PostShift { .. } | Phase::Bake { .. } if rollout.held => None,
            Phase::PostShift { until, .. } => until,
            Phase::Bake { until } => Some(until),
            Phase::PreScaleUp { .. } | Phase::PostScaleUp {} | Phase::RollBack { .. } => None,
        };
        self.effects.extend(at.map(|at| Effect::Wake { at }));
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
