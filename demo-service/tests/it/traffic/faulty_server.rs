//! A faulty server: it reads a request, writes a fixed text, and then hangs, closes or resets the connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const BLUE: &str =
    "HTTP/1.1 200 OK\r\ncontent-length: 47\r\n\r\n{\"message\":\"ok\",\"service\":\"blue\",\"version\":\"1\"}";

/// What follows the text.
#[derive(Clone, Copy)]
enum Fault {
    /// No fault: the next request.
    None,
    Hangs,
    Closes,
    Resets,
}

/// Stops on drop.
pub(crate) struct FaultyServer {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    _server: JoinSet<()>,
}

impl FaultyServer {
    pub(crate) async fn hanging() -> Self {
        Self::start("", Fault::Hangs).await
    }

    pub(crate) async fn hanging_after(text: &'static str) -> Self {
        Self::start(text, Fault::Hangs).await
    }

    pub(crate) async fn closing_after(text: &'static str) -> Self {
        Self::start(text, Fault::Closes).await
    }

    pub(crate) async fn resetting_after(text: &'static str) -> Self {
        Self::start(text, Fault::Resets).await
    }

    /// A server without a fault, for counting connections.
    pub(crate) async fn without_fault() -> Self {
        Self::start(BLUE, Fault::None).await
    }

    /// The number of connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    async fn start(text: &'static str, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let (connection, _) = listener.accept().await.expect("a connection arrives");
                counted.fetch_add(1, Ordering::SeqCst);
                open.spawn(serve(connection, text, fault));
            }
        });
        Self {
            address,
            connections,
            _server: server,
        }
    }
}

/// Serves a connection until it is closed.
async fn serve(mut connection: TcpStream, text: &str, fault: Fault) {
    while read_request(&mut connection).await {
        if connection.write_all(text.as_bytes()).await.is_err() {
            return;
        }
        match fault {
            Fault::None => {}
            Fault::Hangs => std::future::pending().await,
            Fault::Closes => return,
            Fault::Resets => {
                connection.set_zero_linger().expect("the option can be set");
                return;
            }
        }
    }
}

/// Reads the head of a request; false if the client closed the connection.
async fn read_request(connection: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match connection.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return false,
        }
    }
    true
}
