//! Finds contradictions that no rollout of this crate leaves behind: the document was edited manually.

use crate::hook::HookStage;
use crate::phase::Phase;
use crate::side::{Percent, Weights};
use crate::state::State;

/// The first contradiction in a state, if there is one.
pub(super) fn contradiction<V>(state: &State<V>) -> Option<String> {
    if let Some(side) = state
        .dirty_side
        .filter(|side| state.weights.share(*side) > Percent::NONE)
    {
        return Some(format!("{side} is unfinished and has traffic: {}", state.weights));
    }
    let rollout = state.rollout()?;
    let phase = rollout.phase.as_str();
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
        Phase::RollBack { .. } if state.target != rollout.rollback_target.side => {
            return Some(format!(
                "{phase} restores {}, and nextUpdate is {}",
                rollout.rollback_target.side, state.target
            ));
        }
        Phase::RollBack { .. } => Some(rollout.rollback_target.weights),
        Phase::Reconcile { .. } | Phase::PreScaleUp { .. } => Some(Weights::all(state.target.other())),
        Phase::CleanUp => Some(rollout.weights_at(steps - 1, state.target)),
        // A side that keeps its version may have had traffic before the rollout.
        Phase::ScaleUp { .. } | Phase::PostScaleUp | Phase::TestShift { .. } | Phase::PostTestShift { .. } => None,
    };
    if let Some(expected) = expected.filter(|expected| *expected != state.weights) {
        return Some(format!(
            "the weights are {}, and {phase} requires {expected}",
            state.weights
        ));
    }
    if let Some(hook) = rollout.hook()
        && HookStage::of_phase(&rollout.phase) != Some(hook.stage)
    {
        return Some(format!("{phase} has no hook at {}", hook.stage));
    }
    let needs_pause =
        matches!(rollout.phase, Phase::PreScaleUp { .. } | Phase::PostScaleUp) && rollout.hook().is_none();
    (needs_pause && !rollout.paused).then(|| format!("{phase} is a pause, and the rollout is not held"))
}
