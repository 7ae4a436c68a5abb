//! The status of each connected Envoy: what it has ACKed and NACKed.

use std::collections::BTreeMap;
use std::sync::Arc;

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

/// The status of all open streams. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct StatusBoard {
    streams: Arc<watch::Sender<Streams>>,
}

#[derive(Debug, Default)]
struct Streams {
    next: u64,
    nodes: BTreeMap<u64, NodeStatus>,
}

impl StatusBoard {
    /// The status of every open stream, sorted by task and node id.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeStatus> {
        let mut nodes: Vec<NodeStatus> = self.streams.borrow().nodes.values().cloned().collect();
        nodes.sort_by(|a, b| (&a.task, &a.id).cmp(&(&b.task, &b.id)));
        nodes
    }

    /// Waits until `condition` holds for the open streams. Cancel safe.
    pub async fn wait_until(&self, mut condition: impl FnMut(&[NodeStatus]) -> bool) {
        let mut changes = self.streams.subscribe();
        loop {
            changes.mark_unchanged();
            if condition(&self.nodes()) {
                return;
            }
            // The sender is part of this value, so it cannot be dropped meanwhile.
            let _changed = changes.changed().await;
        }
    }

    /// Waits until at least `nodes` streams are open and each has settled on `revision` or a later one. Cancel safe.
    pub async fn settled(&self, nodes: usize, revision: u64) {
        let all_have = |streams: &Streams| {
            streams.nodes.len() >= nodes && streams.nodes.values().all(|node| node.is_settled_at(revision))
        };
        // The sender is part of this value, so it cannot be dropped meanwhile.
        let _settled = self.streams.subscribe().wait_for(all_have).await.map(drop);
    }

    /// An entry for a new stream, removed when it is dropped.
    pub(crate) fn entry(&self) -> StatusEntry {
        let mut number = 0;
        self.streams.send_modify(|streams| {
            streams.next += 1;
            number = streams.next;
        });
        StatusEntry {
            number,
            board: self.clone(),
        }
    }
}

/// One stream's entry on the board.
#[derive(Debug)]
pub(crate) struct StatusEntry {
    number: u64,
    board: StatusBoard,
}

impl StatusEntry {
    /// Replaces the entry, and wakes those that wait if it differs.
    pub(crate) fn write(&self, status: NodeStatus) {
        self.board.streams.send_if_modified(|streams| {
            let changed = streams.nodes.get(&self.number) != Some(&status);
            streams.nodes.insert(self.number, status);
            changed
        });
    }
}

impl Drop for StatusEntry {
    fn drop(&mut self) {
        self.board.streams.send_modify(|streams| {
            streams.nodes.remove(&self.number);
        });
    }
}
