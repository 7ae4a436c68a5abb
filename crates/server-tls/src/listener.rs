//! TLS connections from a TCP listener: concurrent handshakes with a limit and a timeout.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::{self, FuturesUnordered, Stream, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::server_tls::ServerTls;

/// Handshakes at a time. A further connection ends the oldest one: a client has completed its own long before, unless
/// thousands of connections arrive in a second, so silent peers cannot keep others out.
const MAX_HANDSHAKES: usize = 256;

/// A client sends its first message at once; a peer that has sent nothing in this time is not one.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(3);

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
    /// One for each handshake, the oldest first, some of them completed. A handshake ends when its sender is dropped.
    pending: VecDeque<oneshot::Sender<()>>,
}

impl TlsListener {
    pub(crate) fn new(listener: TcpListener, tls: ServerTls, acceptor: TlsAcceptor) -> Self {
        Self {
            listener,
            tls,
            acceptor,
            handshakes: FuturesUnordered::new(),
            pending: VecDeque::new(),
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
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
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

    /// Ends the oldest handshake if there are as many as there may be. The receiver of the next one.
    fn make_room(&mut self) -> oneshot::Receiver<()> {
        self.pending.retain(|handshake| !handshake.is_closed());
        if self.pending.len() >= MAX_HANDSHAKES {
            self.pending.pop_front();
        }
        let (handshake, ended) = oneshot::channel();
        self.pending.push_back(handshake);
        ended
    }

    fn start_handshake(&mut self, connection: TcpStream, peer: SocketAddr) {
        let ended = self.make_room();
        let (tls, acceptor) = (self.tls.clone(), self.acceptor.clone());
        self.handshakes.push(Box::pin(async move {
            let handshake = async {
                connection.set_nodelay(true)?;
                // Not `readable`: it may be ready before anything has arrived.
                let mut first = [0];
                match tokio::time::timeout(FIRST_BYTE_TIMEOUT, connection.peek(&mut first)).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => return Err(error),
                    Err(_) => return Err(io::Error::new(io::ErrorKind::TimedOut, "nothing was sent")),
                }
                tls.refresh().await;
                acceptor.accept(connection).await
            };
            let reason = tokio::select! {
                outcome = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake) => match outcome {
                    Ok(Ok(connection)) => return Some((connection, peer)),
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => "not completed in time".to_owned(),
                },
                _ = ended => format!("{MAX_HANDSHAKES} newer ones are pending"),
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
