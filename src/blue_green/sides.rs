//! What a description is told of the two sides.

use bluegreen_state::{Side, State};
use serde_json::json;

use super::Version;

/// The two sides of an app: which version each runs, and how traffic is divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    blue: Version,
    green: Version,
    weights: [u32; 2],
    target: Side,
}

impl Sides {
    pub(super) fn of(state: &State<Version>) -> Result<Self, String> {
        let weight = |side| u32::from(state.weights().share(side).get());
        Ok(Self {
            blue: *state.version(Side::Blue),
            green: *state.version(Side::Green),
            weights: [weight(Side::Blue), weight(Side::Green)],
            target: state.target(),
        })
    }

    /// What can be run of a state: a side whose update was not seen through may never become well, and has no traffic. It
    /// runs what the other one runs, until the next deployment.
    pub(super) fn that_run(state: &State<Version>) -> Result<Self, String> {
        let sides = Self::of(state)?;
        Ok(match state.dirty_side() {
            None => sides,
            Some(Side::Blue) => Self {
                blue: sides.green,
                ..sides
            },
            Some(Side::Green) => Self {
                green: sides.blue,
                ..sides
            },
        })
    }

    /// The same with another version on one side, which was deployed last then.
    pub(super) fn with_version(mut self, side: Side, version: Version) -> Self {
        match side {
            Side::Blue => self.blue = version,
            Side::Green => self.green = version,
        }
        self.target = side;
        self
    }

    /// The version that blue runs.
    #[must_use]
    pub fn blue(&self) -> u64 {
        self.blue
    }

    /// The version that green runs.
    #[must_use]
    pub fn green(&self) -> u64 {
        self.green
    }

    /// The percentages of the traffic that blue and green get.
    #[must_use]
    pub fn weights(&self) -> [u32; 2] {
        self.weights
    }

    /// Which side carries what, as a document in three words: `{"nextUpdate":"green","nextVersion":2,"currentVersion":1}`.
    /// For a parameter of the stack, beside what it describes.
    #[must_use]
    pub fn document(&self) -> String {
        let (next, current) = match self.target {
            Side::Blue => (self.blue, self.green),
            Side::Green => (self.green, self.blue),
        };
        json!({"nextUpdate": self.target.as_str(), "nextVersion": next, "currentVersion": current}).to_string()
    }
}

#[cfg(test)]
mod tests {
    use bluegreen_state::{Event, Strategy, step};

    use super::*;

    /// Version 2 is on its way to green, all at once.
    fn deploying() -> State<Version> {
        let deploy = Event::Deploy {
            version: 2,
            strategy: Strategy::all_at_once(),
            controller: "somebody".to_owned(),
        };
        let now = std::time::SystemTime::UNIX_EPOCH.into();
        let (state, _) = step(&State::initial(1), deploy, now);
        // Green has lost its share of the traffic, and is being updated.
        let request = state.last_request();
        step(&state, Event::WeightsApplied { request }, now).0
    }

    #[test]
    fn a_side_that_is_being_updated_is_described_as_it_is_to_be() {
        let sides = Sides::of(&deploying()).expect("two sides");
        assert_eq!((sides.blue(), sides.green(), sides.weights()), (1, 2, [100, 0]));
        assert_eq!(
            sides.document(),
            r#"{"nextUpdate":"green","nextVersion":2,"currentVersion":1}"#
        );
    }

    #[test]
    fn a_side_whose_update_was_not_seen_through_runs_what_the_other_one_runs() {
        let now = std::time::SystemTime::UNIX_EPOCH.into();
        let (state, _) = step(&deploying(), Event::Abort, now);
        let sides = Sides::that_run(&state).expect("two sides");
        assert_eq!((sides.blue(), sides.green(), sides.weights()), (1, 1, [100, 0]));
        assert_eq!(
            sides.document(),
            r#"{"nextUpdate":"blue","nextVersion":1,"currentVersion":1}"#
        );
        let seen_through = State::initial(1);
        assert_eq!(Sides::that_run(&seen_through), Sides::of(&seen_through));
    }

    #[test]
    fn a_version_on_a_side_is_the_one_that_was_deployed_last() {
        let sides = Sides::of(&State::initial(1)).expect("two sides");
        let sides = sides.with_version(Side::Green, 7);
        assert_eq!((sides.blue(), sides.green()), (1, 7));
        assert_eq!(
            sides.document(),
            r#"{"nextUpdate":"green","nextVersion":7,"currentVersion":1}"#
        );
    }
}
