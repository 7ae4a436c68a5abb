//! The control plane as a whole: binds its two addresses, serves them, and is told what is true.

use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

use crate::ads::Status;
use crate::ads::service::Ads;
use crate::ads::status::StatusBoard;
use crate::source::Source;
use crate::world::World;
use crate::world_source::WorldSource;

/// Where a control plane listens.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// For Envoys: ADS over gRPC, without TLS.
    pub xds: SocketAddr,
    /// For people: `GET /status`, a JSON document ([`Status`]), and `GET /healthz`. Without TLS.
    pub status: SocketAddr,
}

impl Default for Addresses {
    /// Loopback, on ports that the operating system picks.
    fn default() -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            xds: any_port,
            status: any_port,
        }
    }
}

/// A handle to a running control plane. Clones speak to the same one.
#[derive(Debug, Clone)]
pub struct ControlPlane {
    world: WorldSource,
    endpoint: Endpoint,
}

#[derive(Debug, Clone)]
struct Endpoint {
    addresses: Addresses,
    board: StatusBoard,
}

impl ControlPlane {
    /// Binds `addresses` and gives the handle, and the work of serving: a future to be spawned or awaited. It
    /// ends only with an error; dropping it closes every stream.
    ///
    /// # Errors
    ///
    /// If an address cannot be bound. The error names it.
    pub async fn bind(
        addresses: Addresses,
        world: World,
    ) -> io::Result<(Self, impl Future<Output = io::Result<()>> + Send + 'static)> {
        Self::on(listen(addresses.xds).await?, addresses.status, world).await
    }

    /// Does the same with a listener for Envoys that is there already: one in another network, for instance. It must not
    /// block.
    ///
    /// # Errors
    ///
    /// If the listener cannot be used, or `status` cannot be bound. The latter names it.
    pub async fn with_listener(
        xds: std::net::TcpListener,
        status: SocketAddr,
        world: World,
    ) -> io::Result<(Self, impl Future<Output = io::Result<()>> + Send + 'static)> {
        Self::on(TcpListener::from_std(xds)?, status, world).await
    }

    async fn on(
        xds: TcpListener,
        status: SocketAddr,
        world: World,
    ) -> io::Result<(Self, impl Future<Output = io::Result<()>> + Send + 'static)> {
        let world = WorldSource::new(world);
        let (endpoint, serving) = serve(xds, status, Arc::new(world.clone())).await?;
        Ok((Self { world, endpoint }, serving))
    }

    /// Changes what is true. Every Envoy that this concerns is told, in an order that loses no request.
    pub fn update(&self, change: impl FnOnce(&mut World)) {
        self.world.update(change);
    }

    /// Waits until at least `nodes` Envoys are connected, and all that are have, or have refused, everything that is
    /// true now. There is no limit to that: an Envoy may be stuck. Cancelling it loses nothing.
    pub async fn settled(&self, nodes: usize) {
        self.endpoint.board.settled(nodes, self.world.revision()).await;
    }

    /// Where it listens, with the ports that the operating system picked.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.endpoint.addresses
    }

    /// What the connected Envoys have and what they refused.
    #[must_use]
    pub fn status(&self) -> Status {
        self.endpoint.board.read()
    }
}

/// A control plane over a source of the caller's own, for those who do not describe a [`World`]. Otherwise as
/// [`ControlPlane::bind`]; gives the addresses and a function that reads the status.
///
/// # Errors
///
/// If an address cannot be bound. The error names it.
pub async fn serve_source(
    addresses: Addresses,
    source: Arc<dyn Source>,
) -> io::Result<(
    Addresses,
    impl Fn() -> Status + Clone + Send + Sync,
    impl Future<Output = io::Result<()>> + Send + 'static,
)> {
    let (endpoint, serving) = serve(listen(addresses.xds).await?, addresses.status, source).await?;
    Ok((endpoint.addresses, move || endpoint.board.read(), serving))
}

async fn serve(
    xds: TcpListener,
    status: SocketAddr,
    source: Arc<dyn Source>,
) -> io::Result<(Endpoint, impl Future<Output = io::Result<()>> + Send + 'static)> {
    let status = listen(status).await?;
    let board = StatusBoard::default();
    let endpoint = Endpoint {
        addresses: Addresses {
            xds: xds.local_addr()?,
            status: status.local_addr()?,
        },
        board: board.clone(),
    };
    let pages = status_pages(board.clone());
    let serving = async move {
        // Connections are served by tasks of their own, which would outlive this future. It therefore holds one
        // end of a channel, which closes with it; and only a server that could be asked to shut down closes its
        // connections when it is dropped. An Envoy that kept its connection would never look for a successor.
        let (_open, closing) = watch::channel(());
        let ads = Server::builder().add_service(Ads::new(source, board, closing));
        tokio::try_join!(
            async {
                ads.serve_with_incoming_shutdown(TcpListenerStream::new(xds), pending())
                    .await
                    .map_err(io::Error::other)
            },
            async { axum::serve(status, pages).await },
        )?;
        Ok(())
    };
    Ok((endpoint, serving))
}

async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))
}

fn status_pages(board: StatusBoard) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route(
            "/",
            get(async || "GET /status: what each Envoy has accepted and refused\nGET /healthz: ok\n"),
        )
        .route("/status", get(async move || status_page(board.read())))
}

/// The document, indented for those who look at it with `curl`.
fn status_page(status: Status) -> impl IntoResponse {
    match serde_json::to_string_pretty(&status) {
        Ok(document) => {
            let headers = [(header::CONTENT_TYPE, "application/json")];
            (StatusCode::OK, headers, format!("{document}\n")).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
