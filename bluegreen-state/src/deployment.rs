//! Deployments: a state together with its store. Each step is stored before its effects are carried out.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::document::DocumentError;
use crate::rollout::{Effect, Event, step};
use crate::state::State;
use crate::store::{Revision, Store, StoreError};
use crate::timestamp::Timestamp;

/// The deployment state of one system, kept in a store.
///
/// If two programs have the same deployment open, only the first to take a step can continue. The next step of the
/// other one that changes something is a [conflict](Error::is_conflict), and it must stop what it is doing.
pub struct Deployment<V, S> {
    store: S,
    state: State<V>,
    /// The document as last read or written.
    text: String,
    revision: Revision,
    /// The document of a save with an unknown result.
    unconfirmed: Option<String>,
}

// Not derived: a `dyn Store` has no `Debug`.
impl<V: fmt::Debug, S> fmt::Debug for Deployment<V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deployment")
            .field("state", &self.state)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

/// Why a state was not read or not stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The document is not a state, or the state cannot be written as a document.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl Error {
    /// True if another writer changed the state first.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_conflict())
    }

    /// True if the same operation may succeed later: the store failed, or another writer has it locked.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Store(StoreError::Failed { .. } | StoreError::Locked { .. }))
    }
}

impl<V, S> Deployment<V, S>
where
    V: Serialize + DeserializeOwned + Clone + PartialEq,
    S: Store,
{
    /// Reads the state; `None` if there is none, because nothing was ever deployed. Changes nothing: an
    /// [older document](State::from_json) is rewritten by the first step, not here.
    ///
    /// # Errors
    ///
    /// Errors of the store, and [`Error::Document`] if the document is not a state. This crate never overwrites such
    /// a document.
    pub async fn open(store: S) -> Result<Option<Self>, Error> {
        let Some(stored) = store.load().await? else {
            return Ok(None);
        };
        Ok(Some(Self {
            state: State::from_json(&stored.text)?,
            text: stored.text,
            revision: stored.revision,
            unconfirmed: None,
            store,
        }))
    }

    /// Stores the [initial state](State::initial), once both sides run `version`.
    ///
    /// # Errors
    ///
    /// Errors of the store; a conflict if there is a document already.
    pub async fn create(store: S, version: V) -> Result<Self, Error> {
        let state = State::initial(version);
        let text = state.to_json()?;
        let revision = store.save(None, &text).await?;
        Ok(Self {
            store,
            state,
            text,
            revision,
            unconfirmed: None,
        })
    }

    /// The state as last read or stored by this deployment.
    #[must_use]
    pub fn state(&self) -> &State<V> {
        &self.state
    }

    /// Takes a [step], stores the next state, and then returns the effects.
    ///
    /// Cancelling it leaves open whether the state was stored: open the deployment again.
    ///
    /// # Errors
    ///
    /// Errors of the store. No effect may be carried out then, and [`state`](Self::state) is unchanged. After a
    /// [conflict](Error::is_conflict), open the deployment again. After a [transient error](Error::is_transient), the
    /// step may have been stored: repeat it with the same event and the same `now`, which finds that out, or open the
    /// deployment again.
    pub async fn apply(&mut self, event: Event<V>, now: Timestamp) -> Result<Vec<Effect<V>>, Error> {
        let (next, effects) = step(&self.state, event, now);
        let text = next.to_json()?;
        if text != self.text {
            self.revision = self.save(&text).await?;
            self.text = text;
            self.unconfirmed = None;
        }
        self.state = next;
        Ok(effects)
    }

    async fn save(&mut self, text: &str) -> Result<Revision, Error> {
        match self.store.save(Some(&self.revision), text).await {
            Ok(revision) => Ok(revision),
            Err(changed @ StoreError::Changed { .. }) if self.unconfirmed.is_some() => {
                // The earlier attempt was stored, unless another writer has followed.
                match self.store.load().await? {
                    Some(stored) if stored.text == text => Ok(stored.revision),
                    // It was another step, which this one replaces: a heartbeat, for example.
                    Some(stored) if Some(&stored.text) == self.unconfirmed.as_ref() => {
                        Ok(self.store.save(Some(&stored.revision), text).await?)
                    }
                    _ => Err(changed.into()),
                }
            }
            Err(error) => {
                if matches!(error, StoreError::Failed { .. }) {
                    self.unconfirmed = Some(text.to_owned());
                }
                Err(error.into())
            }
        }
    }
}
