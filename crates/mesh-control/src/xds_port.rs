//! The xDS port: reserved, then listened on, with one ADS service or first with another.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use server_tls::ServerTls;
use tokio::net::{TcpListener, TcpSocket};
use tonic::transport::Server;
use tower::util::MapResponseLayer;
use xds_server::{AdsService, Connections, Limits, Source};

use crate::call_statistics::CallStatisticsServer;
use crate::control_plane::{BindError, ServeError};
use crate::{grpc_message, incoming};

/// HTTP/2 keepalive of xDS connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keepalive {
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(10),
        }
    }
}

/// HTTP/2 streams of one connection. An Envoy has one for ADS and one for call statistics.
const STREAMS_PER_CONNECTION: u32 = 16;

/// The accept queue, as in `TcpListener::bind`.
const BACKLOG: u32 = 1024;

/// Resolves once Envoys may be served.
pub(crate) type Ready = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What is served until the port is ready.
pub(crate) struct UntilReady {
    /// The source, if not ready after this time.
    pub(crate) source: Arc<dyn Source>,
    pub(crate) after: Duration,
}

/// The bound port, and how it is served.
pub(crate) struct XdsPort {
    address: SocketAddr,
    socket: XdsSocket,
    pub(crate) tls: Option<ServerTls>,
    pub(crate) keepalive: Keepalive,
    pub(crate) limits: Limits,
    /// Whether [`UntilReady::source`] is served now.
    pub(crate) serves_until_ready: Arc<AtomicBool>,
}

enum XdsSocket {
    Listening(TcpListener),
    /// Bound, but not listened on.
    Reserved(TcpSocket),
}

impl XdsPort {
    /// A port whose listener exists.
    pub(crate) fn of_listener(listener: std::net::TcpListener, requested: SocketAddr) -> Result<Self, BindError> {
        let listener = TcpListener::from_std(listener).map_err(|error| BindError::new(requested, error))?;
        Self::new(listener.local_addr(), requested, XdsSocket::Listening(listener))
    }

    /// Listens on an address.
    pub(crate) async fn listen(requested: SocketAddr) -> Result<Self, BindError> {
        let listener = TcpListener::bind(requested)
            .await
            .map_err(|error| BindError::new(requested, error))?;
        Self::new(listener.local_addr(), requested, XdsSocket::Listening(listener))
    }

    /// Binds an address without listening on it: connections are refused.
    pub(crate) fn reserve(requested: SocketAddr) -> Result<Self, BindError> {
        let socket = bind(requested).map_err(|error| BindError::new(requested, error))?;
        Self::new(socket.local_addr(), requested, XdsSocket::Reserved(socket))
    }

    fn new(local: io::Result<SocketAddr>, requested: SocketAddr, socket: XdsSocket) -> Result<Self, BindError> {
        Ok(Self {
            address: local.map_err(|error| BindError::new(requested, error))?,
            socket,
            tls: None,
            keepalive: Keepalive::default(),
            limits: Limits::default(),
            serves_until_ready: Arc::default(),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `ads` once `ready` ends; before that, `until_ready` if that takes longer. Ends with an error only.
    pub(crate) async fn serve(
        self,
        ads: AdsService,
        calls: Option<CallStatisticsServer>,
        ready: Ready,
        until_ready: Option<UntilReady>,
    ) -> Result<(), ServeError> {
        let mut ready = ready;
        let waits = async |until_ready: &UntilReady, ready: &mut Ready| {
            tokio::time::timeout(until_ready.after, ready).await.is_err()
        };
        let is_late = match &until_ready {
            Some(until_ready) => waits(until_ready, &mut ready).await,
            None => {
                ready.as_mut().await;
                false
            }
        };
        let Self {
            address,
            socket,
            tls,
            keepalive,
            limits,
            serves_until_ready,
        } = self;
        let listener = socket.listen(address)?;
        let connections = Connections::new(limits);
        if let Some(UntilReady { source, .. }) = until_ready.filter(|_| is_late) {
            tracing::warn!("not all meshes are known yet; serving stored configurations");
            let (stand_in, _guard) = ads.with_source(source).with_stream_guard();
            // The same queue of connections: none is refused when the other service takes over.
            let shared = duplicate(&listener).map_err(|error| BindError::new(address, error))?;
            serves_until_ready.store(true, Ordering::Relaxed);
            tokio::select! {
                () = ready => tracing::info!("all meshes are known"),
                served = serve_on(shared, stand_in, None, tls.as_ref(), keepalive, connections.clone()) => return served,
            }
        }
        serves_until_ready.store(false, Ordering::Relaxed);
        let (ads, _guard) = ads.with_stream_guard();
        serve_on(listener, ads, calls, tls.as_ref(), keepalive, connections).await
    }
}

async fn serve_on(
    listener: TcpListener,
    ads: AdsService,
    calls: Option<CallStatisticsServer>,
    tls: Option<&ServerTls>,
    keepalive: Keepalive,
    connections: Connections,
) -> Result<(), ServeError> {
    let server = Server::builder()
        .http2_keepalive_interval(Some(keepalive.interval))
        .http2_keepalive_timeout(Some(keepalive.timeout))
        .layer(MapResponseLayer::new(grpc_message::plain))
        .max_concurrent_streams(STREAMS_PER_CONNECTION)
        .add_service(ads.into_server())
        .add_optional_service(calls);
    // Only a server with graceful shutdown closes its connections when it is dropped.
    let served = match tls {
        Some(tls) => {
            let connections = incoming::tls(listener, tls, connections);
            server.serve_with_incoming_shutdown(connections, pending()).await
        }
        None => {
            let connections = incoming::plain(listener, connections);
            server.serve_with_incoming_shutdown(connections, pending()).await
        }
    };
    served.map_err(|error| ServeError::Xds(Box::new(error)))
}

impl XdsSocket {
    fn listen(self, address: SocketAddr) -> Result<TcpListener, BindError> {
        match self {
            XdsSocket::Listening(listener) => Ok(listener),
            XdsSocket::Reserved(socket) => socket.listen(BACKLOG).map_err(|error| BindError::new(address, error)),
        }
    }
}

/// Another handle of the same listener.
fn duplicate(listener: &TcpListener) -> io::Result<TcpListener> {
    let fd = std::os::fd::AsFd::as_fd(listener).try_clone_to_owned()?;
    TcpListener::from_std(fd.into())
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // As in `TcpListener::bind`: connections of a previous process do not block the address.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}
