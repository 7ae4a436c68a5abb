//! What the connected Envoys have and what they refused, for people.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::session::{Session, TypeReport, Variant};
use crate::snapshot::ResourceType;

/// The state of every connected Envoy. Serialises to the document of `GET /status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The connected Envoys, in the order in which they connected.
    pub nodes: Vec<NodeStatus>,
}

/// The state of one Envoy's stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeStatus {
    /// The node id it sent.
    pub id: String,
    /// Which of the tasks with this node id it belongs to, if it said so.
    pub task: Option<String>,
    /// The protocol variant it speaks.
    pub variant: Variant,
    /// True if it has, or has refused, everything it was to have.
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
    streams: Arc<Mutex<Streams>>,
}

#[derive(Debug, Default)]
struct Streams {
    next: u64,
    nodes: BTreeMap<u64, NodeStatus>,
}

impl StatusBoard {
    /// The state of every stream that is open now.
    pub(crate) fn read(&self) -> Status {
        Status {
            nodes: self.lock().nodes.values().cloned().collect(),
        }
    }

    /// A line for a new stream, which disappears when the entry is dropped.
    pub(crate) fn entry(&self) -> StatusEntry {
        let mut streams = self.lock();
        streams.next += 1;
        StatusEntry {
            number: streams.next,
            board: self.clone(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Streams> {
        // Every write replaces a whole entry, so a panic elsewhere leaves nothing half-written.
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One stream's line on the board.
#[derive(Debug)]
pub(crate) struct StatusEntry {
    number: u64,
    board: StatusBoard,
}

impl StatusEntry {
    pub(crate) fn write(&self, id: &str, task: Option<&str>, notes: &[String], session: &Session) {
        let status = NodeStatus {
            id: id.to_owned(),
            task: task.map(str::to_owned),
            variant: session.variant(),
            settled: session.is_settled(),
            notes: notes.to_vec(),
            clusters: session.report(ResourceType::Cluster),
            endpoints: session.report(ResourceType::Endpoint),
            listeners: session.report(ResourceType::Listener),
            routes: session.report(ResourceType::Route),
        };
        self.board.lock().nodes.insert(self.number, status);
    }
}

impl Drop for StatusEntry {
    fn drop(&mut self) {
        self.board.lock().nodes.remove(&self.number);
    }
}
