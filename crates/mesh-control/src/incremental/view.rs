//! The configuration of equal nodes: the union of its parts.

use std::fmt;
use std::sync::{Arc, Mutex};

use envoy_bootstrap::{Identity, availability_zone, task_name};
use tokio::sync::watch;
use xds_server::{Configured, Node, Snapshot, SourceError};

use super::cached_part::{CachedPart, PartContent};
use super::object::Object;
use super::{Translations, lock};
use crate::configuration::{NodeKey, PartError};
use crate::mesh_state::MeshState;

/// One view, shared by all streams of equal nodes.
#[derive(Debug)]
pub(super) struct View {
    key: NodeKey,
    /// The latest revision that concerns it.
    changes: watch::Sender<u64>,
    parts: Mutex<Option<Vec<Arc<CachedPart>>>>,
    merged: Mutex<Option<Merged>>,
}

/// The union of parts, as long as they stay the same.
#[derive(Debug)]
struct Merged {
    parts: Vec<Arc<PartContent>>,
    snapshot: Arc<Snapshot>,
    notes: Arc<[String]>,
}

impl View {
    pub(super) fn new(key: NodeKey, revision: u64) -> Self {
        Self {
            key,
            changes: watch::Sender::new(revision),
            parts: Mutex::default(),
            merged: Mutex::default(),
        }
    }

    /// Wakes its streams.
    pub(super) fn announce(&self, revision: u64) {
        self.changes.send_replace(revision);
    }

    /// The parts are determined anew when they are needed.
    pub(super) fn forget_parts(&self) {
        *lock(&self.parts) = None;
    }

    fn parts(
        self: &Arc<Self>,
        state: &MeshState,
        translations: &Translations,
    ) -> Result<Vec<Arc<CachedPart>>, PartError> {
        let mut known = lock(&self.parts);
        if let Some(parts) = &*known {
            return Ok(parts.clone());
        }
        let mut index = lock(&translations.index);
        if let Identity::Service(service) = &self.key.identity {
            index.add_view(self, Object::Service(service.clone()));
        }
        let parts = self.key.parts(state)?;
        let parts: Vec<Arc<CachedPart>> = parts.into_iter().map(|part| index.part(part)).collect();
        drop(index);
        for part in &parts {
            part.add_view(self);
        }
        *known = Some(parts.clone());
        Ok(parts)
    }

    fn configure(
        self: &Arc<Self>,
        state: &MeshState,
        translations: &Translations,
    ) -> Result<(Arc<Snapshot>, Arc<[String]>), PartError> {
        let parts = self.parts(state, translations)?;
        let contents = parts.iter().map(|part| part.content(state, translations));
        let contents = contents.collect::<Result<Vec<_>, _>>()?;
        let mut merged = lock(&self.merged);
        let is_same = |merged: &&Merged| {
            let pairs = merged.parts.iter().zip(&contents);
            merged.parts.len() == contents.len() && pairs.into_iter().all(|(one, other)| Arc::ptr_eq(one, other))
        };
        if let Some(same) = merged.as_ref().filter(is_same) {
            return Ok((Arc::clone(&same.snapshot), Arc::clone(&same.notes)));
        }
        let new = Merged::new(contents, merged.as_ref());
        let result = (Arc::clone(&new.snapshot), Arc::clone(&new.notes));
        *merged = Some(new);
        Ok(result)
    }
}

impl Merged {
    fn new(parts: Vec<Arc<PartContent>>, before: Option<&Self>) -> Self {
        let snapshots: Vec<&Snapshot> = parts.iter().map(|part| &part.snapshot).collect();
        let before = before.map(|before| {
            let parts: Vec<&Snapshot> = before.parts.iter().map(|part| &part.snapshot).collect();
            (parts, &*before.snapshot)
        });
        let snapshot = Snapshot::union_of(
            &snapshots,
            before.as_ref().map(|(parts, union)| (parts.as_slice(), *union)),
        );
        let notes = parts.iter().flat_map(|part| part.notes.iter().cloned()).collect();
        Self {
            snapshot: Arc::new(snapshot),
            notes,
            parts,
        }
    }
}

/// A view as one node has it.
pub(crate) struct NodeView {
    translations: Arc<Translations>,
    view: Arc<View>,
    node_id: String,
    task: Option<String>,
    zone: Option<String>,
}

impl NodeView {
    pub(super) fn new(translations: Arc<Translations>, view: Arc<View>, node: &Node) -> Self {
        Self {
            translations,
            view,
            node_id: node.id.clone(),
            task: task_name(&node.metadata).map(str::to_owned),
            zone: zone_of(node),
        }
    }
}

/// The availability zone of a node.
pub(crate) fn zone_of(node: &Node) -> Option<String> {
    let zone = availability_zone(&node.metadata).or(node.zone.as_deref());
    zone.map(str::to_owned)
}

impl fmt::Debug for NodeView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeView")
            .field("view", &self.view)
            .finish_non_exhaustive()
    }
}

impl xds_server::View for NodeView {
    fn configure(&self) -> Result<Configured, SourceError> {
        let translations = &self.translations;
        let configured = translations.with_state(|state| self.view.configure(state, translations));
        let (snapshot, notes) = configured.map_err(|error| error.into_source_error(&self.node_id))?;
        Ok(Configured {
            snapshot,
            notes: notes.to_vec(),
            task: self.task.clone(),
            zone: self.zone.clone(),
        })
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.view.changes.subscribe()
    }
}
