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
        let weight = |side| u32::from(state.weights().of(side).get());
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
        Ok(match state.unfinished() {
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
