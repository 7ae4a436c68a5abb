//! A server in place of a sidecar: returns preset responses and records requests.
//!
//! Tests check the recorded requests: an assertion that fails in a server's task would not fail the test.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::poll::with_timeout;

/// A request that the sidecar received.
#[derive(Debug)]
pub struct RecordedRequest {
    /// The method.
    pub method: Method,
    /// Path and query as sent.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl RecordedRequest {
    /// The only value of a header.
    ///
    /// # Panics
    ///
    /// If it has none or several, or if it is not text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let values: Vec<_> = self.headers.get_all(name).iter().collect();
        assert_eq!(values.len(), 1, "{name}: {values:?}");
        values[0].to_str().expect("the header is text")
    }
}

/// A server in place of a sidecar. Stops on drop.
#[derive(Debug)]
pub struct FakeSidecar {
    /// Where it listens.
    pub address: SocketAddr,
    requests: mpsc::UnboundedReceiver<RecordedRequest>,
    _server: JoinSet<()>,
}

impl FakeSidecar {
    /// Responds to every request with the result of `response`.
    pub async fn responding<R: IntoResponse>(response: impl Fn() -> R + Clone + Send + Sync + 'static) -> Self {
        Self::responding_on(listen().await, response)
    }

    /// [`responding`](Self::responding) on a given listener.
    ///
    /// # Panics
    ///
    /// If the listener has no address.
    pub fn responding_on<R: IntoResponse>(
        listener: TcpListener,
        response: impl Fn() -> R + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::serve(listener, move || std::future::ready(response().into_response()))
    }

    /// Responds to every request with the result of a future, which may be slow.
    pub async fn responding_async<F, R>(response: F) -> Self
    where
        F: Fn() -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Response> + Send,
    {
        Self::serve(listen().await, response)
    }

    fn serve<F, R>(listener: TcpListener, response: F) -> Self
    where
        F: Fn() -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Response> + Send,
    {
        let address = listener.local_addr().expect("the listener has an address");
        let (sender, requests) = mpsc::unbounded_channel();
        let app = Router::new()
            .fallback(
                async move |State(sender): State<mpsc::UnboundedSender<RecordedRequest>>, request: Request| {
                    let (head, body) = request.into_parts();
                    let body = axum::body::to_bytes(body, usize::MAX).await.expect("the body arrives");
                    // The test may have ended.
                    let _receiver_gone = sender.send(RecordedRequest {
                        method: head.method,
                        path: head.uri.to_string(),
                        headers: head.headers,
                        body,
                    });
                    response().await
                },
            )
            .with_state(sender);
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.expect("the sidecar serves") });
        Self {
            address,
            requests,
            _server: server,
        }
    }

    /// Reads the head of each request and writes `response` as is. Then closes the connection if `then_close`, or
    /// leaves it open.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub async fn writing(response: &'static [u8], then_close: bool) -> Self {
        let (_, requests) = mpsc::unbounded_channel();
        let listener = listen().await;
        let address = listener.local_addr().expect("the listener has an address");
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut open = Vec::new();
            loop {
                let (mut connection, _) = listener.accept().await.expect("a connection arrives");
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(connection.read_u8().await.expect("the head arrives"));
                }
                connection.write_all(response).await.expect("the response is sent");
                if !then_close {
                    open.push(connection);
                }
            }
        });
        Self {
            address,
            requests,
            _server: server,
        }
    }

    /// Waits for the next request.
    ///
    /// # Panics
    ///
    /// If none arrives within a minute.
    pub async fn next_request(&mut self) -> RecordedRequest {
        with_timeout(self.requests.recv()).await.expect("the sidecar serves")
    }

    /// The next request, if one has arrived.
    pub fn try_next_request(&mut self) -> Option<RecordedRequest> {
        self.requests.try_recv().ok()
    }
}

async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port is free")
}
