//! The two sides and the weights that divide traffic between them. Weights always add up to 100.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the two sides that run a version. Which one is live depends only on the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// `blue`.
    Blue,
    /// `green`.
    Green,
}

impl Side {
    /// Both sides, blue first.
    pub const BOTH: [Side; 2] = [Side::Blue, Side::Green];

    /// The opposite side.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Blue => Self::Green,
            Self::Green => Self::Blue,
        }
    }

    /// `blue` or `green`, as in documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Green => "green",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A share of the traffic in whole percent, 0 to 100.
///
/// ECS supports tenths of a percent; routers with integer weights up to 100, such as App Mesh, do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Percent(u8);

impl Percent {
    /// 0 %.
    pub const NONE: Self = Self(0);
    /// 50 %.
    pub const HALF: Self = Self(50);
    /// 100 %.
    pub const ALL: Self = Self(100);

    /// The share as a number, 0 to 100.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }

    /// The share of the other side: 100 % minus this.
    #[must_use]
    pub fn complement(self) -> Self {
        Self(100 - self.0)
    }
}

/// A number above 100, which is not a percentage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}% is not a share of the traffic: expected a whole number from 0 to 100")]
pub struct InvalidPercent(pub u8);

impl TryFrom<u8> for Percent {
    type Error = InvalidPercent;

    fn try_from(number: u8) -> Result<Self, InvalidPercent> {
        if number <= 100 {
            Ok(Self(number))
        } else {
            Err(InvalidPercent(number))
        }
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

/// The shares of traffic of both sides, which add up to 100 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "WeightsJson", into = "WeightsJson")]
pub struct Weights {
    blue: Percent,
}

impl Weights {
    /// 50 % for each side: the default of a document without weights.
    pub const EVEN: Self = Self { blue: Percent::HALF };

    /// `share` for `side`, the remainder for the other side.
    #[must_use]
    pub fn with_share(side: Side, share: Percent) -> Self {
        match side {
            Side::Blue => Self { blue: share },
            Side::Green => Self {
                blue: share.complement(),
            },
        }
    }

    /// 100 % for `side`.
    #[must_use]
    pub fn all(side: Side) -> Self {
        Self::with_share(side, Percent::ALL)
    }

    /// The share of `side`.
    #[must_use]
    pub fn share(self, side: Side) -> Percent {
        match side {
            Side::Blue => self.blue,
            Side::Green => self.blue.complement(),
        }
    }

    /// The side with more than 50 % of the traffic, if there is one.
    #[must_use]
    pub fn majority(self) -> Option<Side> {
        Side::BOTH.into_iter().find(|side| self.share(*side) > Percent::HALF)
    }
}

impl fmt::Display for Weights {
    /// `blue 90%, green 10%`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blue {}, green {}", self.share(Side::Blue), self.share(Side::Green))
    }
}

/// JSON form of [`Weights`]: both shares, so that readers need not compute one.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WeightsJson {
    blue: Percent,
    green: Percent,
}

impl From<Weights> for WeightsJson {
    fn from(weights: Weights) -> Self {
        Self {
            blue: weights.share(Side::Blue),
            green: weights.share(Side::Green),
        }
    }
}

impl TryFrom<WeightsJson> for Weights {
    type Error = String;

    fn try_from(json: WeightsJson) -> Result<Self, String> {
        if json.green == json.blue.complement() {
            Ok(Self { blue: json.blue })
        } else {
            Err(format!(
                "the weights blue {} and green {} do not add up to 100%",
                json.blue, json.green
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_both_sides_add_up() {
        let weights = Weights::with_share(Side::Green, Percent(10));
        assert_eq!(weights.share(Side::Green).get(), 10);
        assert_eq!(weights.share(Side::Blue).get(), 90);
        assert_eq!(weights.to_string(), "blue 90%, green 10%");
        assert_eq!(weights.majority(), Some(Side::Blue));
        assert_eq!(Weights::EVEN.majority(), None);
        assert_eq!(Weights::all(Side::Green).majority(), Some(Side::Green));
    }

    #[test]
    fn json_has_both_shares_and_must_add_up() {
        let weights = Weights::with_share(Side::Blue, Percent(1));
        let text = serde_json::to_string(&weights).unwrap();
        assert_eq!(text, r#"{"blue":1,"green":99}"#);
        assert_eq!(serde_json::from_str::<Weights>(&text).unwrap(), weights);
        for invalid in [
            r#"{"blue":1,"green":98}"#,
            r#"{"blue":101,"green":0}"#,
            r#"{"blue":100}"#,
            r#"{"blue":100,"green":0,"red":0}"#,
        ] {
            assert!(serde_json::from_str::<Weights>(invalid).is_err(), "{invalid}");
        }
    }

    #[test]
    fn percent_is_at_most_100() {
        assert_eq!(Percent::try_from(100), Ok(Percent::ALL));
        assert_eq!(Percent::try_from(101), Err(InvalidPercent(101)));
    }
}
