//! Server with graceful shutdown.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use mesh_client::DEFAULT_TIMEOUT;
use mesh_client::server::{DEFAULT_DEREGISTRATION, DEFAULT_GRACE, Shutdown, ShutdownError};
use thiserror::Error;
use tokio::net::TcpListener;

/// The longest shutdown: 25 seconds, for deregistration and requests in flight.
///
/// ECS kills a task after 30 seconds by default (`stopTimeout`; ECS API reference, ContainerDefinition, read 2026-11-23). The rest
/// is for the error message and for [`Telemetry::shutdown`](mesh_client::telemetry::Telemetry::shutdown), which takes up to three
/// seconds.
const SHUTDOWN_TIMEOUT: Duration = DEFAULT_DEREGISTRATION.saturating_add(DEFAULT_GRACE);

/// The longest wait for deregistration: 8 seconds. The rest of [`SHUTDOWN_TIMEOUT`] is the default timeout of a call, so that a
/// request that waits for one can finish.
pub(crate) const LONGEST_DEREGISTRATION: Duration = SHUTDOWN_TIMEOUT.saturating_sub(DEFAULT_TIMEOUT);

#[derive(Debug, Error)]
pub(crate) enum ServerError {
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error(transparent)]
    Stop(#[from] ShutdownError),
}

/// A listening server.
#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Listens on `address`.
    pub(crate) async fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// The address, with the actual port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until a stop signal, then for `deregistration`, at most [`LONGEST_DEREGISTRATION`]. After that it closes the listener
    /// and idle connections, and requests in flight have the rest of [`SHUTDOWN_TIMEOUT`].
    ///
    /// Cancelling it closes the listener.
    pub(crate) async fn run(
        self,
        app: Router,
        shutdown: Shutdown,
        deregistration: Duration,
    ) -> Result<(), ServerError> {
        let grace = SHUTDOWN_TIMEOUT.saturating_sub(deregistration);
        let shutdown = shutdown.deregistration(deregistration).grace(grace);
        let serving = |stop| axum::serve(self.listener, app).with_graceful_shutdown(stop);
        Ok(shutdown.run(serving).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shutdown_is_shorter_than_the_stop_timeout() {
        let (stop_timeout, telemetry) = (Duration::from_secs(30), Duration::from_secs(3));
        assert!(SHUTDOWN_TIMEOUT + telemetry < stop_timeout);
        assert_eq!(LONGEST_DEREGISTRATION, Duration::from_secs(8));
        assert!(LONGEST_DEREGISTRATION > DEFAULT_DEREGISTRATION);
        assert!(SHUTDOWN_TIMEOUT - LONGEST_DEREGISTRATION >= DEFAULT_TIMEOUT);
    }

    #[tokio::test]
    async fn the_error_for_a_busy_port_contains_the_address() {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(address).await.expect("a port is free");
        let error = Server::bind(server.address()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot listen on {}", server.address()));
    }
}
