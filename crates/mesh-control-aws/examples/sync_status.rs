//! Waits until all Envoys of a mesh have acknowledged its current parameters, as a deploy tool does after a change.
//!
//! It needs AWS credentials and a `mesh-control` in the account, with `--publish-status`:
//!
//! ```text
//! cargo run -p mesh-control-aws --example sync_status -- MESH
//! ```

use std::error::Error;
use std::time::Duration;

use mesh_control_aws::{SyncReader, SyncStatus, http_client};

/// Replicas publish no more often.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mesh = std::env::args().nth(1).ok_or("usage: sync_status MESH")?;
    let config = aws_config::from_env().http_client(http_client()).load().await;
    let reader = SyncReader::new(&config, &mesh);
    loop {
        match reader.read().await.map_err(|error| error.to_string())? {
            SyncStatus::Synced { replicas, envoys } => {
                println!("in sync: {envoys} Envoys of {replicas} replicas");
                return Ok(());
            }
            SyncStatus::Pending { reason } => println!("pending: {reason}"),
            SyncStatus::Rejected { rejections } => return Err(rejections.join("\n").into()),
            SyncStatus::NoReports => return Err(format!("no replica reports on the mesh `{mesh}`").into()),
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
