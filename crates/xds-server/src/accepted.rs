//! Configurations that Envoys have accepted as a whole.

use std::sync::Arc;

use crate::node::Node;
use crate::snapshot::Snapshot;

/// Learns which configurations are proven: an Envoy has ACKed every resource of the snapshot that it subscribes to, and
/// rejected none.
pub trait AcceptedObserver: Send + Sync + 'static {
    /// This Envoy has accepted this snapshot. Called once for each snapshot of a stream, on the stream's own task: it must
    /// not block.
    fn accepted(&self, node: &Node, snapshot: &Arc<Snapshot>);
}
