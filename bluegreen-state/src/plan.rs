//! Computes what a deployment would change, without changing anything.

use crate::phase::Phase;
use crate::rejected::Rejected;
use crate::side::Side;
use crate::state::State;

/// The change that a deployment needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan<V> {
    /// There is no state yet: both sides get the version. Afterwards the state is [`State::initial`].
    Create {
        /// The version for both sides.
        version: V,
    },
    /// No change: the version is deployed, or a rollout to it is in progress. If it [stays](State::partial_share) at a part
    /// of the traffic, the strategy of the deployment decides whether it gets more.
    NoChange,
    /// The other side still runs the version and is not [dirty](State::dirty_side): only traffic shifts.
    ShiftTraffic {
        /// The side that gets the traffic.
        to: Side,
    },
    /// The side that does not serve gets the version, then traffic shifts to it.
    Update {
        /// The side that is updated.
        side: Side,
        /// The version for it.
        version: V,
    },
}

/// Computes the change from `state` to the version `desired`. `None` is a system without state.
///
/// ```
/// use bluegreen_state::{Plan, Side, State, plan};
///
/// assert_eq!(plan(None, &1), Ok(Plan::Create { version: 1 }));
/// let state = State::initial(1);
/// assert_eq!(plan(Some(&state), &1), Ok(Plan::NoChange));
/// assert_eq!(plan(Some(&state), &2), Ok(Plan::Update { side: Side::Green, version: 2 }));
/// ```
///
/// # Errors
///
/// [`Rejected::InProgress`] during a rollout to another version, and [`Rejected::RollingBack`] during a rollback.
pub fn plan<V: Clone + PartialEq>(state: Option<&State<V>>, desired: &V) -> Result<Plan<V>, Rejected> {
    let Some(state) = state else {
        let version = desired.clone();
        return Ok(Plan::Create { version });
    };
    let is_target_version = state.version(state.target) == desired;
    match state.rollout() {
        None => Ok(plan_without_rollout(state, desired)),
        Some(rollout) if matches!(rollout.phase, Phase::RollBack { .. }) => Err(Rejected::RollingBack),
        Some(_) if is_target_version => Ok(Plan::NoChange),
        Some(rollout) => Err(Rejected::InProgress {
            phase: rollout.phase.as_str(),
            controller: rollout.controller.clone(),
        }),
    }
}

fn plan_without_rollout<V: Clone + PartialEq>(state: &State<V>, desired: &V) -> Plan<V> {
    let target = state.target;
    if state.version(target) == desired {
        Plan::NoChange
    } else if state.version(target.other()) == desired && state.dirty_side.is_none() {
        Plan::ShiftTraffic { to: target.other() }
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

    /// Blue runs 1 and green 2, which was deployed last.
    fn second_deployment() -> State<u32> {
        State::from_versions(Side::Green, 2, 1)
    }

    fn update(side: Side, version: u32) -> Plan<u32> {
        Plan::Update { side, version }
    }

    #[test]
    fn new_versions_alternate_between_the_sides() {
        assert_eq!(plan(Some(&State::initial(1)), &2), Ok(update(Side::Green, 2)));
        assert_eq!(plan(Some(&second_deployment()), &3), Ok(update(Side::Blue, 3)));
    }

    #[test]
    fn serving_side_is_never_updated() {
        for (green, side) in [(0, Side::Green), (10, Side::Green), (50, Side::Blue), (100, Side::Blue)] {
            let mut state = second_deployment();
            state.weights = Weights::with_share(Side::Green, Percent::try_from(green).unwrap());
            assert_eq!(plan(Some(&state), &3), Ok(update(side, 3)), "green has {green}%");
        }
    }

    #[test]
    fn version_of_the_other_side_needs_only_a_traffic_shift() {
        let expected = Plan::ShiftTraffic { to: Side::Blue };
        assert_eq!(plan(Some(&second_deployment()), &1), Ok(expected));
    }

    #[test]
    fn dirty_side_is_updated_again() {
        let mut state = second_deployment();
        state.weights = Weights::all(Side::Green);
        state.dirty_side = Some(Side::Blue);
        assert_eq!(plan(Some(&state), &1), Ok(update(Side::Blue, 1)));
    }

    #[test]
    fn deployed_version_needs_no_change() {
        assert_eq!(plan(Some(&second_deployment()), &2), Ok(Plan::NoChange));
    }
}
