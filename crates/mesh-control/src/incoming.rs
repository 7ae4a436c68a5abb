//! Connections of the xDS port: counted, with or without TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, Stream};
use server_tls::{ServerTls, TlsListener, TlsStream};
use tokio::net::{TcpListener, TcpStream};
use xds_server::{Connection, Connections};

/// Pause after an error of the listener, such as too many open files.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Connections without TLS.
pub(crate) fn plain(
    listener: TcpListener,
    connections: Connections,
) -> impl Stream<Item = io::Result<Connection<TcpStream>>> + Send + 'static {
    stream::unfold((listener, connections), |(listener, connections)| async move {
        loop {
            let (connection, peer) = accept(&listener).await;
            if let Some(counted) = connections.accept(connection, Some(canonical(peer)), Arc::default()) {
                return Some((Ok(counted), (listener, connections)));
            }
        }
    })
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            // Small responses are sent at once, not after the ACK of earlier ones.
            Ok((connection, peer)) if connection.set_nodelay(true).is_ok() => return (connection, peer),
            // It was closed before it was accepted.
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!("cannot accept connections of Envoys: {error}");
                tokio::time::sleep(RETRY_DELAY).await;
            }
        }
    }
}

/// Connections whose TLS handshake is complete.
pub(crate) fn tls(
    listener: TcpListener,
    tls: &ServerTls,
    connections: Connections,
) -> impl Stream<Item = io::Result<Connection<TlsStream<TcpStream>>>> + Send + 'static {
    let listener = tls.listen(listener, &["h2"]);
    stream::unfold((listener, connections), |(mut listener, connections)| async move {
        let counted = accept_tls(&mut listener, &connections).await;
        Some((Ok(counted), (listener, connections)))
    })
}

async fn accept_tls(listener: &mut TlsListener, connections: &Connections) -> Connection<TlsStream<TcpStream>> {
    loop {
        let (connection, peer) = listener.accept().await;
        let (_, session) = connection.get_ref();
        let chain = session.peer_certificates().unwrap_or_default();
        let certificates = chain.iter().map(|certificate| certificate.to_vec()).collect();
        if let Some(counted) = connections.accept(connection, Some(canonical(peer)), certificates) {
            return counted;
        }
    }
}

/// The address of a peer. IPv4 addresses of a socket for both families are those of IPv4, so that a peer is counted once.
fn canonical(peer: SocketAddr) -> IpAddr {
    peer.ip().to_canonical()
}
