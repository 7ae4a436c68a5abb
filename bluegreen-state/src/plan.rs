//! What a deployment would change, before anything is done: pure, for whoever shows a difference first.

use crate::phase::Phase;
use crate::refusal::Refusal;
use crate::side::Side;
use crate::state::State;

/// What it takes to get to a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan<V> {
    /// There is no state yet: both sides get the version. Afterwards the state is [`State::first`].
    First {
        /// The version for both.
        version: V,
    },
    /// Nothing: the version is deployed, or a rollout is on its way there. No side is touched.
    Nothing,
    /// The other side still carries the version, and is [known to](State::unfinished): only traffic moves.
    Traffic {
        /// The side that it moves to.
        to: Side,
    },
    /// The side that does not serve gets the version, then traffic moves there.
    Update {
        /// The side that is updated.
        side: Side,
        /// The version for it.
        version: V,
    },
}

/// What it takes to get from `state` to the version `desired`. `None` is for a system that has no state yet.
///
/// ```
/// use bluegreen_state::{Plan, Side, State, plan};
///
/// assert_eq!(plan(None, &1), Ok(Plan::First { version: 1 }));
/// let state = State::first(1);
/// assert_eq!(plan(Some(&state), &1), Ok(Plan::Nothing));
/// assert_eq!(plan(Some(&state), &2), Ok(Plan::Update { side: Side::Green, version: 2 }));
/// ```
///
/// # Errors
///
/// [`Refusal::UnderWay`] while a rollout to another version is under way, and [`Refusal::RollingBack`] on the way
/// back from one.
pub fn plan<V: Clone + PartialEq>(state: Option<&State<V>>, desired: &V) -> Result<Plan<V>, Refusal> {
    let Some(state) = state else {
        let version = desired.clone();
        return Ok(Plan::First { version });
    };
    let deployed = state.version(state.target) == desired;
    match state.rollout() {
        None => Ok(plan_at_rest(state, desired)),
        Some(rollout) if matches!(rollout.phase, Phase::RollBack { .. }) => Err(Refusal::RollingBack),
        Some(_) if deployed => Ok(Plan::Nothing),
        Some(rollout) => Err(Refusal::UnderWay {
            phase: rollout.phase.as_str(),
            driver: rollout.driver.clone(),
        }),
    }
}

fn plan_at_rest<V: Clone + PartialEq>(state: &State<V>, desired: &V) -> Plan<V> {
    let target = state.target;
    if state.version(target) == desired {
        Plan::Nothing
    } else if state.version(target.other()) == desired && state.unfinished.is_none() {
        Plan::Traffic { to: target.other() }
    } else {
        Plan::Update {
            side: state.serving().other(),
            version: desired.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::side::{Percent, Weights};

    /// Blue carries 1 and green 2, which was deployed last.
    fn second() -> State<u32> {
        State::plain(Side::Green, 2, 1)
    }

    fn update(side: Side, version: u32) -> Plan<u32> {
        Plan::Update { side, version }
    }

    #[test]
    fn versions_go_to_the_sides_in_turn() {
        assert_eq!(plan(Some(&State::first(1)), &2), Ok(update(Side::Green, 2)));
        assert_eq!(plan(Some(&second()), &3), Ok(update(Side::Blue, 3)));
    }

    #[test]
    fn the_side_that_serves_is_never_the_one_to_update() {
        for (green, side) in [(0, Side::Green), (10, Side::Green), (50, Side::Blue), (100, Side::Blue)] {
            let mut state = second();
            state.weights = Weights::giving(Side::Green, Percent::try_from(green).unwrap());
            assert_eq!(plan(Some(&state), &3), Ok(update(side, 3)), "green has {green}%");
        }
    }

    #[test]
    fn going_back_to_what_the_other_side_still_carries_moves_only_traffic() {
        assert_eq!(plan(Some(&second()), &1), Ok(Plan::Traffic { to: Side::Blue }));
    }

    #[test]
    fn a_side_whose_update_was_not_finished_is_updated_again() {
        let mut state = second();
        state.weights = Weights::all(Side::Green);
        state.unfinished = Some(Side::Blue);
        assert_eq!(plan(Some(&state), &1), Ok(update(Side::Blue, 1)));
    }

    #[test]
    fn the_same_version_again_changes_nothing() {
        assert_eq!(plan(Some(&second()), &2), Ok(Plan::Nothing));
    }
}
