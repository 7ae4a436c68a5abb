//! Listening, serving, and stopping without cutting anyone off.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// How long requests in flight may take once the service stops. Longer than a call through the mesh can take, so
/// what is cut off was not waiting for one; and shorter than ECS waits by default before it kills a task
/// (`stopTimeout`, 30 seconds; ECS API reference, ContainerDefinition, read 2026-11-23), so that there is time to
/// say so.
pub(crate) const GRACE: Duration = Duration::from_secs(25);

#[derive(Debug, Error)]
pub(crate) enum ServerError {
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("serving failed")]
    Serve(#[source] io::Error),
    #[error("gave up after {0:?}: requests in flight did not finish")]
    GaveUp(Duration),
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

    /// Serves until `stop` gives a reason. Then no connection is accepted any more, idle ones are closed, and
    /// requests in flight have until `grace` is over.
    ///
    /// Cancelling it stops accepting at once and leaves requests in flight to the runtime.
    pub(crate) async fn run<R>(self, app: Router, stop: R, grace: Duration) -> Result<(), ServerError>
    where
        R: Future<Output = &'static str> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let serving = axum::serve(self.listener, app).with_graceful_shutdown(async move {
            let reason = stop.await;
            tracing::info!(reason, "stopping; requests in flight finish");
            // Nobody is told if serving ended by itself, and then nobody waits.
            let _ = tell.send(());
        });
        let grace_is_over = async {
            match told.await {
                Ok(()) => tokio::time::sleep(grace).await,
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            result = serving => result.map_err(ServerError::Serve),
            () = grace_is_over => Err(ServerError::GaveUp(grace)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Notify;

    use super::*;

    async fn loopback() -> Server {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Server::bind(address).await.expect("a port is free")
    }

    #[tokio::test]
    async fn a_request_that_does_not_end_is_given_up() {
        let server = loopback().await;
        let url = format!("http://{}/", server.address());
        let entered = Arc::new(Notify::new());
        let stop = Arc::clone(&entered);
        let app = Router::new().fallback(async move || {
            entered.notify_one();
            std::future::pending::<()>().await;
        });
        let stop = async move {
            stop.notified().await;
            "the request is in flight"
        };
        let request = tokio::spawn(reqwest::Client::builder().no_proxy().build().unwrap().get(url).send());
        let error = server.run(app, stop, Duration::from_millis(50)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "gave up after 50ms: requests in flight did not finish"
        );
        request.abort();
    }

    #[tokio::test]
    async fn a_connection_that_asks_nothing_holds_nothing_up() {
        let server = loopback().await;
        let idle = tokio::net::TcpStream::connect(server.address()).await.unwrap();
        let stopped = server.run(Router::new(), std::future::ready("test"), GRACE).await;
        assert!(stopped.is_ok());
        drop(idle);
    }

    #[tokio::test]
    async fn a_busy_port_is_named() {
        let server = loopback().await;
        let error = Server::bind(server.address()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot listen on {}", server.address()));
    }
}
