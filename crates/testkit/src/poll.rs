//! Polling and timeouts: waiting for a condition without guessing how long it takes.

use std::time::{Duration, Instant};

/// Nothing in the tests takes a second on an idle machine; a test that waits longer than this would wait forever.
const TIMEOUT: Duration = Duration::from_secs(60);
const INTERVAL: Duration = Duration::from_millis(5);

/// Polls until `condition` holds. Blocks the thread.
///
/// # Panics
///
/// After a minute.
#[track_caller]
pub fn wait_until_blocking(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    while !condition() {
        assert!(Instant::now() < deadline, "timed out waiting for: {what}");
        std::thread::sleep(INTERVAL);
    }
}

/// Polls until `condition` holds.
///
/// # Panics
///
/// After a minute.
#[cfg(feature = "poll")]
pub async fn wait_until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    eventually(what, async || {
        condition().await.then_some(()).ok_or_else(|| "false".to_owned())
    })
    .await;
}

/// Polls until `probe` returns a value.
///
/// # Panics
///
/// After a minute, with the last error of `probe`.
#[cfg(feature = "poll")]
pub async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let error = match probe().await {
            Ok(value) => return value,
            Err(error) => error,
        };
        assert!(
            Instant::now() < deadline,
            "timed out waiting for: {what}; last result: {error}"
        );
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Awaits a future with a timeout.
///
/// # Panics
///
/// After a minute.
#[cfg(feature = "poll")]
pub async fn with_timeout<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(TIMEOUT, future)
        .await
        .expect("the future completes within a minute")
}

/// An address on loopback without a listener. The port stays bound until the process ends, so that nothing else can listen
/// there meanwhile.
///
/// # Panics
///
/// If no port is free.
#[cfg(feature = "poll")]
#[must_use]
pub fn closed_port() -> std::net::SocketAddr {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    let any_port = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(any_port).expect("a port is free");
    let address = socket.local_addr().expect("the socket is bound");
    // Keeps the port.
    std::mem::forget(socket);
    address
}
