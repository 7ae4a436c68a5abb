//! The rollout state machine: [`step`] maps a state and an event to the next state and the required effects.
//!
//! ```text
//!  Deploy ──► RECONCILE_SERVICE ──► SCALE_UP ──► PRODUCTION_TRAFFIC_SHIFT ◄─┐
//!             only if the side      Ready           │ WeightsApplied        │ next step
//!             to update has         │               ▼                       │
//!             traffic               │      POST_PRODUCTION_TRAFFIC_SHIFT ───┘
//!                                   │               │ after the last step
//!   failed check or hook, timeout,  │               ▼
//!   Abort, Rollback: from           │           BAKE_TIME ──► Finished: SUCCESSFUL
//!   any of these                    │               │
//!        └───────────────────────► ROLLBACK_IN_PROGRESS ──► Finished: ROLLBACK_SUCCESSFUL
//!                                             WeightsApplied
//! ```
//!
//! With test traffic, TEST_TRAFFIC_SHIFT and POST_TEST_TRAFFIC_SHIFT follow SCALE_UP, and CLEAN_UP precedes the end. Each of
//! the three has the weights of the phase before it; [`State::test_side`] is what changes.
//!
//! A phase with a hook is left once the hook has succeeded. Hooks at stages that end with a request run after it, those at
//! PRE_ and POST_ stages when the stage begins.
//!
//! Promote replaces the remaining steps by one to 100 %; without a rollout, it begins one for a version that stays at a share.
//!
//! Effects are carried out by the caller. Each effect that makes a request has a number, and only a result with the
//! number of the last request counts: a late result is not mistaken for another, and traffic shifts further only once
//! the router *has* the weights.
//!
//! A side gets another version only while it has no traffic and the router has confirmed that. The complete table of
//! transitions is in `tests/golden/rollout.txt`.

mod phases;
mod transition;

use std::fmt;
use std::time::Duration;

use crate::hook::HookStage;
use crate::outcome::Outcome;
use crate::rejected::Rejected;
use crate::side::{Side, Weights};
use crate::state::State;
use crate::strategy::Strategy;
use crate::timestamp::Timestamp;

use transition::Transition;

/// Input of the state machine: a command, a result of an effect, or the passing of time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<V> {
    /// Deploy a version. [`plan`](crate::plan()) computes what follows.
    ///
    /// A version that [stays](State::partial_share) at a share moves on if the strategy ends at a larger one. Traffic
    /// never falls on the way: steps below the version's current share are skipped, and a strategy that ends below it is
    /// [rejected](Rejected::ShareWouldFall).
    Deploy {
        /// The version to deploy.
        version: V,
        /// How fast traffic shifts.
        strategy: Strategy,
        /// Name of the controller that carries out the rollout, visible to others.
        controller: String,
    },
    /// Take over the rollout in progress after its controller stopped. The last request is made again. If the former
    /// controller is still running, the store rejects its next change.
    Resume {
        /// Name of the new controller.
        controller: String,
    },
    /// The side runs the requested version ([`Effect::Update`], [`Effect::CheckReady`]), and all of its tasks are ready.
    Ready {
        /// Number of the request.
        request: u64,
    },
    /// All proxies that send traffic have acknowledged the weights ([`Effect::SetWeights`]).
    WeightsApplied {
        /// Number of the request.
        request: u64,
    },
    /// The version that is being deployed is unhealthy, or never became ready.
    CheckFailed {
        /// Number of the request that failed, or the [last request](State::last_request) when the check was made, so
        /// that a late check of an earlier rollout is ignored.
        request: u64,
        /// The finding, for people. The state keeps its first 300 characters.
        finding: String,
    },
    /// The hook succeeded ([`Effect::RunHook`]).
    HookSucceeded {
        /// Number of the request.
        request: u64,
    },
    /// The hook needs more time, and is called again.
    HookInProgress {
        /// Number of the request.
        request: u64,
        /// How long from now.
        call_after: Duration,
    },
    /// The hook failed: the rollout is rolled back.
    HookFailed {
        /// Number of the request.
        request: u64,
        /// The finding, for people. The state keeps its first 300 characters.
        finding: String,
    },
    /// Time has passed.
    Tick,
    /// The controller is running. Changes only [`controller_seen_at`](crate::Rollout::controller_seen_at).
    Heartbeat,
    /// Pause at the next phase that can wait.
    Pause,
    /// Continue after a pause.
    Continue,
    /// Give the last deployed version all of the traffic at once: skip the remaining steps and pauses of the rollout
    /// in progress, or finish one that [stays](State::partial_share) at a share. Bake time still follows; at 100 %, the
    /// event ends it. Checks continue, and roll back as before.
    Promote {
        /// Name of the controller, if no rollout was in progress.
        controller: String,
    },
    /// Roll back the rollout in progress.
    Abort,
    /// Roll back the rollout in progress. After a successful rollout: return to the previous version, all at once,
    /// after its side was found ready.
    Rollback {
        /// Name of the controller, if no rollout was in progress.
        controller: String,
    },
}

