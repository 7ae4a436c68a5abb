//! Where a stream learns what its Envoy should have, and that this has changed.

use std::sync::Arc;

use sidecar_contract::ValidationErrors;
use tokio::sync::watch;

use crate::node::Node;
use crate::snapshot::Snapshot;

/// What is true, for every Envoy that asks.
pub trait Source: Send + Sync + 'static {
    /// What this Envoy should have now.
    ///
    /// # Errors
    ///
    /// If there is no such node, or what is true for it contradicts itself.
    fn configure(&self, node: &Node) -> Result<Configured, SourceError>;

    /// A number that changes whenever [`Source::configure`] may give another answer. Closes when the source is gone.
    fn revisions(&self) -> watch::Receiver<u64>;
}

/// What one Envoy should have.
#[derive(Debug, Clone)]
pub struct Configured {
    /// Its resources, consistent with each other.
    pub snapshot: Arc<Snapshot>,
    /// What could not be translated for it, each with the reason.
    pub notes: Vec<String>,
}

/// Why an Envoy cannot be configured.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The node id, or what comes with it, means nothing here.
    #[error("{0}")]
    UnknownNode(String),
    /// Its resources do not fit together.
    #[error("the configuration of {node} contradicts itself:\n{diagnostics}")]
    Inconsistent {
        /// The node's id.
        node: String,
        /// Every contradiction.
        diagnostics: ValidationErrors,
    },
}
