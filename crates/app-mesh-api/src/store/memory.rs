//! A store in memory, for tests and for meshes whose source is elsewhere.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use mesh_model::app_mesh::ResourcePath;

use super::{CommitError, Loaded, Store, StoreError};
use crate::registry::{Change, Record};

/// A store in memory: nothing is durable.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    revision: u64,
    records: BTreeMap<ResourcePath, Record>,
}

impl MemoryStore {
    /// A store without records.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self) -> Result<Loaded, StoreError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Loaded {
            revision: state.revision,
            records: state.records.values().cloned().collect(),
        })
    }

    async fn commit(&self, expected: u64, changes: &[Change]) -> Result<u64, CommitError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.revision != expected {
            return Err(CommitError::Conflict);
        }
        for change in changes {
            match &change.after {
                Some(record) => drop(state.records.insert(change.path.clone(), Record::clone(record))),
                None => drop(state.records.remove(&change.path)),
            }
        }
        state.revision += 1;
        Ok(state.revision)
    }
}
