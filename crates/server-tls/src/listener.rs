//! TLS connections from a TCP listener: concurrent handshakes with a limit and a timeout.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::{self, FuturesUnordered, Stream, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::server_tls::ServerTls;

/// Handshakes at a time. Further connections wait in the accept queue of the operating system.
const MAX_HANDSHAKES: usize = 256;

/// A handshake takes two round trips; a peer that has not completed it in this time is not a client.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause after an error of the listener, such as too many open files.
const RETRY_DELAY: Duration = Duration::from_secs(1);

type Handshake = Pin<Box<dyn Future<Output = Option<(TlsStream<TcpStream>, SocketAddr)>> + Send>>;

/// A listener for TLS connections. Handshakes proceed while [`TlsListener::accept`] is polled.
pub struct TlsListener {
    listener: TcpListener,
    tls: ServerTls,
    acceptor: TlsAcceptor,
    handshakes: FuturesUnordered<Handshake>,
}

impl TlsListener {
    pub(crate) fn new(listener: TcpListener, tls: ServerTls, acceptor: TlsAcceptor) -> Self {
        Self {
            listener,
            tls,
            acceptor,
            handshakes: FuturesUnordered::new(),
        }
    }

    /// The address it listens on.
    ///
    /// # Errors
    ///
    /// If the operating system does not know it.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The next connection whose handshake is complete. Failed handshakes are logged at level `debug`. Cancel safe.
    pub async fn accept(&mut self) -> (TlsStream<TcpStream>, SocketAddr) {
        loop {
            let may_accept = self.handshakes.len() < MAX_HANDSHAKES;
            tokio::select! {
                accepted = self.listener.accept(), if may_accept => match accepted {
                    Ok((connection, peer)) => self.start_handshake(connection, peer),
                    Err(error) if is_of_connection(&error) => {}
                    Err(error) => {
                        tracing::warn!("cannot accept connections: {error}");
                        tokio::time::sleep(RETRY_DELAY).await;
                    }
                },
                Some(completed) = self.handshakes.next() => {
                    if let Some(connection) = completed {
                        return connection;
                    }
                }
            }
        }
    }

    /// The connections as a stream without end, as tonic's `serve_with_incoming` takes it.
    pub fn into_stream(self) -> impl Stream<Item = io::Result<TlsStream<TcpStream>>> + Send + 'static {
        stream::unfold(self, |mut listener| async move {
            let (connection, _) = listener.accept().await;
            Some((Ok(connection), listener))
        })
    }

    fn start_handshake(&self, connection: TcpStream, peer: SocketAddr) {
        let (tls, acceptor) = (self.tls.clone(), self.acceptor.clone());
        self.handshakes.push(Box::pin(async move {
            let handshake = async {
                connection.set_nodelay(true)?;
                tls.refresh().await;
                acceptor.accept(connection).await
            };
            let outcome = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await;
            let reason = match outcome {
                Ok(Ok(connection)) => return Some((connection, peer)),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "not completed in time".to_owned(),
            };
            tracing::debug!("TLS handshake with {peer} failed: {reason}");
            None
        }));
    }
}

/// Errors of one connection that was closed before it was accepted.
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

impl fmt::Debug for TlsListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsListener")
            .field("listener", &self.listener)
            .field("tls", &self.tls)
            .field("handshakes", &self.handshakes.len())
            .finish_non_exhaustive()
    }
}
