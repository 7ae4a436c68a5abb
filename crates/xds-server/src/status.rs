//! The status of each connected Envoy: what it has ACKed and NACKed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::watch;

use crate::protocol::XdsProtocol;
use crate::session::{RejectedResource, TypeReport};

/// The status of one Envoy's stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeStatus {
    /// The node id.
    pub id: String,
    /// The name of this Envoy among those that share the node id ([`Configured::task`](crate::Configured::task)).
    pub task: Option<String>,
    /// Its availability zone, if it is known ([`Configured::zone`](crate::Configured::zone)).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The xDS protocol.
    #[serde(rename = "variant")]
    pub protocol: XdsProtocol,
    /// The source's revision that its snapshot was made from.
    pub revision: u64,
    /// True if it has ACKed or NACKed everything of that revision.
    pub settled: bool,
    /// What its snapshot leaves out, each with the reason.
    pub notes: Vec<String>,
    /// The status of its clusters.
    pub clusters: TypeReport,
    /// The status of its endpoints.
    pub endpoints: TypeReport,
    /// The status of its listeners.
    pub listeners: TypeReport,
    /// The status of its routes.
    pub routes: TypeReport,
}

/// Between the task and the zone in a display name.
const ZONE: &str = ", zone ";

impl NodeStatus {
    /// Whether it has ACKed or NACKed everything of this revision or a later one.
    #[must_use]
    pub fn is_settled_at(&self, revision: u64) -> bool {
        self.settled && self.revision >= revision
    }

    /// Its name in messages: the node id, with the task and its zone if they are known.
    #[must_use]
    pub fn display_name(&self) -> String {
        match (&self.task, &self.zone) {
            (Some(task), Some(zone)) => format!("{} (task {task}{ZONE}{zone})", self.id),
            (Some(task), None) => format!("{} (task {task})", self.id),
            (None, _) => self.id.clone(),
        }
    }

    /// Whether a [display name](Self::display_name) is of the Envoy with this node id or task.
    #[must_use]
    pub fn is_named(display_name: &str, id_or_task: &str) -> bool {
        let (id, task) = display_name.split_once(" (task ").unwrap_or((display_name, ""));
        let task = task.strip_suffix(')').unwrap_or_default();
        let task = task.split_once(ZONE).map_or(task, |(task, _)| task);
        id_or_task == id || (!task.is_empty() && id_or_task == task)
    }

    /// The resources it rejects, of all types.
    pub fn rejected(&self) -> impl Iterator<Item = &RejectedResource> {
        [&self.clusters, &self.endpoints, &self.listeners, &self.routes]
            .into_iter()
            .flat_map(|report| &report.rejected)
    }
}

/// Conditions that take longer are paced.
const MAX_UNPACED: Duration = Duration::from_millis(1);

/// The status of all open streams. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct StatusBoard {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    streams: Mutex<Streams>,
    /// Wakes those that wait.
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Streams {
    next: u64,
    open: BTreeMap<u64, StreamStatus>,
    /// The number of streams that have not settled.
    unsettled: usize,
}

/// What a stream reports of itself.
#[derive(Debug, Clone)]
pub(crate) struct StreamStatus {
    pub(crate) id: Arc<str>,
    pub(crate) task: Option<Arc<str>>,
    pub(crate) zone: Option<Arc<str>>,
    pub(crate) protocol: XdsProtocol,
    pub(crate) progress: Progress,
    pub(crate) settled: bool,
    pub(crate) notes: Arc<[String]>,
    /// By type, in their order.
    pub(crate) types: [TypeReport; 4],
}

/// How far a stream has followed its source.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    /// The source's revisions.
    pub(crate) revisions: watch::Receiver<u64>,
    /// Those that concern this Envoy.
    pub(crate) changes: watch::Receiver<u64>,
    /// The latest of them that the stream knows.
    pub(crate) followed: u64,
}

impl Progress {
    /// The source's revision up to which the stream has followed: the current one, unless a change that concerns it came
    /// since.
    fn revision(&self) -> u64 {
        // In this order: the source announces a change to those concerned first.
        let current = *self.revisions.borrow();
        if *self.changes.borrow() == self.followed {
            current.max(self.followed)
        } else {
            self.followed
        }
    }
}

