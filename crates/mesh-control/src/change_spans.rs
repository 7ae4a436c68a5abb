//! Spans of changes: from a change of the mesh state until the last Envoy has ACKed or NACKed it.

use std::time::Duration;

use tracing::field::Empty;
use xds_server::Source;

use crate::control_plane::ControlPlane;
use crate::status::StatusSummary;

/// A span ends after this time even if an Envoy has sent neither ACK nor NACK; such a change is an error.
const TIMEOUT: Duration = Duration::from_secs(60);

impl<S: Source> ControlPlane<S> {
    /// Makes a `tracing` span `mesh change` for each change of the mesh state, for an OpenTelemetry exporter; changes that
    /// arrive before the last ACK of an earlier one share the next span. Runs until it is dropped, or the source ends.
    ///
    /// | attribute | value |
    /// |---|---|
    /// | `meshwright.revision` | revision of the mesh state |
    /// | `meshwright.changes` | number of changes in this span |
    /// | `meshwright.nodes` | connected Envoys at the end |
    /// | `meshwright.rejecting` | those that reject a resource |
    /// | `otel.status_code` | `ERROR` if an Envoy has responded to neither within 60 s, or rejects a resource |
    pub async fn trace_changes(&self) {
        let mut revisions = self.revisions();
        let mut last = *revisions.borrow_and_update();
        while revisions.changed().await.is_ok() {
            let revision = *revisions.borrow_and_update();
            let span = tracing::info_span!(
                "mesh change",
                meshwright.revision = revision,
                meshwright.changes = revision.saturating_sub(last),
                meshwright.nodes = Empty,
                meshwright.rejecting = Empty,
                otel.status_code = Empty,
            );
            last = revision;
            let settled = self.status_board().settled(0, revision);
            let settled = tokio::time::timeout(TIMEOUT, settled).await.is_ok();
            let summary = StatusSummary::of(&self.status_board().nodes());
            span.record("meshwright.nodes", summary.nodes);
            span.record("meshwright.rejecting", summary.rejecting);
            if !settled || summary.rejecting > 0 {
                span.record("otel.status_code", "ERROR");
            }
        }
    }
}
