//! Reasons why the state machine rejects an event.

use crate::side::Percent;

/// Why an event changed nothing, and what to do instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// Another version is being deployed.
    #[error(
        "a rollout to another version is in progress ({phase}, controller {controller}): wait for it, continue it by \
         deploying that version if its controller has stopped, or abort it"
    )]
    InProgress {
        /// The phase of that rollout.
        phase: &'static str,
        /// The controller of that rollout.
        controller: String,
    },
    /// A rollback is in progress and cannot be stopped.
    #[error("the rollout is being rolled back: wait until the router has the previous weights")]
    RollingBack,
    /// The event needs a rollout.
    #[error("no rollout is in progress")]
    NoRollout,
    /// The rollout is not paused.
    #[error(
        "the rollout is not paused: its controller continues it, or, if that has stopped, a deployment of the same version"
    )]
    NotPaused,
    /// No version has only a part of the traffic.
    #[error("there is nothing to promote: no rollout is in progress, and no version stays at a part of the traffic")]
    NothingToPromote,
    /// The strategy ends at a smaller share than the version has.
    #[error(
        "the version has {current} of the traffic, and the strategy ends at {requested}: use a strategy that ends at \
         {current} or more, or `rollback`"
    )]
    ShareWouldFall {
        /// The share of the version.
        current: Percent,
        /// The share at which the strategy ends.
        requested: Percent,
    },
    /// The other side has no version that served successfully and was not rolled back since.
    #[error("there is no previous version to roll back to: deploy a version by its name")]
    NoRollbackVersion,
    /// A result of a request that was never made.
    #[error("request {request} was never made: the last one was {last}")]
    UnknownRequest {
        /// The request number of the event.
        request: u64,
        /// The number of the last request.
        last: u64,
    },
}
