//! What a rollout is asked that it cannot do: said, never ignored.

/// Why an event changed nothing, and what to do instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another version is being deployed.
    #[error(
        "a rollout to another version is under way ({phase}, driven by {driver}): wait for it, or abort it and \
         deploy again"
    )]
    UnderWay {
        /// How far it is.
        phase: &'static str,
        /// Who drives it.
        driver: String,
    },
    /// A rollout is being taken back, and nothing stops that.
    #[error("the rollout is being rolled back: wait until the router has the former weights")]
    RollingBack,
    /// There is no rollout that this could be about.
    #[error("no rollout is under way")]
    NothingUnderWay,
    /// The rollout goes on by itself.
    #[error("the rollout is not held: it goes on by itself")]
    NotHeld,
    /// The other side carries nothing that has served before and was not given up since.
    #[error("there is no version to return to that served well: deploy one by its name")]
    NothingToReturnTo,
    /// An answer to something that was never asked.
    #[error("request {request} was never made: the last one was {last}")]
    NeverAsked {
        /// The number of the answer.
        request: u64,
        /// The number of the last request.
        last: u64,
    },
}
