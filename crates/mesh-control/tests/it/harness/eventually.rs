//! Waiting for a condition.

use std::time::Duration;

use tokio::time::Instant;

/// The time limit. Conditions hold within milliseconds; a busy machine may need a hundred times as long.
const DEADLINE: Duration = Duration::from_secs(20);

/// Polls until `probe` returns a value.
///
/// # Panics
///
/// After [`DEADLINE`], with the last error of the probe.
pub(crate) async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let reason = match probe().await {
            Ok(value) => return value,
            Err(reason) => reason,
        };
        assert!(Instant::now() < deadline, "timed out: {what}; last error: {reason}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
