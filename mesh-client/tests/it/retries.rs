//! Retries: only without a sidecar, and only if they are safe.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::response::{IntoResponse as _, Response};
use http::{Method, StatusCode};
use mesh_client::Client;
use testkit::{DnsServer, FakeSidecar};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::servers::client;
use crate::task_servers::{builder, listeners, loopback, port_of, sockets};

const BLUE: &str = "blue.appmesh";

/// Responds with 503, except to each third call.
fn mostly_unavailable() -> impl Fn() -> Response + Clone + Send + Sync + 'static {
    let calls = Arc::new(AtomicUsize::new(0));
    move || match calls.fetch_add(1, Ordering::Relaxed) % 3 {
        2 => "ok".into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "later").into_response(),
    }
}

async fn blue(response: impl Fn() -> Response + Clone + Send + Sync + 'static) -> (DnsServer, FakeSidecar) {
    let dns = DnsServer::start().await;
    dns.set_ttl(60);
    dns.set(BLUE, [loopback(2)]);
    let listener = listeners(&[loopback(2)]).remove(0);
    (dns, FakeSidecar::responding_on(listener, response))
}

async fn status(mesh: &Client, method: Method, port: u16) -> u16 {
    let response = mesh.request(method, format!("http://{BLUE}:{port}/")).send().await;
    response.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_503_is_retried_for_idempotent_methods() {
    let (dns, service) = blue(mostly_unavailable()).await;
    let port = service.address.port();
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    assert_eq!(status(&mesh, Method::GET, port).await, 200);
    assert_eq!(status(&mesh, Method::PUT, port).await, 200);
    assert_eq!(status(&mesh, Method::POST, port).await, 503);
    let once = builder(&[&dns]).no_proxy().retries(0).build().unwrap();
    assert_eq!(status(&once, Method::GET, port).await, 503);
}

#[tokio::test]
async fn there_are_no_retries_behind_a_sidecar() {
    let (dns, service) = blue(mostly_unavailable()).await;
    let port = service.address.port();
    let explicit = client(service.address);
    assert_eq!(status(&explicit, Method::GET, port).await, 503);
    let transparent = builder(&[&dns]).transparent_proxy().build().unwrap();
    assert_eq!(status(&transparent, Method::GET, port).await, 503);
    assert_eq!(status(&transparent, Method::GET, port).await, 200, "the third call");
}

/// Receives calls, and closes their connections without a response.
fn closing(listener: TcpListener, calls: Arc<AtomicUsize>) -> JoinSet<()> {
    let mut server = JoinSet::new();
    server.spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.expect("a connection arrives");
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(connection.read_u8().await.expect("the head arrives"));
            }
            calls.fetch_add(1, Ordering::Relaxed);
        }
    });
    server
}

#[tokio::test]
async fn an_interrupted_call_is_retried_for_idempotent_methods() {
    let dns = DnsServer::start().await;
    dns.set_ttl(60);
    dns.set(BLUE, [loopback(2)]);
    let listener = listeners(&[loopback(2)]).remove(0);
    let port = listener.local_addr().unwrap().port();
    let calls = Arc::new(AtomicUsize::new(0));
    let _server = closing(listener, calls.clone());
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    for (method, expected) in [(Method::POST, 1), (Method::GET, 3)] {
        calls.store(0, Ordering::Relaxed);
        let call = mesh.request(method.clone(), format!("http://{BLUE}:{port}/"));
        let error = call.send().await.unwrap_err();
        assert!(error.is_interrupted(), "{error:?}");
        assert_eq!(calls.load(Ordering::Relaxed), expected, "{method}");
        let attempts = error.attempts().iter().filter(|line| line.starts_with("127.0.0.2:"));
        assert_eq!(attempts.count(), expected, "{:?}", error.attempts());
    }
}

#[tokio::test]
async fn a_call_without_a_connection_is_retried_for_any_method() {
    let dns = DnsServer::start().await;
    dns.set(BLUE, [loopback(2)]);
    let closed = sockets(&[loopback(2)]);
    let port = port_of(&closed[0]);
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    let call = mesh.post(format!("http://{BLUE}:{port}/")).body("once");
    let error = call.send().await.unwrap_err();
    assert!(error.is_connect());
    let attempts = error.attempts().iter().filter(|line| line.starts_with("127.0.0.2:"));
    assert_eq!(attempts.count(), 3, "{:?}", error.attempts());
}

#[tokio::test]
async fn the_budget_limits_retries() {
    let (dns, mut service) = blue(|| StatusCode::SERVICE_UNAVAILABLE.into_response()).await;
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    for _ in 0..60 {
        assert_eq!(status(&mesh, Method::GET, service.address.port()).await, 503);
    }
    let mut requests = 0;
    while service.try_next_request().is_some() {
        requests += 1;
    }
    // Ten, and a fifth of sixty.
    assert!((61..=60 + 10 + 12 + 1).contains(&requests), "{requests}");
}
