//! The two sides, as input of an application's description.

use bluegreen_state::{Side, State};
use serde_json::json;

use crate::Version;

/// The versions and weights of both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    blue: Version,
    green: Version,
    weights: [u32; 2],
    test_weights: [u32; 2],
    mirrors: [u32; 2],
    target: Side,
}

impl Sides {
    /// The sides of a state: a side that is being updated has its new version.
    #[must_use]
    pub fn of_state(state: &State<Version>) -> Self {
        let weight = |side| u32::from(state.weights().share(side).get());
        let weights = [weight(Side::Blue), weight(Side::Green)];
        Self {
            blue: *state.version(Side::Blue),
            green: *state.version(Side::Green),
            weights,
            test_weights: match state.test_side() {
                Some(Side::Blue) => [100, 0],
                Some(Side::Green) => [0, 100],
                None => weights,
            },
            mirrors: match state.mirror() {
                Some((Side::Blue, share)) => [share.get().into(), 0],
                Some((Side::Green, share)) => [0, share.get().into()],
                None => [0, 0],
            },
            target: state.target(),
        }
    }

    /// The sides that can be run: a dirty side, whose update did not complete, may never become ready and has no
    /// traffic. It runs the version of the other side until the next deployment.
    #[must_use]
    pub fn runnable(state: &State<Version>) -> Self {
        let sides = Self::of_state(state);
        match state.dirty_side() {
            None => sides,
            Some(Side::Blue) => Self {
                blue: sides.green,
                ..sides
            },
            Some(Side::Green) => Self {
                green: sides.blue,
                ..sides
            },
        }
    }

    /// The same with another version on one side, which becomes the last deployed one.
    #[must_use]
    pub fn with_version(mut self, side: Side, version: Version) -> Self {
        match side {
            Side::Blue => self.blue = version,
            Side::Green => self.green = version,
        }
        self.target = side;
        self
    }

    /// The version of blue.
    #[must_use]
    pub fn blue(&self) -> u64 {
        self.blue
    }

    /// The version of green.
    #[must_use]
    pub fn green(&self) -> u64 {
        self.green
    }

    /// The percentages of the traffic of blue and green.
    #[must_use]
    pub fn weights(&self) -> [u32; 2] {
        self.weights
    }

    /// The percentages of the test traffic of blue and green, for the route of test traffic: all of it on the side that is
    /// rolled out, from TEST_TRAFFIC_SHIFT until the rollout has ended; else those of the [traffic](Self::weights).
    #[must_use]
    pub fn test_weights(&self) -> [u32; 2] {
        self.test_weights
    }

    /// The percentages of the requests that are mirrored to blue and green, for
    /// [`HttpRoute::with_mirror`](mesh_infra::HttpRoute::with_mirror): not 0 for the side that is rolled out with a strategy
    /// such as `canary:10%,30s,test:2m,mirror:10%`, while it has only test traffic.
    #[must_use]
    pub fn mirrors(&self) -> [u32; 2] {
        self.mirrors
    }

    /// The basic state document: `{"nextUpdate":"green","nextVersion":2,"currentVersion":1}`. For a parameter of the
    /// stack that other tools read.
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

    /// Green is being updated to version 2.
    fn updating_green() -> State<Version> {
        let deploy = Event::Deploy {
            version: 2,
            strategy: Strategy::all_at_once(),
            controller: "ci".to_owned(),
        };
        let now = std::time::SystemTime::UNIX_EPOCH.into();
        let (state, _) = step(&State::initial(1), deploy, now);
        let request = state.last_request();
        step(&state, Event::WeightsApplied { request }, now).0
    }

    #[test]
    fn side_that_is_being_updated_has_its_new_version() {
        let sides = Sides::of_state(&updating_green());
        assert_eq!((sides.blue(), sides.green(), sides.weights()), (1, 2, [100, 0]));
        assert_eq!(
            sides.document(),
            r#"{"nextUpdate":"green","nextVersion":2,"currentVersion":1}"#
        );
    }

    #[test]
    fn dirty_side_runs_the_version_of_the_other_side() {
        let now = std::time::SystemTime::UNIX_EPOCH.into();
        let (state, _) = step(&updating_green(), Event::Abort, now);
        let sides = Sides::runnable(&state);
        assert_eq!((sides.blue(), sides.green(), sides.weights()), (1, 1, [100, 0]));
        assert_eq!(
            sides.document(),
            r#"{"nextUpdate":"blue","nextVersion":1,"currentVersion":1}"#
        );
        let clean = State::initial(1);
        assert_eq!(Sides::runnable(&clean), Sides::of_state(&clean));
    }

    #[test]
    fn test_traffic_goes_to_the_side_that_is_rolled_out() {
        let now = std::time::SystemTime::UNIX_EPOCH.into();
        let deploy = Event::Deploy {
            version: 2,
            strategy: "all-at-once,test:hold,mirror:15%".parse().expect("a strategy"),
            controller: "ci".to_owned(),
        };
        let mut state = step(&State::initial(1), deploy, now).0;
        assert_eq!(
            Sides::of_state(&state).test_weights(),
            [100, 0],
            "as production traffic"
        );
        for _ in 0..2 {
            let request = state.last_request();
            for event in [Event::WeightsApplied { request }, Event::Ready { request }] {
                state = step(&state, event, now).0;
            }
        }
        assert_eq!(
            state.rollout().expect("a rollout").phase().as_str(),
            "TEST_TRAFFIC_SHIFT"
        );
        let sides = Sides::of_state(&state);
        assert_eq!((sides.weights(), sides.test_weights()), ([100, 0], [0, 100]));
        assert_eq!(sides.mirrors(), [0, 15]);
        let (state, _) = step(&state, Event::Abort, now);
        assert_eq!(Sides::of_state(&state).test_weights(), [100, 0], "a rollback");
    }

    #[test]
    fn with_version_changes_the_last_deployed_side() {
        let sides = Sides::of_state(&State::initial(1));
        let sides = sides.with_version(Side::Green, 7);
        assert_eq!((sides.blue(), sides.green()), (1, 7));
        assert_eq!(
            sides.document(),
            r#"{"nextUpdate":"green","nextVersion":7,"currentVersion":1}"#
        );
    }
}
