//! What is known of the two sides: which version each carries, how traffic is divided, and how far a rollout is.

use std::fmt;

use crate::outcome::Outcome;
use crate::phase::Rollout;
use crate::side::{Side, Weights};

/// The whole state. Made by [`State::first`] or read [from a document](crate::document), changed by
/// [`step`](crate::step) alone.
///
/// `V` is what the deploy tool calls a version: a number, a tag, an image digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State<V> {
    pub(crate) target: Side,
    pub(crate) blue: V,
    pub(crate) green: V,
    pub(crate) weights: Weights,
    /// The number of the last request, counted up for each.
    pub(crate) request: u64,
    /// The side whose update was begun and not finished: what it runs is not certain.
    pub(crate) unfinished: Option<Side>,
    pub(crate) rollout: Option<Rollout<V>>,
    pub(crate) last: Option<Outcome<V>>,
}

impl<V> State<V> {
    /// The state after a first deployment: both sides carry the same version, and each gets half of the traffic,
    /// which makes no difference to anybody. The next deployment goes to green.
    #[must_use]
    pub fn first(version: V) -> Self
    where
        V: Clone,
    {
        Self::plain(Side::Blue, version.clone(), version)
    }

    /// The state that says no more than which side carries what.
    pub(crate) fn plain(target: Side, next: V, current: V) -> Self {
        let (blue, green) = match target {
            Side::Blue => (next, current),
            Side::Green => (current, next),
        };
        Self {
            target,
            blue,
            green,
            weights: Weights::EVEN,
            request: 0,
            unfinished: None,
            rollout: None,
            last: None,
        }
    }

    /// The version that `side` carries, or is getting.
    #[must_use]
    pub fn version(&self, side: Side) -> &V {
        match side {
            Side::Blue => &self.blue,
            Side::Green => &self.green,
        }
    }

    pub(crate) fn version_mut(&mut self, side: Side) -> &mut V {
        match side {
            Side::Blue => &mut self.blue,
            Side::Green => &mut self.green,
        }
    }

    /// The side with the version that was deployed last: `nextUpdate` in the document.
    #[must_use]
    pub fn target(&self) -> Side {
        self.target
    }

    /// The side that serves: the one with more of the traffic, or [`target`](Self::target) if both have the same.
    /// The other one gets the next new version.
    #[must_use]
    pub fn serving(&self) -> Side {
        self.weights.heavier().unwrap_or(self.target)
    }

    /// The side whose update was begun and not seen through: it may run its version, the one before it or both. It
    /// has no traffic, and the next deployment updates it, whatever the version.
    #[must_use]
    pub fn unfinished(&self) -> Option<Side> {
        self.unfinished
    }

    /// How the router was last asked to divide the traffic. Whether it has done so is what a rollout waits for.
    #[must_use]
    pub fn weights(&self) -> Weights {
        self.weights
    }

    /// The number of the last request that was made, 0 before the first.
    #[must_use]
    pub fn request(&self) -> u64 {
        self.request
    }

    /// The rollout that is under way, if there is one.
    #[must_use]
    pub fn rollout(&self) -> Option<&Rollout<V>> {
        self.rollout.as_ref()
    }

    /// How the last rollout ended, if there was one.
    #[must_use]
    pub fn last(&self) -> Option<&Outcome<V>> {
        self.last.as_ref()
    }
}

impl<V: fmt::Display> fmt::Display for State<V> {
    /// One line, for progress and status: `blue 1 at 90%, green 2 at 10%, POST_PRODUCTION_TRAFFIC_SHIFT`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (side, comma) in Side::BOTH.into_iter().zip(["", ", "]) {
            write!(f, "{comma}{side} {} at {}", self.version(side), self.weights.of(side))?;
        }
        match (&self.rollout, &self.last) {
            (Some(rollout), _) => {
                let held = if rollout.held { " (held)" } else { "" };
                write!(f, ", {}{held}", rollout.phase.as_str())
            }
            (None, Some(last)) => {
                write!(f, ", {} {}", last.version, last.ended.as_str())?;
                last.ended.reason().map_or(Ok(()), |reason| write!(f, ": {reason}"))
            }
            (None, None) => Ok(()),
        }
    }
}
