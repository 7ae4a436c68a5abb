//! Waiting for what must become true, without guessing how long it takes.

use std::time::Duration;

use tokio::time::Instant;

/// What takes longer than this never happens. It takes milliseconds; a busy machine may need a hundred times
/// as long.
const DEADLINE: Duration = Duration::from_secs(20);

/// Asks again until `probe` gives a value.
///
/// # Panics
///
/// After [`DEADLINE`], with what the probe said last.
pub(crate) async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let reason = match probe().await {
            Ok(value) => return value,
            Err(reason) => reason,
        };
        assert!(Instant::now() < deadline, "never happened: {what}; at last: {reason}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
