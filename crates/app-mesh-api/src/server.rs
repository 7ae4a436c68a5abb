//! HTTP/1.1 in front of the router: limits of time and of connections.
//!
//! [`axum::serve()`] has none: half a header, a body that stops, or a connection without a request stay open. Here each of
//! them ends, and peers that open connections without using them do not keep others out.

mod connections;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use http::header::CONNECTION;
use http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;

use self::connections::{Connections, Slot};
use crate::error::{ApiError, ErrorCode};

/// Instead of [`Limits::idle`], once the server is to stop: time to write the last response.
const STOPPING_IDLE: Duration = Duration::from_secs(1);

/// Limits of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time. A further one ends the connection that has waited longest for a request; while all have one,
    /// it is closed. Default: 1024.
    pub connections: usize,
    /// Time from the opening of a connection, or from a response, until the next request's header is complete. Default:
    /// 75 s, as an Application Load Balancer keeps idle connections for 60 s and expects its targets to keep them longer.
    pub idle: Duration,
    /// Time for a request's body and its operation; then the response is 408, `RequestTimeoutException`. Default: 30 s. A
    /// write that was under way may be stored.
    pub request: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            idle: Duration::from_secs(75),
            request: Duration::from_secs(30),
        }
    }
}

/// Serves until `stop` is ready and open requests are complete. Requests have [`ConnectInfo`].
///
/// Dropping the future closes all connections.
pub async fn serve<L>(mut listener: L, router: Router, limits: Limits, stop: impl Future<Output = ()>)
where
    L: Listener<Addr = SocketAddr>,
{
    let connections = Connections::new(limits.connections);
    let stopping = watch::Sender::new(false);
    let mut tasks = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some(ended) = tasks.join_next() => log_panic(ended),
            (io, peer) = listener.accept() => match connections.open() {
                Some(slot) => {
                    tasks.spawn(serve_connection(io, peer, router.clone(), limits, slot, stopping.subscribe()));
                }
                None => tracing::warn!("closed a connection of {peer}: {} requests are open", limits.connections),
            },
        }
    }
    drop(listener);
    stopping.send_replace(true);
    while let Some(ended) = tasks.join_next().await {
        log_panic(ended);
    }
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!("a connection ended by a defect: {error}");
    }
}

async fn serve_connection<I>(
    io: I,
    peer: SocketAddr,
    router: Router,
    limits: Limits,
    slot: Slot,
    mut stopping: watch::Receiver<bool>,
) where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request| respond(request, peer, router.clone(), limits.request, &slot));
    let mut http = http1::Builder::new();
    // `Slot::idle_for` has the time of the response before, too.
    http.header_read_timeout(None::<Duration>);
    let connection = http.serve_connection(TokioIo::new(io), service);
    let mut connection = pin!(connection);
    let (mut is_stopping, mut idle) = (false, limits.idle);
    let reason = loop {
        tokio::select! {
            served = &mut connection => break served.err().map(|error| error.to_string()),
            () = slot.evicted() => break Some("others need the connection".to_owned()),
            () = slot.idle_for(idle) => break Some(format!("no request within {idle:?}")),
            // Without a sender, the server was dropped, and this task with it.
            () = async { let _ended = stopping.wait_for(|stopping| *stopping).await.map(drop); }, if !is_stopping => {
                is_stopping = true;
                // hyper keeps a connection open that never had a request.
                idle = idle.min(STOPPING_IDLE);
                connection.as_mut().graceful_shutdown();
            }
        }
    };
    if let Some(reason) = reason {
        tracing::debug!("the connection of {peer} ended: {reason}");
    }
}

async fn respond(
    request: Request<Incoming>,
    peer: SocketAddr,
    router: Router,
    limit: Duration,
    slot: &Slot,
) -> Result<Response, Infallible> {
    let _in_request = slot.begin_request();
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    match tokio::time::timeout(limit, router.oneshot(request)).await {
        Ok(response) => response,
        Err(_) => {
            let message = format!("the request was not complete within {limit:?}");
            let mut response = ApiError::new(ErrorCode::RequestTimeout, message).into_response();
            crate::rest::RequestId::new().add_to(&mut response);
            // The rest of its body would be read as the next request.
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
            Ok(response)
        }
    }
}
