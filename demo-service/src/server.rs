//! Listening, serving, and stopping without cutting anyone off.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use mesh_client::server::{Shutdown, ShutdownError};
use thiserror::Error;
use tokio::net::TcpListener;

/// How long this service goes on taking requests once it is told to stop: not at all. The local runner takes a task out
/// of its registry before it stops it, and a demo that stops at once is nicer to watch.
const DEREGISTRATION: Duration = Duration::ZERO;

/// How long requests in flight may take then. Longer than a call through the mesh can take, so what is cut off was not
/// waiting for one; and shorter than ECS waits by default before it kills a task (`stopTimeout`, 30 seconds; ECS API
/// reference, ContainerDefinition, read 2026-11-23), so that there is time to say so.
const GRACE: Duration = Duration::from_secs(25);

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

    /// Serves until it is told to stop. Then no connection is accepted any more, idle ones are closed, and requests in
    /// flight have [`GRACE`].
    ///
    /// Cancelling it stops accepting at once and leaves requests in flight to the runtime.
    pub(crate) async fn run(self, app: Router, shutdown: Shutdown) -> Result<(), ServerError> {
        let shutdown = shutdown.deregistration(DEREGISTRATION).grace(GRACE);
        let serving = |stop| axum::serve(self.listener, app).with_graceful_shutdown(stop);
        Ok(shutdown.run(serving).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_busy_port_is_named() {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(address).await.expect("a port is free");
        let error = Server::bind(server.address()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot listen on {}", server.address()));
    }
}
