//! The two sides, and how traffic is divided between them: shares that always add up to 100.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the two places that a version can run in. Neither is "the live one": that is what the weights say.
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

    /// The side that this one is not.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Blue => Self::Green,
            Self::Green => Self::Blue,
        }
    }

    /// `blue` or `green`, as documents spell it.
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
/// ECS counts in tenths of a percent; routers whose weights are whole numbers up to 100, as App Mesh's, cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Percent(u8);

impl Percent {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// 50 %.
    pub const HALF: Self = Self(50);
    /// Everything.
    pub const ALL: Self = Self(100);

    /// The share as a number, 0 to 100.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }

    /// What is left of the whole.
    #[must_use]
    pub fn rest(self) -> Self {
        Self(100 - self.0)
    }
}

/// A number that is no share of a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} % is more than everything: a share of the traffic is a whole number from 0 to 100")]
pub struct TooMuch(pub u8);

impl TryFrom<u8> for Percent {
    type Error = TooMuch;

    fn try_from(number: u8) -> Result<Self, TooMuch> {
        if number <= 100 {
            Ok(Self(number))
        } else {
            Err(TooMuch(number))
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

/// How the traffic is divided: a share for each side, 100 together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "WeightsForm", into = "WeightsForm")]
pub struct Weights {
    blue: Percent,
}

impl Weights {
    /// Half for each side: what a document means that does not mention weights.
    pub const EVEN: Self = Self { blue: Percent::HALF };

    /// `share` for `side`, the rest for the other.
    #[must_use]
    pub fn giving(side: Side, share: Percent) -> Self {
        match side {
            Side::Blue => Self { blue: share },
            Side::Green => Self { blue: share.rest() },
        }
    }

    /// Everything for `side`.
    #[must_use]
    pub fn all(side: Side) -> Self {
        Self::giving(side, Percent::ALL)
    }

    /// The share of `side`.
    #[must_use]
    pub fn of(self, side: Side) -> Percent {
        match side {
            Side::Blue => self.blue,
            Side::Green => self.blue.rest(),
        }
    }

    /// The side with more than half of the traffic, if there is one.
    #[must_use]
    pub fn heavier(self) -> Option<Side> {
        Side::BOTH.into_iter().find(|side| self.of(*side) > Percent::HALF)
    }
}

impl fmt::Display for Weights {
    /// `blue 90%, green 10%`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blue {}, green {}", self.of(Side::Blue), self.of(Side::Green))
    }
}

/// Weights as documents spell them: both shares, for whoever reads them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WeightsForm {
    blue: Percent,
    green: Percent,
}

impl From<Weights> for WeightsForm {
    fn from(weights: Weights) -> Self {
        Self {
            blue: weights.of(Side::Blue),
            green: weights.of(Side::Green),
        }
    }
}

impl TryFrom<WeightsForm> for Weights {
    type Error = String;

    fn try_from(form: WeightsForm) -> Result<Self, String> {
        if form.green == form.blue.rest() {
            Ok(Self { blue: form.blue })
        } else {
            Err(format!(
                "the weights blue {} and green {} do not add up to 100%",
                form.blue, form.green
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_side_does_not_get_is_the_others() {
        let weights = Weights::giving(Side::Green, Percent(10));
        assert_eq!(weights.of(Side::Green).get(), 10);
        assert_eq!(weights.of(Side::Blue).get(), 90);
        assert_eq!(weights.to_string(), "blue 90%, green 10%");
        assert_eq!(weights.heavier(), Some(Side::Blue));
        assert_eq!(Weights::EVEN.heavier(), None);
        assert_eq!(Weights::all(Side::Green).heavier(), Some(Side::Green));
    }

    #[test]
    fn weights_are_written_for_both_sides_and_read_only_if_they_add_up() {
        let weights = Weights::giving(Side::Blue, Percent(1));
        let text = serde_json::to_string(&weights).unwrap();
        assert_eq!(text, r#"{"blue":1,"green":99}"#);
        assert_eq!(serde_json::from_str::<Weights>(&text).unwrap(), weights);
        for wrong in [
            r#"{"blue":1,"green":98}"#,
            r#"{"blue":101,"green":0}"#,
            r#"{"blue":100}"#,
            r#"{"blue":100,"green":0,"red":0}"#,
        ] {
            assert!(serde_json::from_str::<Weights>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_share_is_more_than_everything() {
        assert_eq!(Percent::try_from(100), Ok(Percent::ALL));
        assert_eq!(Percent::try_from(101), Err(TooMuch(101)));
    }
}
