//! The open connections of a server, and which of them has waited longest for a request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// The open connections. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Connections {
    max: usize,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    connections: HashMap<u64, Connection>,
}

#[derive(Debug)]
struct Connection {
    /// `None` while a request is served.
    waiting_since: Option<Instant>,
    evicted: Arc<Notify>,
}

impl Connections {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            open: Arc::default(),
        }
    }

    /// A slot for a new connection. If there is none, the connection that has waited longest is ended; `None` if none is
    /// waiting.
    pub(super) fn open(&self) -> Option<Slot> {
        let mut open = self.lock();
        if open.connections.len() >= self.max {
            let waiting = open
                .connections
                .iter()
                .filter_map(|(id, connection)| Some((connection.waiting_since?, *id)));
            let (_, oldest) = waiting.min()?;
            if let Some(connection) = open.connections.remove(&oldest) {
                connection.evicted.notify_one();
            }
        }
        let id = open.next;
        open.next += 1;
        let evicted = Arc::new(Notify::new());
        let connection = Connection {
            waiting_since: Some(Instant::now()),
            evicted: Arc::clone(&evicted),
        };
        open.connections.insert(id, connection);
        drop(open);
        Some(Slot {
            id,
            connections: self.clone(),
            evicted,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection. It is no longer open when this is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    id: u64,
    connections: Connections,
    evicted: Arc<Notify>,
}

impl Slot {
    /// Ready when the connection must end, because a new one needs the slot.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }

    /// Ready once the connection has waited so long for a request.
    pub(super) async fn idle_for(&self, limit: Duration) {
        loop {
            let since = self.waiting_since();
            if since.is_some_and(|since| since.elapsed() >= limit) {
                return;
            }
            tokio::time::sleep_until(since.unwrap_or_else(Instant::now) + limit).await;
        }
    }

    /// The connection does not wait until the result is dropped.
    pub(super) fn begin_request(&self) -> InRequest<'_> {
        self.wait_since(None);
        InRequest(self)
    }

    fn waiting_since(&self) -> Option<Instant> {
        self.connections.lock().connections.get(&self.id)?.waiting_since
    }

    fn wait_since(&self, since: Option<Instant>) {
        if let Some(connection) = self.connections.lock().connections.get_mut(&self.id) {
            connection.waiting_since = since;
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connections.lock().connections.remove(&self.id);
    }
}

#[derive(Debug)]
pub(super) struct InRequest<'s>(&'s Slot);

impl Drop for InRequest<'_> {
    fn drop(&mut self) {
        self.0.wait_since(Some(Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_connection_that_has_waited_longest_makes_room() {
        let connections = Connections::new(2);
        let first = connections.open().unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        let second = connections.open().unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        // A request ends the waiting, and its end begins it again.
        drop(first.begin_request());
        let third = connections.open().unwrap();
        assert!(second.evicted().now_or_never().is_some());
        assert!(first.evicted().now_or_never().is_none());

        let (_one, _other) = (first.begin_request(), third.begin_request());
        assert!(connections.open().is_none());
        drop(second);
        assert!(connections.open().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_connection_leaves_room() {
        let connections = Connections::new(1);
        let first = connections.open().unwrap();
        let request = first.begin_request();
        assert!(connections.open().is_none());
        drop(request);
        drop(first);
        let second = connections.open().unwrap();
        let _request = second.begin_request();
        assert!(connections.open().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_is_not_idle() {
        let connections = Connections::new(1);
        let slot = connections.open().unwrap();
        let limit = Duration::from_secs(10);
        let start = Instant::now();
        let request = slot.begin_request();
        let ended = async {
            tokio::time::sleep(Duration::from_secs(25)).await;
            drop(request);
        };
        tokio::join!(slot.idle_for(limit), ended);
        assert_eq!(start.elapsed(), Duration::from_secs(35));
    }
}
