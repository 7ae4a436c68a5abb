//! A server that plays the sidecar: it answers as told, and hands over what it was sent.
//!
//! The tests judge what was sent, not the server: an assertion that fails in a server's task fails no test.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method};
use mesh_client::Client;
use sidecar_contract::MeshSuffixes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// A request as it reached the sidecar.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    /// Path and query, as they were on the wire.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    /// The only value of a header.
    pub(crate) fn header(&self, name: &str) -> &str {
        let values: Vec<_> = self.headers.get_all(name).iter().collect();
        assert_eq!(values.len(), 1, "{name}: {values:?}");
        values[0].to_str().expect("the header is text")
    }
}

/// Stops with its value.
pub(crate) struct Sidecar {
    pub(crate) address: SocketAddr,
    seen: mpsc::UnboundedReceiver<Seen>,
    _server: JoinSet<()>,
}

impl Sidecar {
    /// A sidecar that answers every request with what `answer` makes.
    pub(crate) async fn answering(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> Self {
        let (listener, _) = listen().await;
        Self::answering_at(listener, answer)
    }

    /// The same behind a listener of the test's.
    pub(crate) fn answering_at(
        listener: TcpListener,
        answer: impl Fn() -> Response + Clone + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().expect("it has an address");
        let (tell, seen) = mpsc::unbounded_channel();
        let app = Router::new()
            .fallback(
                async move |State(tell): State<mpsc::UnboundedSender<Seen>>, request: Request| {
                    let (head, body) = request.into_parts();
                    let body = axum::body::to_bytes(body, usize::MAX).await.expect("the body arrives");
                    tell.send(Seen {
                        method: head.method,
                        path: head.uri.to_string(),
                        headers: head.headers,
                        body,
                    })
                    .expect("the test still listens");
                    answer()
                },
            )
            .with_state(tell);
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.expect("the sidecar serves") });
        Self {
            address,
            seen,
            _server: server,
        }
    }

    /// A sidecar that reads the head of a request, writes `answer` as it is, and closes the connection if
    /// `then_close`, or else leaves the caller waiting.
    pub(crate) async fn writing(answer: &'static [u8], then_close: bool) -> Self {
        let (_, seen) = mpsc::unbounded_channel();
        let (listener, address) = listen().await;
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut left_waiting = Vec::new();
            loop {
                let (mut connection, _) = listener.accept().await.expect("a call comes");
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(connection.read_u8().await.expect("the head arrives"));
                }
                connection.write_all(answer).await.expect("the answer leaves");
                if !then_close {
                    left_waiting.push(connection);
                }
            }
        });
        Self {
            address,
            seen,
            _server: server,
        }
    }

    /// The next request that came.
    pub(crate) async fn seen(&mut self) -> Seen {
        self.seen.recv().await.expect("the sidecar was called")
    }

    /// A request that has come already.
    pub(crate) fn seen_so_far(&mut self) -> Option<Seen> {
        self.seen.try_recv().ok()
    }

    /// A client wired to this sidecar.
    pub(crate) fn client(&self) -> Client {
        client(self.address)
    }
}

/// A client wired to `egress`.
pub(crate) fn client(egress: SocketAddr) -> Client {
    Client::builder()
        .egress(egress)
        .suffixes(MeshSuffixes::from_list("appmesh,serviceconnect"))
        .build()
        .expect("the configuration is complete")
}

/// A port at which nothing listens. It stays bound, so that no other test can listen there meanwhile.
pub(crate) struct ClosedPort {
    pub(crate) address: SocketAddr,
    _socket: TcpSocket,
}

pub(crate) fn closed_port() -> ClosedPort {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .expect("a port is free");
    ClosedPort {
        address: socket.local_addr().expect("it is bound"),
        _socket: socket,
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    (listener, address)
}
