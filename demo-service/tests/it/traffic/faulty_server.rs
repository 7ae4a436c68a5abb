//! A server that does not speak HTTP well: it reads a request, says what it was told to say, and then fails in its way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const BLUE: &str =
    "HTTP/1.1 200 OK\r\ncontent-length: 47\r\n\r\n{\"message\":\"ok\",\"service\":\"blue\",\"version\":\"1\"}";

/// What comes after what it said.
#[derive(Clone, Copy)]
enum End {
    /// The next request.
    Goes,
    Hangs,
    Closes,
    Resets,
}

/// Stops with its value.
pub(crate) struct FaultyServer {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    _server: JoinSet<()>,
}

impl FaultyServer {
    pub(crate) async fn that_hangs() -> Self {
        Self::start("", End::Hangs).await
    }

    pub(crate) async fn that_says_and_hangs(text: &'static str) -> Self {
        Self::start(text, End::Hangs).await
    }

    pub(crate) async fn that_says_and_closes(text: &'static str) -> Self {
        Self::start(text, End::Closes).await
    }

    pub(crate) async fn that_says_and_resets(text: &'static str) -> Self {
        Self::start(text, End::Resets).await
    }

    /// One that does not fail, and counts its connections.
    pub(crate) async fn none() -> Self {
        Self::start(BLUE, End::Goes).await
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    async fn start(text: &'static str, end: End) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let (connection, _) = listener.accept().await.expect("it accepts");
                counted.fetch_add(1, Ordering::SeqCst);
                open.spawn(serve(connection, text, end));
            }
        });
        Self {
            address,
            connections,
            _server: server,
        }
    }
}

/// Until the client or it closes the connection.
async fn serve(mut connection: TcpStream, text: &str, end: End) {
    while request(&mut connection).await {
        if connection.write_all(text.as_bytes()).await.is_err() {
            return;
        }
        match end {
            End::Goes => {}
            End::Hangs => std::future::pending().await,
            End::Closes => return,
            End::Resets => {
                connection.set_zero_linger().expect("the option can be set");
                return;
            }
        }
    }
}

/// Reads a request to the end of its head; false if the client closed.
async fn request(connection: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match connection.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return false,
        }
    }
    true
}
