//! Connections of a server: how many there may be, and how long one may be without a stream.
//!
//! [`Connections::accept`] wraps each accepted connection, after TLS. A [`Connection`] reports its [`Peer`] to the services
//! of a tonic server, and ends itself: once it has had no stream for [`Limits::idle_connection`], or when it has been
//! without a stream for longest and a further one arrives at the limit of all. So silent connections keep no client out.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::transport::server::Connected;

use crate::limits::Limits;
use crate::log_limit::{LogLimit, may_log};

/// The open connections of a server. Clones share them.
#[derive(Debug, Clone)]
pub struct Connections(Arc<Registry>);

#[derive(Debug)]
struct Registry {
    limits: Limits,
    open: Mutex<Open>,
    log: Mutex<LogLimit>,
}

#[derive(Debug, Default)]
struct Open {
    count: usize,
    addresses: HashMap<IpAddr, usize>,
    /// The connections without a stream, in the order in which they became so.
    idle: BTreeMap<u64, Arc<Closing>>,
    next: u64,
}

/// Ends a connection from outside.
#[derive(Debug, Default)]
struct Closing {
    is_closed: AtomicBool,
    waker: AtomicWaker,
}

impl Closing {
    fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.waker.wake();
    }
}

/// One open connection, until it is dropped.
struct Entry {
    registry: Arc<Registry>,
    address: Option<IpAddr>,
    closing: Arc<Closing>,
    activity: Mutex<Activity>,
}

#[derive(Debug)]
struct Activity {
    streams: usize,
    /// Since when there is none, and the place in [`Open::idle`].
    idle: Option<(Instant, u64)>,
}

impl Connections {
    /// No connections yet. Of the limits, `connections`, `connections_per_address` and `idle_connection` apply.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Registry {
            limits,
            open: Mutex::default(),
            log: Mutex::default(),
        }))
    }

    /// Counts a connection whose TLS handshake, if any, is complete. `None` if its address has as many as it may, or if all
    /// others have a stream and there are as many as there may be; the connection is then closed.
    pub fn accept<IO>(&self, io: IO, address: Option<IpAddr>, certificates: Arc<[Vec<u8>]>) -> Option<Connection<IO>> {
        let registry = &self.0;
        match registry.register(address) {
            Ok(entry) => Some(Connection {
                io,
                timeout: Box::pin(sleep_until(Instant::now() + registry.limits.idle_connection)),
                peer: Peer {
                    address,
                    certificates,
                    entry: Some(Arc::new(entry)),
                },
            }),
            Err(error) => {
                if let Some(suppressed) = may_log(&registry.log, "", address, &error) {
                    let address = address.map(|address| address.to_string());
                    tracing::warn!(address, error, suppressed, "connection rejected");
                }
                None
            }
        }
    }

    /// The number of open connections.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.open().count
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Registry {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Entry, String> {
        let mut open = self.open();
        let limited = address.filter(|address| !address.is_loopback());
        if let Some(address) = limited {
            let maximum = self.limits.connections_per_address;
            if open.addresses.get(&address).is_some_and(|count| *count >= maximum) {
                return Err(format!(
                    "{address} has {maximum} open connections; at most so many are allowed"
                ));
            }
        }
        if open.count >= self.limits.connections {
            let Some((_, oldest)) = open.idle.pop_first() else {
                let maximum = self.limits.connections;
                return Err(format!(
                    "{maximum} connections have streams; at most so many are allowed"
                ));
            };
            // It is counted until it has been dropped, so for a moment there is one more.
            oldest.close();
        }
        open.count += 1;
        if let Some(address) = limited {
            *open.addresses.entry(address).or_default() += 1;
        }
        let closing = Arc::new(Closing::default());
        let place = open.add_idle(&closing);
        Ok(Entry {
            registry: Arc::clone(self),
            address: limited,
            closing,
            activity: Mutex::new(Activity {
                streams: 0,
                idle: Some((Instant::now(), place)),
            }),
        })
    }
}

impl Open {
    fn add_idle(&mut self, closing: &Arc<Closing>) -> u64 {
        let place = self.next;
        self.next += 1;
        self.idle.insert(place, Arc::clone(closing));
        place
    }
}

impl Entry {
    fn activity(&self) -> MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open_stream(&self) {
        let mut activity = self.activity();
        activity.streams += 1;
        if let Some((_, place)) = activity.idle.take() {
            self.registry.open().idle.remove(&place);
        }
    }

    fn close_stream(&self) {
        let mut activity = self.activity();
        activity.streams -= 1;
        if activity.streams == 0 {
            let place = self.registry.open().add_idle(&self.closing);
            activity.idle = Some((Instant::now(), place));
        }
    }

    fn idle_since(&self) -> Option<Instant> {
        self.activity().idle.map(|(since, _)| since)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let idle = self.activity().idle;
        let mut open = self.registry.open();
        open.count -= 1;
        if let Some((_, place)) = idle {
            open.idle.remove(&place);
        }
        if let Some(address) = self.address
            && let Some(count) = open.addresses.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                open.addresses.remove(&address);
            }
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("address", &self.address)
            .field("activity", &self.activity)
            .finish_non_exhaustive()
    }
}

/// The other end of a connection. tonic inserts it into the extensions of each request.
#[derive(Debug, Clone)]
pub struct Peer {
    address: Option<IpAddr>,
    certificates: Arc<[Vec<u8>]>,
    /// `None` if connections are not counted.
    entry: Option<Arc<Entry>>,
}

impl Peer {
    /// A peer of a server that has connections of another kind.
    #[must_use]
    pub fn new(address: Option<IpAddr>, certificates: Arc<[Vec<u8>]>) -> Self {
        Self {
            address,
            certificates,
            entry: None,
        }
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// The chain of its TLS client certificate in DER, its own certificate first.
    #[must_use]
    pub fn certificates(&self) -> Arc<[Vec<u8>]> {
        Arc::clone(&self.certificates)
    }

    /// Keeps the connection open while the guard lives, for a call or a stream.
    #[must_use]
    pub fn open_stream(&self) -> ConnectionUse {
        if let Some(entry) = &self.entry {
            entry.open_stream();
        }
        ConnectionUse(self.entry.clone())
    }
}

/// A call or a stream on a connection.
#[derive(Debug)]
pub struct ConnectionUse(Option<Arc<Entry>>);

impl Drop for ConnectionUse {
    fn drop(&mut self) {
        if let Some(entry) = &self.0 {
            entry.close_stream();
        }
    }
}

/// A counted connection of a tonic server.
#[derive(Debug)]
pub struct Connection<IO> {
    io: IO,
    /// The earliest moment at which it may have been without a stream for too long.
    timeout: Pin<Box<Sleep>>,
    peer: Peer,
}

impl<IO> Connection<IO> {
    /// Ready once the connection is to end.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(entry) = &self.peer.entry else {
            return Poll::Pending;
        };
        entry.closing.waker.register(cx.waker());
        if entry.closing.is_closed.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        let limit = entry.registry.limits.idle_connection;
        loop {
            ready!(self.timeout.as_mut().poll(cx));
            let now = Instant::now();
            let end = entry.idle_since().unwrap_or(now) + limit;
            if end <= now {
                return Poll::Ready(());
            }
            self.timeout.as_mut().reset(end);
        }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Connection<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.poll_end(cx).is_ready() {
            // The end of what the peer sends, to the server.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Connection<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

impl<IO> Connected for Connection<IO> {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

#[cfg(test)]
mod tests;
