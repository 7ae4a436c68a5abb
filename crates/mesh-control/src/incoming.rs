//! Connections of the xDS port: counted, with or without TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::Stream;
use server_tls::{ServerTls, TlsStream};
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::TcpListenerStream;
use xds_server::{Connection, Connections};

/// Connections without TLS.
pub(crate) fn plain(
    listener: TcpListener,
    connections: Connections,
) -> impl Stream<Item = io::Result<Connection<TcpStream>>> + Send + 'static {
    TcpListenerStream::new(listener).filter_map(move |accepted| {
        let outcome = accepted.and_then(|connection| {
            // Small responses are sent at once, not after the ACK of earlier ones.
            connection.set_nodelay(true)?;
            let address = address_of(&connection);
            Ok(connections.accept(connection, address, Arc::default()))
        });
        outcome.transpose()
    })
}

/// Connections whose TLS handshake is complete.
pub(crate) fn tls(
    listener: TcpListener,
    tls: &ServerTls,
    connections: Connections,
) -> impl Stream<Item = io::Result<Connection<TlsStream<TcpStream>>>> + Send + 'static {
    tls.listen(listener, &["h2"]).into_stream().filter_map(move |accepted| {
        let outcome = accepted.map(|connection| {
            let (tcp, session) = connection.get_ref();
            let address = address_of(tcp);
            let chain = session.peer_certificates().unwrap_or_default();
            let certificates = chain.iter().map(|certificate| certificate.to_vec()).collect();
            connections.accept(connection, address, certificates)
        });
        outcome.transpose()
    })
}

fn address_of(connection: &TcpStream) -> Option<std::net::IpAddr> {
    // IPv4 addresses of a socket for both families have their own form, so that a peer is counted once.
    let address = connection.peer_addr().ok();
    address
        .as_ref()
        .map(SocketAddr::ip)
        .map(|address| address.to_canonical())
}