/// Output of the state machine: an action to carry out. Actions are idempotent, but must not be carried out late:
/// request numbers increase, and an action with a lower number than one already carried out must be dropped.
///
/// Exhaustive on purpose: a tool that ignored an effect it does not know would wait forever for its result, so a new
/// effect is a breaking change. [`Controller`](crate::Controller) handles all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect<V> {
    /// Replace what runs on the side. Result: [`Event::Ready`] or [`Event::CheckFailed`].
    Update {
        /// The side; it has no traffic.
        side: Side,
        /// The version for it.
        version: V,
        /// Number of this request.
        request: u64,
    },
    /// Check that the side is ready with its current version, and change nothing. Results as for
    /// [`Effect::Update`].
    CheckReady {
        /// The side.
        side: Side,
        /// Its version.
        version: V,
        /// Number of this request.
        request: u64,
    },
    /// Set the weights of the router. Result: [`Event::WeightsApplied`].
    SetWeights {
        /// The weights.
        weights: Weights,
        /// Number of this request.
        request: u64,
    },
    /// Call the hook of a stage. Result: [`Event::HookSucceeded`], [`Event::HookInProgress`] or [`Event::HookFailed`]. A
    /// controller that crashed may have called it before: a hook runs at least once.
    RunHook {
        /// The stage.
        stage: HookStage,
        /// Number of this request.
        request: u64,
    },
    /// Send [`Event::Tick`] at that time.
    ScheduleTick {
        /// The time.
        at: Timestamp,
    },
    /// The rollout has ended.
    Finished {
        /// Its outcome.
        outcome: Outcome<V>,
    },
    /// The event changed nothing.
    Rejected {
        /// Why.
        reason: Rejected,
    },
}

impl<V: fmt::Display> fmt::Display for Effect<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Update { side, version, request } => write!(f, "update {side} to {version} (request {request})"),
            Self::CheckReady { side, version, request } => {
                write!(f, "check that {side} is ready with {version} (request {request})")
            }
            Self::SetWeights { weights, request } => write!(f, "set weights {weights} (request {request})"),
            Self::RunHook { stage, request } => write!(f, "run the hook at {stage} (request {request})"),
            Self::ScheduleTick { at } => write!(f, "schedule tick at {at}"),
            Self::Finished { outcome } => {
                write!(f, "finished {}: {}", outcome.version, outcome.status.as_str())?;
                outcome.status.reason().map_or(Ok(()), |reason| write!(f, ", {reason}"))
            }
            Self::Rejected { reason } => write!(f, "rejected: {reason}"),
        }
    }
}

/// Computes the next state and the effects of `event` in `state` at the time `now`.
///
/// The function is total: an impossible command returns [`Effect::Rejected`] and the same state, a late result
/// returns no effect and the same state. Store the next state before carrying out its effects, so that after a crash
/// the request is known and can be [made again](Event::Resume). A clock that is set back makes waits longer, never
/// shorter.
#[must_use]
pub fn step<V: Clone + PartialEq>(state: &State<V>, event: Event<V>, now: Timestamp) -> (State<V>, Vec<Effect<V>>) {
    let mut transition = Transition::new(state.clone(), now);
    transition.apply(event);
    transition.finish()
}
