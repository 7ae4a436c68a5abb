//! Listening, serving, and stopping without cutting anyone off.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use mesh_client::DEFAULT_TIMEOUT;
use mesh_client::server::{DEFAULT_DEREGISTRATION, DEFAULT_GRACE, Shutdown, ShutdownError};
use thiserror::Error;
use tokio::net::TcpListener;

/// How long stopping may take: 25 seconds, for going on taking requests and for finishing those under way then.
///
/// ECS waits 30 before it kills a task, unless told otherwise (`stopTimeout`; ECS API reference, ContainerDefinition, read
/// 2026-11-23). What is left is for saying that requests were cut off, and for the last spans and metrics, which
/// [`Telemetry::shutdown`](mesh_client::telemetry::Telemetry::shutdown) hands over for three seconds at most.
const STOPPED_WITHIN: Duration = DEFAULT_DEREGISTRATION.saturating_add(DEFAULT_GRACE);

/// The longest time to go on taking requests: 8 seconds. What is left of [`STOPPED_WITHIN`] then is as long as a call
/// through the mesh can take, so what is cut off was not waiting for one.
pub(crate) const LONGEST_DEREGISTRATION: Duration = STOPPED_WITHIN.saturating_sub(DEFAULT_TIMEOUT);

#[derive(Debug, Error)]
pub(crate) enum ServerError {
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error(transparent)]
    Stop(#[from] ShutdownError),
}

/// A service that listens already.
#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Listens on `address`. Cancelling it listens nowhere.
    pub(crate) async fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// Where it listens, with the port that the OS chose if it was to choose one.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is told to stop, and goes on for as long as `deregistration` then, at most
    /// [`LONGEST_DEREGISTRATION`]. After that no connection is accepted any more, idle ones are closed, and requests in
    /// flight have what is left of [`STOPPED_WITHIN`].
    ///
    /// Cancelling it stops accepting at once and leaves requests in flight to the runtime.
    pub(crate) async fn run(
        self,
        app: Router,
        shutdown: Shutdown,
        deregistration: Duration,
    ) -> Result<(), ServerError> {
        let grace = STOPPED_WITHIN.saturating_sub(deregistration);
        let shutdown = shutdown.deregistration(deregistration).grace(grace);
        let serving = |stop| axum::serve(self.listener, app).with_graceful_shutdown(stop);
        Ok(shutdown.run(serving).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_of_stopping_fit_into_the_time_that_ecs_gives() {
        let (stop_timeout, last_spans) = (Duration::from_secs(30), Duration::from_secs(3));
        assert!(STOPPED_WITHIN + last_spans < stop_timeout);
        assert_eq!(LONGEST_DEREGISTRATION, Duration::from_secs(8));
        assert!(LONGEST_DEREGISTRATION > DEFAULT_DEREGISTRATION);
        assert!(STOPPED_WITHIN - LONGEST_DEREGISTRATION >= DEFAULT_TIMEOUT);
    }

    #[tokio::test]
    async fn a_busy_port_is_named() {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(address).await.expect("a port is free");
        let error = Server::bind(server.address()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot listen on {}", server.address()));
    }
}
