//! The source of snapshots: gives each Envoy its resources, and announces changes.

use std::sync::Arc;

use tokio::sync::watch;

use crate::node::Node;
use crate::snapshot::{InconsistentSnapshot, Snapshot};

/// Gives each Envoy its snapshot.
pub trait Source: Send + Sync + 'static {
    /// The configuration of this Envoy now. Called when a stream opens and after each change of [`Source::revisions`],
    /// on the stream's own task: it must not block.
    ///
    /// # Errors
    ///
    /// If the source has no such node, or its resources do not fit together. A new stream is closed with that error; an
    /// open one keeps its last configuration.
    fn configure(&self, node: &Node) -> Result<Configured, SourceError>;

    /// A number that grows whenever [`Source::configure`] may return something else. Streams end when the sender is
    /// dropped.
    fn revisions(&self) -> watch::Receiver<u64>;

    /// A view of this Envoy, for a source that knows which changes concern it: its stream does nothing at all others.
    /// Called when a stream opens, once [`Source::configure`] has succeeded. Default: none, and each change concerns each
    /// Envoy.
    fn view(&self, node: &Node) -> Option<Box<dyn View>> {
        let _ = node;
        None
    }
}

/// The configuration of one Envoy, and the changes that concern it. Equal Envoys may share what is behind it.
pub trait View: Send + Sync + 'static {
    /// As [`Source::configure`].
    ///
    /// # Errors
    ///
    /// As [`Source::configure`].
    fn configure(&self) -> Result<Configured, SourceError>;

    /// The latest of the source's revisions that concerns this Envoy. It must be sent before the source's own. The stream
    /// ends when the sender is dropped.
    fn changes(&self) -> watch::Receiver<u64>;
}

/// The configuration of one Envoy.
#[derive(Debug, Clone)]
pub struct Configured {
    /// Its resources, consistent with each other ([`Snapshot::check`]).
    pub snapshot: Arc<Snapshot>,
    /// What the snapshot leaves out, each with the reason; shown in [`NodeStatus::notes`](crate::NodeStatus::notes).
    pub notes: Vec<String>,
    /// The name of this Envoy among those that share its node id; shown in
    /// [`NodeStatus::task`](crate::NodeStatus::task).
    pub task: Option<String>,
    /// The availability zone of this Envoy; shown in [`NodeStatus::zone`](crate::NodeStatus::zone).
    pub zone: Option<String>,
}

impl Configured {
    /// A snapshot without notes.
    #[must_use]
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        Self {
            snapshot,
            notes: Vec::new(),
            task: None,
            zone: None,
        }
    }
}

/// An Envoy that cannot be configured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The source has no node of this id, or cannot parse its metadata. gRPC status `INVALID_ARGUMENT`.
    #[error("{0}")]
    UnknownNode(String),
    /// Its resources do not fit together. gRPC status `INTERNAL`.
    #[error("the snapshot of {node} is inconsistent:\n{error}")]
    Inconsistent {
        /// The node id.
        node: String,
        /// Every dangling reference.
        error: InconsistentSnapshot,
    },
}
