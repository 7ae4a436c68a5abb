//! A server that plays the sidecar: it answers as told, and hands over what it was sent.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::service_process::soon;

/// A call as it reached the sidecar.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Path and query, as they were on the wire.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
}

/// Stops with its value.
pub(crate) struct Sidecar {
    pub(crate) address: SocketAddr,
    seen: mpsc::UnboundedReceiver<Seen>,
    _server: JoinSet<()>,
}

impl Sidecar {
    /// A sidecar that answers every call with what `answer` makes.
    pub(crate) async fn answering<A: IntoResponse>(answer: impl Fn() -> A + Clone + Send + Sync + 'static) -> Self {
        Self::answering_later(move || std::future::ready(answer().into_response())).await
    }

    /// A sidecar that may take its time.
    pub(crate) async fn answering_later<A, F>(answer: A) -> Self
    where
        A: Fn() -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response> + Send,
    {
        let (tell, seen) = mpsc::unbounded_channel();
        let app = Router::new()
            .fallback(
                async move |State(tell): State<mpsc::UnboundedSender<Seen>>, request: Request| {
                    let path = request.uri().to_string();
                    let headers = request.headers().clone();
                    tell.send(Seen { path, headers }).expect("the test still listens");
                    answer().await
                },
            )
            .with_state(tell);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.expect("the sidecar serves") });
        Self {
            address,
            seen,
            _server: server,
        }
    }

    /// The next call that came.
    pub(crate) async fn seen(&mut self) -> Seen {
        soon(self.seen.recv()).await.expect("the sidecar was called")
    }

    /// True if no call came that was not [`seen`](Self::seen).
    pub(crate) fn is_untouched(&mut self) -> bool {
        self.seen.try_recv().is_err()
    }
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
