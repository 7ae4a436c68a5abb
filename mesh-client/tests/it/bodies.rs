//! Streaming bodies, and the client as a `tower::Service`.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Request, StatusCode};
use mesh_client::{Deadline, TraceContext};
use sidecar_contract::local_reply;
use testkit::{DnsServer, FakeSidecar, closed_port};
use tower::ServiceExt as _;

use crate::servers::client;
use crate::task_servers::{Tasks, builder, loopback, sockets};

const URL: &str = "http://blue.appmesh/";
const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn ok() -> Response {
    "ok".into_response()
}

fn chunks(chunks: impl IntoIterator<Item = Result<&'static str, io::Error>>) -> Body {
    Body::from_stream(stream::iter(Vec::from_iter(chunks)))
}

#[tokio::test]
async fn a_streaming_body_is_sent_chunked_or_with_its_length() {
    let mut sidecar = FakeSidecar::responding(ok).await;
    let call = client(sidecar.address).put(URL).stream(chunks([Ok("one "), Ok("two")]));
    call.send().await.unwrap();
    let recorded = sidecar.next_request().await;
    assert_eq!(
        (recorded.header("transfer-encoding"), &recorded.body[..]),
        ("chunked", &b"one two"[..])
    );

    let call = client(sidecar.address).put(URL).stream(Body::from("of known length"));
    call.send().await.unwrap();
    let recorded = sidecar.next_request().await;
    assert_eq!(
        (recorded.header("content-length"), &recorded.body[..]),
        ("15", &b"of known length"[..])
    );
}

#[tokio::test]
async fn an_error_of_the_request_body_is_distinguished_from_a_broken_connection() {
    // A server that waits for the complete body.
    let sidecar = FakeSidecar::writing(b"", false).await;
    let broken = chunks([Ok("one"), Err(io::Error::other("the disk is full"))]);
    let error = client(sidecar.address)
        .put(URL)
        .stream(broken)
        .send()
        .await
        .unwrap_err();
    assert!(error.is_request_body() && !error.is_interrupted(), "{error:?}");
    let mut cause = std::error::Error::source(&error);
    let mut messages = Vec::new();
    while let Some(error) = cause {
        messages.push(error.to_string());
        cause = error.source();
    }
    assert!(
        messages.last().is_some_and(|message| message == "the disk is full"),
        "{messages:?}"
    );
}

#[tokio::test]
async fn a_streaming_body_is_sent_to_one_address_only() {
    let dns = DnsServer::start().await;
    let mut sockets = sockets(&[2, 3].map(loopback));
    let tasks = Tasks::behind(vec![sockets.remove(1).listen(64).unwrap()]);
    dns.set_ttl(60);
    dns.set("blue.appmesh", [2, 3].map(loopback));
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    let mut results = Vec::new();
    for _ in 0..2 {
        let call = mesh.put(tasks.url("blue.appmesh")).stream(chunks([Ok("one")]));
        results.push(call.send().await);
    }
    results.sort_by_key(Result::is_ok);
    let [Err(error), Ok(answer)] = &results[..] else {
        panic!("one of the two addresses accepts no connection: {results:?}");
    };
    assert!(error.is_connect() && answer.status() == StatusCode::OK);
    assert_eq!(error.attempts().len(), 2, "{error}");
}

fn request(body: Body) -> Request<Body> {
    let mut request = Request::post("http://Blue.AppMesh.:8080/a%2fb?c=d")
        .header("host", "blue.appmesh:8080")
        .header("x-a", "1")
        .header("transfer-encoding", "chunked")
        .body(body)
        .unwrap();
    let mut incoming = http::HeaderMap::new();
    incoming.insert("traceparent", HeaderValue::from_static(TRACEPARENT));
    let extensions = request.extensions_mut();
    extensions.insert(TraceContext::from_headers(&incoming));
    extensions.insert(Deadline::after(Duration::from_secs(3)));
    request
}

#[tokio::test]
async fn the_client_is_a_tower_service() {
    let mut sidecar =
        FakeSidecar::responding(|| (StatusCode::NOT_FOUND, [("x-from", "blue")], "no").into_response()).await;
    let answer = client(sidecar.address)
        .oneshot(request(Body::from("yes")))
        .await
        .unwrap();
    assert_eq!(
        (answer.status(), &answer.headers()["x-from"]),
        (StatusCode::NOT_FOUND, &"blue".parse().unwrap())
    );
    let body: Bytes = axum::body::to_bytes(Body::new(answer.into_body()), 100).await.unwrap();
    assert_eq!(body, "no");
    let recorded = sidecar.next_request().await;
    assert_eq!(
        (
            recorded.method.as_str(),
            recorded.path.as_str(),
            recorded.header("host")
        ),
        ("POST", "/a%2fb?c=d", "blue.appmesh:8080")
    );
    assert_eq!(
        (
            recorded.header("x-a"),
            recorded.header("content-length"),
            &recorded.body[..]
        ),
        ("1", "3", &b"yes"[..])
    );
    assert!(!recorded.headers.contains_key("transfer-encoding"));
    assert_eq!(recorded.header("traceparent"), TRACEPARENT);
    let left: u64 = recorded.header("x-envoy-expected-rq-timeout-ms").parse().unwrap();
    assert!((1..=3000).contains(&left), "{left}");
}

#[tokio::test]
async fn a_local_reply_is_an_error_of_the_tower_service() {
    let sidecar = FakeSidecar::responding(|| {
        (StatusCode::NOT_FOUND, [(local_reply::HEADER, "unknown-service")], "no").into_response()
    })
    .await;
    let error = client(sidecar.address)
        .oneshot(request(Body::empty()))
        .await
        .unwrap_err();
    assert!(error.is_unknown_service());
}

#[tokio::test]
async fn a_host_header_that_contradicts_the_url_is_an_error() {
    let closed = closed_port();
    let mesh = client(closed);
    let mut request = request(Body::empty());
    request
        .headers_mut()
        .insert("host", HeaderValue::from_static("green.appmesh"));
    let error = mesh.clone().oneshot(request).await.unwrap_err();
    assert!(
        error.is_builder() && error.to_string().contains("is not the host of its URL"),
        "{error}"
    );
    let relative = Request::get("/a").body(Body::empty()).unwrap();
    assert!(mesh.oneshot(relative).await.unwrap_err().is_builder());
}

#[tokio::test]
async fn the_deadline_covers_a_streaming_response_body() {
    let sidecar = FakeSidecar::writing(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", false).await;
    let call = client(sidecar.address).get(URL).timeout(Duration::from_millis(300));
    let body = Body::new(call.send().await.unwrap().into_http().into_body());
    let error = axum::body::to_bytes(body, 100).await.unwrap_err();
    assert!(error.to_string().contains("was not complete within"), "{error}");
}
