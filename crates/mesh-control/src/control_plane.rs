//! The control plane as a whole: binds its two addresses, serves them, and is told what is true.

use std::fmt;
use std::future::{pending, ready};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

use crate::ads::service::Ads;
use crate::ads::status::StatusBoard;
use crate::ads::{SourceStatus, Status};
use crate::mesh_state::MeshState;
use crate::mesh_state_source::MeshStateSource;
use crate::source::Source;

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
    world: MeshStateSource,
    endpoint: Endpoint,
}

/// What learns what is true, for a control plane that is not simply told ([`ControlPlane::learning`]).
pub trait Feed: fmt::Debug + Send + Sync + 'static {
    /// What is asked and how well it answers, now.
    fn sources(&self) -> Vec<SourceStatus>;

    /// Whether enough is known to serve Envoys. Once it is, it stays so.
    ///
    /// # Errors
    ///
    /// What is missing, in one sentence.
    fn is_ready(&self) -> Result<(), String>;
}

/// Of a control plane that is told what is true.
#[derive(Debug)]
struct Told;

impl Feed for Told {
    fn sources(&self) -> Vec<SourceStatus> {
        Vec::new()
    }

    fn is_ready(&self) -> Result<(), String> {
        Ok(())
    }
}

#[derive(Debug, Clone)]
struct Endpoint {
    addresses: Addresses,
    pages: Pages,
}

/// What the status pages are made of.
#[derive(Debug, Clone)]
struct Pages {
    board: StatusBoard,
    feed: Arc<dyn Feed>,
}

impl Pages {
    fn status(&self) -> Status {
        Status {
            sources: self.feed.sources(),
            ..self.board.read()
        }
    }

    fn health(&self) -> (StatusCode, String) {
        match self.feed.is_ready() {
            Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
            Err(missing) => (StatusCode::SERVICE_UNAVAILABLE, format!("{missing}\n")),
        }
    }
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
        world: MeshState,
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
        world: MeshState,
    ) -> io::Result<(Self, impl Future<Output = io::Result<()>> + Send + 'static)> {
        Self::on(TcpListener::from_std(xds)?, status, world).await
    }

    async fn on(
        xds: TcpListener,
        status: SocketAddr,
        world: MeshState,
    ) -> io::Result<(Self, impl Future<Output = io::Result<()>> + Send + 'static)> {
        let world = MeshStateSource::new(world);
        let at = xds.local_addr()?;
        let open = ready(Ok(xds));
        let (endpoint, serving) = serve(at, open, status, Arc::new(Told), Arc::new(world.clone())).await?;
        Ok((Self { world, endpoint }, serving))
    }

    /// Does the same for a control plane that does not know yet what is true. Until `known` ends, Envoys' connections
    /// are refused, so that they look for another copy instead of being told that there is nothing; the status pages are
    /// there at once, and show what `feed` says.
    ///
    /// # Errors
    ///
    /// If an address cannot be bound. The error names it.
    pub async fn learning(
        addresses: Addresses,
        feed: Arc<dyn Feed>,
        known: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<(Self, impl Future<Output = io::Result<()>> + Send + 'static)> {
        let world = MeshStateSource::new(MeshState::default());
        let xds = reserve(addresses.xds)?;
        let at = xds.local_addr()?;
        let open = async move {
            known.await;
            xds.listen(BACKLOG).map_err(|error| cannot_listen(at, &error))
        };
        let (endpoint, serving) = serve(at, open, addresses.status, feed, Arc::new(world.clone())).await?;
        Ok((Self { world, endpoint }, serving))
    }

    /// Changes what is true. Every Envoy that this concerns is told, in an order that loses no request.
    pub fn update(&self, change: impl FnOnce(&mut MeshState)) {
        self.world.update(change);
    }

    /// Waits until at least `nodes` Envoys are connected, and all that are have, or have refused, everything that is
    /// true now. There is no limit to that: an Envoy may be stuck. Cancelling it loses nothing.
    pub async fn settled(&self, nodes: usize) {
        self.endpoint.pages.board.settled(nodes, self.world.revision()).await;
    }

    /// How often what is true has changed so far.
    #[cfg(feature = "aws")]
    pub(crate) fn revision(&self) -> u64 {
        self.world.revision()
    }

    /// Waits until `enough` is true of the connected Envoys.
    #[cfg(feature = "aws")]
    pub(crate) async fn until(&self, enough: impl FnMut(&Status) -> bool) {
        self.endpoint.pages.board.until(enough).await;
    }

    /// Where it listens, with the ports that the operating system picked.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.endpoint.addresses
    }

    /// What the connected Envoys have and what they refused.
    #[must_use]
    pub fn status(&self) -> Status {
        self.endpoint.pages.status()
    }
}

/// A control plane over a source of the caller's own, for those who do not describe a [`MeshState`]. Otherwise as
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
    let xds = listen(addresses.xds).await?;
    let at = xds.local_addr()?;
    let (endpoint, serving) = serve(at, ready(Ok(xds)), addresses.status, Arc::new(Told), source).await?;
    Ok((endpoint.addresses, move || endpoint.pages.status(), serving))
}

/// Serves Envoys on the listener that `open` gives, which is at `xds`.
async fn serve(
    xds: SocketAddr,
    open: impl Future<Output = io::Result<TcpListener>> + Send + 'static,
    status: SocketAddr,
    feed: Arc<dyn Feed>,
    source: Arc<dyn Source>,
) -> io::Result<(Endpoint, impl Future<Output = io::Result<()>> + Send + 'static)> {
    let status = listen(status).await?;
    let board = StatusBoard::default();
    let pages = Pages {
        board: board.clone(),
        feed,
    };
    let endpoint = Endpoint {
        addresses: Addresses {
            xds,
            status: status.local_addr()?,
        },
        pages: pages.clone(),
    };
    let pages = status_pages(pages);
    let serving = async move {
        // Connections are served by tasks of their own, which would outlive this future. It therefore holds one
        // end of a channel, which closes with it; and only a server that could be asked to shut down closes its
        // connections when it is dropped. An Envoy that kept its connection would never look for a successor.
        let (_open, closing) = watch::channel(());
        let ads = Server::builder().add_service(Ads::new(source, board, closing));
        tokio::try_join!(
            async {
                let xds = open.await?;
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

/// How many connections may wait to be accepted, as `TcpListener::bind` has it.
const BACKLOG: u32 = 1024;

async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|error| cannot_listen(address, &error))
}

/// Takes an address, on which nobody listens until its taker does.
fn reserve(address: SocketAddr) -> io::Result<TcpSocket> {
    let reserve = || {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        // As `TcpListener::bind` does, so that connections of a process that has just ended are no obstacle.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(socket)
    };
    reserve().map_err(|error: io::Error| cannot_listen(address, &error))
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
}

const INDEX: &str = "GET /status: what each Envoy has accepted and refused, and how well that is known\n\
                     GET /healthz: ok, or why Envoys are not served yet\n";

fn status_pages(pages: Pages) -> Router {
    let health = pages.clone();
    Router::new()
        .route("/healthz", get(async move || health.health()))
        .route("/", get(async || INDEX))
        .route("/status", get(async move || status_page(pages.status())))
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
