//! The control plane's return. An Envoy keeps the ADS server that it has, so the agent ends its stream.

use std::time::Duration;

use config_store::StoredSource;
use mesh_control::StatusBoard;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// The pause between two attempts.
const INTERVAL: Duration = Duration::from_secs(1);

/// Ends the streams of the source whenever the control plane can be connected to. Never ends itself.
pub(crate) async fn watch(control_plane: &str, board: &StatusBoard, streams: &StoredSource) {
    loop {
        sleep(INTERVAL).await;
        if board.nodes().is_empty() {
            continue;
        }
        if let Ok(Ok(_connection)) = timeout(INTERVAL, TcpStream::connect(control_plane)).await {
            tracing::info!(
                control_plane,
                "the control plane answers again; ending the stream of the Envoy"
            );
            streams.end_streams();
        }
    }
}
