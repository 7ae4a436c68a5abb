//! What the connected Envoys have and what they refused, and how what is true is learned, for people.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;

use envoy_bootstrap::XdsProtocol;

use super::session::TypeReport;

/// The state of every connected Envoy. Serialises to the document of `GET /status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// From where it is learned what is true. Empty if this process is told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceStatus>,
    /// The connected Envoys, sorted by task.
    pub nodes: Vec<NodeStatus>,
}

/// How well something is known that has to be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceStatus {
    /// What is asked.
    pub name: String,
    /// How many seconds ago it last answered; `None` if it never has.
    pub last_success_seconds_ago: Option<u64>,
    /// For how many seconds it has not, since the first question that failed; `None` if the last one did not fail.
    pub failing_for_seconds: Option<u64>,
    /// Why the last question failed: which call, about what, and what to do, in one line.
    pub error: Option<String>,
    /// What of its answers is not used as it is, each with its place.
    pub notes: Vec<String>,
}

/// The state of one Envoy's stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeStatus {
    /// The node id it sent. Under Service Connect it names the service, so the tasks of a service share it.
    pub id: String,
    /// Which of the tasks with this node id it belongs to, if it said so.
    pub task: Option<String>,
    /// The protocol protocol it speaks.
    #[serde(rename = "variant")]
    pub protocol: XdsProtocol,
    /// How often what is true had changed when its configuration was made; 0 if it never has.
    pub revision: u64,
    /// True if it has, or has refused, everything it was to have at that revision.
    pub settled: bool,
    /// What could not be translated for it, each with the reason.
    pub notes: Vec<String>,
    /// How far it is with clusters.
    pub clusters: TypeReport,
    /// How far it is with endpoints.
    pub endpoints: TypeReport,
    /// How far it is with listeners.
    pub listeners: TypeReport,
    /// How far it is with routes.
    pub routes: TypeReport,
}

impl NodeStatus {
    /// What it refused, of any type.
    pub fn rejected(&self) -> impl Iterator<Item = &super::RejectedResource> {
        [&self.clusters, &self.endpoints, &self.listeners, &self.routes]
            .into_iter()
            .flat_map(|report| &report.rejected)
    }
}

/// Where streams write how far they are.
#[derive(Debug, Clone, Default)]
pub(crate) struct StatusBoard {
    streams: Arc<watch::Sender<Streams>>,
}

#[derive(Debug, Default)]
struct Streams {
    next: u64,
    nodes: BTreeMap<u64, NodeStatus>,
}

impl StatusBoard {
    /// The state of every stream that is open now.
    pub(crate) fn read(&self) -> Status {
        let mut nodes: Vec<NodeStatus> = self.streams.borrow().nodes.values().cloned().collect();
        nodes.sort_by(|a, b| (&a.task, &a.id).cmp(&(&b.task, &b.id)));
        Status {
            sources: Vec::new(),
            nodes,
        }
    }

    /// Waits until `enough` is true of the streams that are open.
    #[cfg(feature = "aws")]
    pub(crate) async fn until(&self, mut enough: impl FnMut(&Status) -> bool) {
        let mut changes = self.streams.subscribe();
        loop {
            changes.mark_unchanged();
            if enough(&self.read()) {
                return;
            }
            // The sender is part of this value, so it cannot go while this waits.
            let _changed = changes.changed().await;
        }
    }

    /// Waits until at least so many streams are open and all of them have settled on this revision or a later one.
    pub(crate) async fn settled(&self, nodes: usize, revision: u64) {
        let has_settled = |node: &NodeStatus| node.settled && node.revision >= revision;
        let all_have = |streams: &Streams| streams.nodes.len() >= nodes && streams.nodes.values().all(has_settled);
        // The sender is part of this value, so it cannot go while this waits.
        let _settled = self.streams.subscribe().wait_for(all_have).await.map(drop);
    }

    /// A line for a new stream, which disappears when the entry is dropped.
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

/// One stream's line on the board.
#[derive(Debug)]
pub(crate) struct StatusEntry {
    number: u64,
    board: StatusBoard,
}

impl StatusEntry {
    /// Writes the line anew, and wakes those who wait if that made a difference.
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
