//! The state machine: [`step`] says for every state and every event what follows and what has to be done.
//!
//! ```text
//!  Deploy ──► RECONCILE_SERVICE ──► SCALE_UP ──► PRODUCTION_TRAFFIC_SHIFT ◄─┐
//!             only if the side      Ready           │ RouterHas             │ next step
//!             to update has         │               ▼                       │
//!             traffic               │      POST_PRODUCTION_TRAFFIC_SHIFT ───┘
//!                                   │               │ after the last step
//!   a failed check, a limit,        │               ▼
//!   Abort, Rollback: from           │           BAKE_TIME ──► Finished: SUCCESSFUL
//!   any of these                    │               │
//!        └───────────────────────► ROLLBACK_IN_PROGRESS ──► Finished: ROLLBACK_SUCCESSFUL
//!                                             RouterHas
//! ```
//!
//! Somebody else does the work: each effect that asks for something carries a number, and only the answer with the
//! number of the last request counts. So a late answer cannot be taken for another, and traffic moves on when the
//! router *has* the weights, not when it was asked.
//!
//! A side gets another version only while it has no traffic and the router has confirmed that. Every state and
//! event with its answer is in `tests/golden/rollout.txt`.

mod course;
mod walk;

use std::fmt;

use crate::outcome::Outcome;
use crate::refusal::Refusal;
use crate::side::{Side, Weights};
use crate::state::State;
use crate::strategy::Strategy;
use crate::timestamp::Timestamp;

use walk::Walk;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<V> {
    /// Somebody wants this version. What follows is what [`plan`](crate::plan()) says; if that is nothing, nothing.
    Deploy {
        /// The version wanted.
        version: V,
        /// How fast traffic moves.
        strategy: Strategy,
        /// Who does what is asked for, for others to see.
        driver: String,
    },
    /// Somebody takes over a rollout that is under way, after the one who drove it stopped. What was asked for last
    /// is asked for again; the former driver, should it live, finds its next change refused by the store.
    Resume {
        /// Who does what is asked for, from now on.
        driver: String,
    },
    /// The side runs the version that it was asked to run ([`Effect::Update`], [`Effect::Probe`]), and all of its
    /// tasks are ready to serve.
    Ready {
        /// The number of the request that this answers.
        request: u64,
    },
    /// The proxies have the weights ([`Effect::SetWeights`]): all that send traffic have acknowledged them.
    RouterHas {
        /// The number of the request that this answers.
        request: u64,
    },
    /// The version that is being deployed is not well, or never became so.
    CheckFailed {
        /// The number of the request that this answers, or of the [last one](State::request) when the check was made:
        /// so a check of an earlier rollout that comes late is told apart.
        request: u64,
        /// What was found, for people. The state keeps its first 300 characters.
        what: String,
    },
    /// Time has passed.
    Tick,
    /// Go no further than the next place where it can wait.
    Hold,
    /// Go on after a hold.
    Continue,
    /// Take back the rollout that is under way.
    Abort,
    /// Take back the rollout that is under way, or, after one that went well, return to the version before it, all
    /// at once as soon as its side says that it is ready.
    Rollback {
        /// Who does what is asked for, if there was nothing under way.
        driver: String,
    },
}

/// What has to be done now. Doing it twice does no harm; doing it late does: requests are numbered upwards, and one with
/// a lower number than one that was done already is out of date and has to be left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect<V> {
    /// Replace what runs on the side. Answered by [`Event::Ready`] or [`Event::CheckFailed`].
    Update {
        /// The side; it has no traffic.
        side: Side,
        /// The version it is to run.
        version: V,
        /// The number of this request.
        request: u64,
    },
    /// Find out whether the side is ready with the version that it runs, and change nothing. Answered as
    /// [`Effect::Update`].
    Probe {
        /// The side.
        side: Side,
        /// The version it should be running.
        version: V,
        /// The number of this request.
        request: u64,
    },
    /// Have the router divide traffic so. Answered by [`Event::RouterHas`].
    SetWeights {
        /// The weights.
        weights: Weights,
        /// The number of this request.
        request: u64,
    },
    /// Send [`Event::Tick`] at that time.
    Wake {
        /// When.
        at: Timestamp,
    },
    /// The rollout is over, and there is no more to do.
    Finished {
        /// How it ended.
        outcome: Outcome<V>,
    },
    /// The event changed nothing.
    Refused {
        /// Why.
        refusal: Refusal,
    },
}

impl<V: fmt::Display> fmt::Display for Effect<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Update { side, version, request } => write!(f, "update {side} to {version} (request {request})"),
            Self::Probe { side, version, request } => {
                write!(f, "see whether {side} is ready with {version} (request {request})")
            }
            Self::SetWeights { weights, request } => write!(f, "set weights {weights} (request {request})"),
            Self::Wake { at } => write!(f, "wake at {at}"),
            Self::Finished { outcome } => {
                write!(f, "finished {}: {}", outcome.version, outcome.ended.as_str())?;
                outcome.ended.reason().map_or(Ok(()), |reason| write!(f, ", {reason}"))
            }
            Self::Refused { refusal } => write!(f, "refused: {refusal}"),
        }
    }
}

/// What follows when `event` happens in `state` at the time `now`, and what has to be done.
///
/// It has an answer to everything: a command that cannot be obeyed gives [`Effect::Refused`] and the same state, and
/// an answer that comes late gives nothing and the same state. Store the next state before doing what is asked: then
/// whoever comes after a crash knows what was asked for, and can [ask again](Event::Resume). A clock that is set back
/// makes waits longer, never shorter.
#[must_use]
pub fn step<V: Clone + PartialEq>(state: &State<V>, event: Event<V>, now: Timestamp) -> (State<V>, Vec<Effect<V>>) {
    let mut walk = Walk::new(state.clone(), now);
    walk.take(event);
    walk.done()
}
