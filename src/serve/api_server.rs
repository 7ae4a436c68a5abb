//! HTTP in front of App Mesh's API, with or without TLS.

use std::io;
use std::net::SocketAddr;

use app_mesh_api::server::{self, Limits};
use axum::Router;
use axum::serve::Listener;
use server_tls::{ServerTls, TlsListener, TlsStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Why the API is not served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiServerError {
    #[error("cannot listen on {address} for the API; choose another with --api")]
    Bind { address: SocketAddr, source: io::Error },
}

/// A bound address of the API. Connections wait until it is served.
#[derive(Debug)]
pub(crate) struct ApiServer {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<ServerTls>,
}

impl ApiServer {
    pub(crate) async fn bind(address: SocketAddr, tls: Option<ServerTls>) -> Result<Self, ApiServerError> {
        let bound = async {
            let listener = TcpListener::bind(address).await?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        };
        let (listener, address) = bound.await.map_err(|source| ApiServerError::Bind { address, source })?;
        Ok(Self { listener, address, tls })
    }

    /// The address, with the port that the operating system has picked.
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stopped` is true and open requests are completed. Dropping this ends them.
    pub(crate) async fn serve(self, router: Router, mut stopped: watch::Receiver<bool>) {
        let stop = async move {
            // Without a sender the process ends.
            let _stopped = stopped.wait_for(|stopped| *stopped).await.map(drop);
        };
        let limits = Limits::default();
        match self.tls {
            Some(tls) => {
                let listener = Tls(tls.listen(self.listener, &["http/1.1"]));
                server::serve(listener, router, limits, stop).await;
            }
            None => server::serve(self.listener, router, limits, stop).await,
        }
    }
}

struct Tls(TlsListener);

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        self.0.accept().await
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}
