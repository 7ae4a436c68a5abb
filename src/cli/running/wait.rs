//! `wait`: waits until a mesh is ready or settled.

use std::time::Duration;

use clap::ValueEnum;
use mesh_local::description::MeshDescription;

use crate::running::client::{RunningClient, RunningError};

/// Interval between two looks at the mesh.
const INTERVAL: Duration = Duration::from_millis(200);

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WaitFor {
    /// Every service has its desired number of running tasks, and every Envoy has acknowledged its configuration
    Ready,
    /// Every Envoy has acknowledged or rejected its configuration
    Settled,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum WaitError {
    #[error(transparent)]
    Running(#[from] RunningError),
    #[error("timed out after {}: {left}", humantime::format_duration(*.after))]
    TimedOut { after: Duration, left: String },
}

pub(super) async fn run(client: &RunningClient, state: WaitFor, timeout: Duration) -> Result<(), WaitError> {
    let mut left = "the mesh is starting, or applying a change".to_owned();
    let waiting = async {
        loop {
            let missing = match state {
                WaitFor::Ready => missing_tasks(&client.describe().await?),
                WaitFor::Settled => Vec::new(),
            };
            if missing.is_empty() {
                left = "not every Envoy has responded".to_owned();
                let unsettled = client.settle().await?.unsettled;
                if unsettled.is_empty() {
                    return Ok(());
                }
                left = format!("not acknowledged by {}", unsettled.join(", "));
            } else {
                left = missing.join(", ");
            }
            tokio::time::sleep(INTERVAL).await;
        }
    };
    let waited = tokio::time::timeout(timeout, waiting).await;
    waited.unwrap_or(Err(WaitError::TimedOut { after: timeout, left }))
}

/// The services without all of their tasks.
fn missing_tasks(description: &MeshDescription) -> Vec<String> {
    let services = description.services.iter();
    let missing = services.filter(|service| service.running_count < service.desired_count);
    missing
        .map(|service| {
            format!(
                "service {} has {} of {} tasks",
                service.service, service.running_count, service.desired_count
            )
        })
        .collect()
}
