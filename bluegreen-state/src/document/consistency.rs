//! What no rollout of this crate could have left behind: a sign that somebody changed a document by hand.

use crate::phase::Phase;
use crate::side::{Percent, Weights};
use crate::state::State;

/// What does not fit together in a state, if something does not.
pub(super) fn complaint<V>(state: &State<V>) -> Option<String> {
    if let Some(side) = state.unfinished.filter(|side| state.weights.of(*side) > Percent::NONE) {
        return Some(format!("{side} is unfinished, and has traffic: {}", state.weights));
    }
    let rollout = state.rollout()?;
    let phase = rollout.phase.as_str();
    let idle = Weights::all(state.target.other());
    let steps = rollout.strategy.to_steps().len();
    let expected = match rollout.phase {
        Phase::Shift { step, .. } | Phase::PostShift { step, .. } if step >= steps => {
            return Some(format!(
                "{phase} has step {step}, and `{}` has {steps}, counted from 0",
                rollout.strategy
            ));
        }
        Phase::Shift { step, .. } | Phase::PostShift { step, .. } => Some(rollout.weights_at(step, state.target)),
        Phase::Bake { .. } => Some(rollout.weights_at(steps - 1, state.target)),
        Phase::RollBack { .. } if state.target != rollout.back.target => {
            return Some(format!(
                "{phase} goes back to {}, and nextUpdate is {}",
                rollout.back.target, state.target
            ));
        }
        Phase::RollBack { .. } => Some(rollout.back.weights),
        Phase::Reconcile { .. } | Phase::PreScaleUp { .. } => Some(idle),
        // A side that keeps its version may have had traffic all along.
        Phase::ScaleUp { .. } | Phase::PostScaleUp {} => None,
    };
    if let Some(expected) = expected.filter(|expected| *expected != state.weights) {
        return Some(format!(
            "the weights are {}, and in {phase} they would be {expected}",
            state.weights
        ));
    }
    let waits = matches!(rollout.phase, Phase::PreScaleUp { .. } | Phase::PostScaleUp {});
    (waits && !rollout.held).then(|| format!("{phase} is a hold, and nothing is held"))
}
