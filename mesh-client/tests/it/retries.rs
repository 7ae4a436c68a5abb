//! Retries: only where there is no proxy, and only where they do no harm.

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

/// A service that answers 503 to all calls but each third.
fn mostly_unavailable() -> impl Fn() -> Response + Clone + Send + Sync + 'static {
    let calls = Arc::new(AtomicUsize::new(0));
    move || match calls.fetch_add(1, Ordering::Relaxed) % 3 {
        2 => "ok".into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "later").into_response(),
    }
}

async fn blue(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> (DnsServer, FakeSidecar) {
    let dns = DnsServer::start().await;
    dns.set_ttl(60);
    dns.set(BLUE, [loopback(2)]);
    let listener = listeners(&[loopback(2)]).remove(0);
    (dns, FakeSidecar::responding_on(listener, answer))
}

async fn status(mesh: &Client, method: Method, port: u16) -> u16 {
    let answer = mesh.request(method, format!("http://{BLUE}:{port}/")).send().await;
    answer.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_service_that_is_unavailable_is_asked_again_unless_that_could_do_it_twice() {
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
async fn behind_a_proxy_nothing_is_sent_twice() {
    let (dns, service) = blue(mostly_unavailable()).await;
    let port = service.address.port();
    let explicit = client(service.address);
    assert_eq!(status(&explicit, Method::GET, port).await, 503);
    let intercepted = builder(&[&dns]).transparent_proxy().build().unwrap();
    assert_eq!(status(&intercepted, Method::GET, port).await, 503);
    assert_eq!(status(&intercepted, Method::GET, port).await, 200, "it is the third");
}

/// Takes calls and answers none of them.
fn breaking(listener: TcpListener, calls: Arc<AtomicUsize>) -> JoinSet<()> {
    let mut server = JoinSet::new();
    server.spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.expect("a call comes");
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
async fn a_call_that_a_service_may_have_acted_on_is_repeated_only_if_that_changes_nothing() {
    let dns = DnsServer::start().await;
    dns.set_ttl(60);
    dns.set(BLUE, [loopback(2)]);
    let listener = listeners(&[loopback(2)]).remove(0);
    let port = listener.local_addr().unwrap().port();
    let calls = Arc::new(AtomicUsize::new(0));
    let _server = breaking(listener, calls.clone());
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
async fn a_call_of_any_method_that_nobody_has_seen_is_sent_once_more() {
    let dns = DnsServer::start().await;
    dns.set(BLUE, [loopback(2)]);
    let nobody = sockets(&[loopback(2)]);
    let port = port_of(&nobody[0]);
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    let call = mesh.post(format!("http://{BLUE}:{port}/")).body("once");
    let error = call.send().await.unwrap_err();
    assert!(error.is_connect());
    let attempts = error.attempts().iter().filter(|line| line.starts_with("127.0.0.2:"));
    assert_eq!(attempts.count(), 3, "{:?}", error.attempts());
}

#[tokio::test]
async fn when_everything_fails_the_budget_ends_the_retries() {
    let (dns, mut service) = blue(|| StatusCode::SERVICE_UNAVAILABLE.into_response()).await;
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    for _ in 0..60 {
        assert_eq!(status(&mesh, Method::GET, service.address.port()).await, 503);
    }
    let mut seen = 0;
    while service.try_next_request().is_some() {
        seen += 1;
    }
    // Ten, and a fifth of sixty calls.
    assert!((61..=60 + 10 + 12 + 1).contains(&seen), "{seen}");
}
