//! Incremental translation: a change of the mesh state touches the parts of configurations that depend on it.
//!
//! ```text
//! MeshState ──changes──► objects ──index──► parts ──► views ──► streams
//! ```
//!
//! Reading order:
//! - [`object`]: the objects of a mesh state, and those that differ between two states;
//! - [`dependencies`]: the objects that a part depends on;
//! - [`cached_part`]: the translation of a part, and what of it is stale;
//! - [`index`]: from objects to parts, and from parts to views;
//! - [`view`]: the configuration of equal nodes.
//!
//! Nothing is translated in [`Translations::update`]: it marks what is stale, and the first stream that asks translates,
//! for all streams with the same part.

mod cached_part;
mod dependencies;
mod index;
mod object;
#[cfg(test)]
mod tests;
mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::watch;
use xds_server::{Interner, Node, SourceError};

use self::index::Index;
pub(crate) use self::view::zone_of;
use self::view::{NodeView, View};
use crate::configuration::NodeKey;
use crate::mesh_state::MeshState;

/// The mesh state, and the translations that are in use.
///
/// Locks are taken in this order: `current`, `state`, that of a view, that of a part, `index`.
#[derive(Debug)]
pub(crate) struct Translations {
    /// The state as its owner sees it.
    current: Mutex<MeshState>,
    /// The state that translations are made from: the same, except while it is updated.
    state: RwLock<MeshState>,
    index: Mutex<Index>,
    interner: Interner,
    revision: watch::Sender<u64>,
}

impl Translations {
    pub(crate) fn new(state: MeshState) -> Self {
        Self {
            current: Mutex::new(state.clone()),
            state: RwLock::new(state),
            index: Mutex::default(),
            interner: Interner::default(),
            revision: watch::Sender::new(0),
        }
    }

    pub(crate) fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// Changes the state, and wakes the streams that the changes concern.
    pub(crate) fn update(&self, change: impl FnOnce(&mut MeshState)) {
        let mut current = lock(&self.current);
        change(&mut current);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let objects = object::apply_changes(&mut state, &current);
        if objects.is_empty() {
            return;
        }
        let views = lock(&self.index).mark_stale(&objects);
        drop(state);
        let revision = *self.revision.borrow() + 1;
        // Those concerned first: until then they count as up to date.
        for view in views {
            view.announce(revision);
        }
        self.revision.send_replace(revision);
    }

    /// The mesh state for a whole translation.
    pub(crate) fn with_state<T>(&self, read: impl FnOnce(&MeshState) -> T) -> T {
        read(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The view of a node.
    pub(crate) fn view(self: &Arc<Self>, node: &Node) -> Result<NodeView, SourceError> {
        let key = NodeKey::of(node).map_err(|error| error.into_source_error(&node.id))?;
        // Before the view can be announced a later one.
        let revision = *self.revision.borrow();
        let view = lock(&self.index).view(key, |key| View::new(key, revision));
        Ok(NodeView::new(Arc::clone(self), view, node))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
