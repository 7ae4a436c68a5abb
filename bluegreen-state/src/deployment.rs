//! A state and the store it lives in: each step is stored before anybody acts on it.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::document::{self, DocumentError};
use crate::rollout::{Effect, Event, step};
use crate::state::State;
use crate::store::{Revision, Store, StoreError};
use crate::timestamp::Timestamp;

/// The state of one system's deployments, kept in a store.
///
/// Of two programs that have the same one open, only the first to take a step can go on; the other's next step that
/// changes something is an [error](StoreError::is_conflict), and it has to stop doing what it was doing.
#[derive(Debug)]
pub struct Deployment<V, S> {
    store: S,
    state: State<V>,
    /// What the store holds, as far as is known.
    text: String,
    revision: Revision,
}

/// Why a state was not read or not stored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store did not do its part.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the store holds, or should hold, is no state.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl Error {
    /// True if somebody else was first.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_conflict())
    }
}

impl<V, S> Deployment<V, S>
where
    V: Serialize + DeserializeOwned + Clone + PartialEq,
    S: Store,
{
    /// Reads the state; `None` if there is none, because nothing was ever deployed. Changes nothing, so an older
    /// form of document is [written anew](crate::document) by the first step, not by this.
    ///
    /// # Errors
    ///
    /// What the store says, and [`Error::Document`] if it holds something that is no state. Nothing that this crate
    /// offers writes over that.
    pub async fn open(store: S) -> Result<Option<Self>, Error> {
        let Some(stored) = store.load().await? else {
            return Ok(None);
        };
        Ok(Some(Self {
            state: document::read(&stored.text)?,
            text: stored.text,
            revision: stored.revision,
            store,
        }))
    }

    /// Stores [the state after a first deployment](State::first), once both sides run `version`.
    ///
    /// # Errors
    ///
    /// What the store says: a conflict if there is a document already.
    pub async fn first(store: S, version: V) -> Result<Self, Error> {
        let state = State::first(version);
        let text = document::write(&state)?;
        let revision = store.save(None, &text).await?;
        Ok(Self {
            store,
            state,
            text,
            revision,
        })
    }

    /// The state, as it was last read or stored by this deployment.
    #[must_use]
    pub fn state(&self) -> &State<V> {
        &self.state
    }

    /// Takes a [step] and stores the next state. What has to be done comes back when that is stored.
    ///
    /// Cancelling it leaves open whether the state was stored: open the deployment again.
    ///
    /// # Errors
    ///
    /// What the store says. Then nothing may be done, [`state`](Self::state) is what it was, and the deployment has
    /// to be opened again, for the store may hold something else by now.
    pub async fn apply(&mut self, event: Event<V>, now: Timestamp) -> Result<Vec<Effect<V>>, Error> {
        let (next, effects) = step(&self.state, event, now);
        let text = document::write(&next)?;
        if text != self.text {
            self.revision = self.store.save(Some(&self.revision), &text).await?;
            self.text = text;
        }
        self.state = next;
        Ok(effects)
    }
}