impl StreamStatus {
    fn node_status(&self) -> NodeStatus {
        let [clusters, endpoints, listeners, routes] = self.types.clone();
        NodeStatus {
            id: self.id.to_string(),
            task: self.task.as_deref().map(str::to_owned),
            zone: self.zone.as_deref().map(str::to_owned),
            protocol: self.protocol,
            revision: self.progress.revision(),
            settled: self.settled,
            notes: self.notes.to_vec(),
            clusters,
            endpoints,
            listeners,
            routes,
        }
    }

    fn is_settled_at(&self, revision: u64) -> bool {
        self.settled && self.progress.revision() >= revision
    }

    fn order(&self) -> (&Option<Arc<str>>, &str) {
        (&self.task, &self.id)
    }
}

impl StatusBoard {
    /// The status of every open stream, sorted by task and node id.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeStatus> {
        let streams = self.streams();
        let mut open: Vec<&StreamStatus> = streams.open.values().collect();
        open.sort_by(|a, b| a.order().cmp(&b.order()));
        open.into_iter().map(StreamStatus::node_status).collect()
    }

    fn streams(&self) -> MutexGuard<'_, Streams> {
        self.shared.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `condition` holds for the open streams. Cancel safe.
    ///
    /// It is called after changes; with thousands of streams, only as often as takes a tenth of a core.
    pub async fn wait_until(&self, mut condition: impl FnMut(&[NodeStatus]) -> bool) {
        let mut changes = self.shared.changed.subscribe();
        loop {
            changes.mark_unchanged();
            let start = Instant::now();
            if condition(&self.nodes()) {
                return;
            }
            let spent = start.elapsed();
            if spent > MAX_UNPACED {
                tokio::time::sleep(9 * spent).await;
            }
            // The sender is part of this value, so it cannot be dropped meanwhile.
            let _changed = changes.changed().await;
        }
    }

    /// Waits until at least `nodes` streams are open and each has settled on `revision` or a later one. Cancel safe.
    pub async fn settled(&self, nodes: usize, revision: u64) {
        let mut changes = self.shared.changed.subscribe();
        // A stream that has not settled, so that each change does not look at all others.
        let mut behind = 0;
        loop {
            changes.mark_unchanged();
            if self.streams().are_settled(nodes, revision, &mut behind) {
                return;
            }
            // The sender is part of this value, so it cannot be dropped meanwhile.
            let _changed = changes.changed().await;
        }
    }

    /// An entry for a new stream, removed when it is dropped.
    pub(crate) fn entry(&self) -> StatusEntry {
        let mut streams = self.streams();
        streams.next += 1;
        StatusEntry {
            number: streams.next,
            board: self.clone(),
        }
    }
}

impl Streams {
    fn are_settled(&self, nodes: usize, revision: u64, behind: &mut u64) -> bool {
        if self.open.len() < nodes || self.unsettled > 0 {
            return false;
        }
        for first in [*behind, 0] {
            let mut streams = self.open.range(first..);
            if let Some((number, _)) = streams.find(|(_, stream)| !stream.is_settled_at(revision)) {
                *behind = *number;
                return false;
            }
        }
        true
    }
}

/// One stream's entry on the board.
#[derive(Debug)]
pub(crate) struct StatusEntry {
    number: u64,
    board: StatusBoard,
}

impl StatusEntry {
    /// Shows the stream on the board.
    pub(crate) fn open(&self, status: StreamStatus) {
        let mut streams = self.board.streams();
        streams.unsettled += usize::from(!status.settled);
        streams.open.insert(self.number, status);
        drop(streams);
        self.board.shared.changed.send_replace(());
    }

    /// Changes the entry, and wakes those that wait.
    pub(crate) fn update(&self, change: impl FnOnce(&mut StreamStatus)) {
        let mut streams = self.board.streams();
        let Streams { open, unsettled, .. } = &mut *streams;
        if let Some(status) = open.get_mut(&self.number) {
            *unsettled -= usize::from(!status.settled);
            change(status);
            *unsettled += usize::from(!status.settled);
        }
        drop(streams);
        self.board.shared.changed.send_replace(());
    }
}

impl Drop for StatusEntry {
    fn drop(&mut self) {
        let mut streams = self.board.streams();
        let before = streams.open.remove(&self.number);
        streams.unsettled -= before.map_or(0, |before| usize::from(!before.settled));
        drop(streams);
        self.board.shared.changed.send_replace(());
    }
}
