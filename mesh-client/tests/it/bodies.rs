//! Bodies that come and go piece by piece, and the client as a `tower` service.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Request, StatusCode};
use mesh_client::{Deadline, TraceContext};
use sidecar_contract::local_reply;
use tower::ServiceExt as _;

use crate::dns_server::{Dns, loopback};
use crate::sidecar::{Sidecar, client, closed_port};
use crate::task_servers::{Tasks, builder, sockets};

const URL: &str = "http://blue.appmesh/";
const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn ok() -> Response {
    "ok".into_response()
}

fn pieces(pieces: impl IntoIterator<Item = Result<&'static str, io::Error>>) -> Body {
    Body::from_stream(stream::iter(Vec::from_iter(pieces)))
}

#[tokio::test]
async fn a_body_is_sent_as_it_comes() {
    let mut sidecar = Sidecar::answering(ok).await;
    let call = sidecar.client().put(URL).stream(pieces([Ok("one "), Ok("two")]));
    call.send().await.unwrap();
    let seen = sidecar.seen().await;
    assert_eq!(
        (seen.header("transfer-encoding"), &seen.body[..]),
        ("chunked", &b"one two"[..])
    );

    let call = sidecar.client().put(URL).stream(Body::from("of known length"));
    call.send().await.unwrap();
    let seen = sidecar.seen().await;
    assert_eq!(
        (seen.header("content-length"), &seen.body[..]),
        ("15", &b"of known length"[..])
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_is_told_from_a_connection_that_does() {
    // It reads the head and waits, as a service does that wants all of the body.
    let sidecar = Sidecar::writing(b"", false).await;
    let broken = pieces([Ok("one"), Err(io::Error::other("the disk is full"))]);
    let error = sidecar.client().put(URL).stream(broken).send().await.unwrap_err();
    assert!(error.is_request_body() && !error.is_interrupted(), "{error:?}");
    let mut cause = std::error::Error::source(&error);
    let mut words = Vec::new();
    while let Some(error) = cause {
        words.push(error.to_string());
        cause = error.source();
    }
    assert!(words.last().is_some_and(|word| word == "the disk is full"), "{words:?}");
}

#[tokio::test]
async fn a_body_that_can_be_sent_once_is_sent_to_one_address() {
    let dns = Dns::start().await;
    let mut sockets = sockets(&[2, 3].map(loopback));
    let tasks = Tasks::behind(vec![sockets.remove(1).listen(64).unwrap()]);
    dns.ttl(60);
    dns.set("blue.appmesh", [2, 3].map(loopback));
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    let mut outcomes = Vec::new();
    for _ in 0..2 {
        let call = mesh.put(tasks.url("blue.appmesh")).stream(pieces([Ok("one")]));
        outcomes.push(call.send().await);
    }
    outcomes.sort_by_key(Result::is_ok);
    let [Err(error), Ok(answer)] = &outcomes[..] else {
        panic!("one of the two addresses takes no connection: {outcomes:?}");
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
    let mut sidecar = Sidecar::answering(|| (StatusCode::NOT_FOUND, [("x-from", "blue")], "no").into_response()).await;
    let answer = sidecar.client().oneshot(request(Body::from("yes"))).await.unwrap();
    assert_eq!(
        (answer.status(), &answer.headers()["x-from"]),
        (StatusCode::NOT_FOUND, &"blue".parse().unwrap())
    );
    let body: Bytes = axum::body::to_bytes(Body::new(answer.into_body()), 100).await.unwrap();
    assert_eq!(body, "no");
    let seen = sidecar.seen().await;
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str(), seen.header("host")),
        ("POST", "/a%2fb?c=d", "blue.appmesh:8080")
    );
    assert_eq!(
        (seen.header("x-a"), seen.header("content-length"), &seen.body[..]),
        ("1", "3", &b"yes"[..])
    );
    assert!(!seen.headers.contains_key("transfer-encoding"));
    assert_eq!(seen.header("traceparent"), TRACEPARENT);
    let left: u64 = seen.header("x-envoy-expected-rq-timeout-ms").parse().unwrap();
    assert!((1..=3000).contains(&left), "{left}");
}

#[tokio::test]
async fn a_fault_of_the_mesh_is_an_error_of_the_service_too() {
    let sidecar = Sidecar::answering(|| {
        (StatusCode::NOT_FOUND, [(local_reply::HEADER, "unknown-service")], "no").into_response()
    })
    .await;
    let error = sidecar.client().oneshot(request(Body::empty())).await.unwrap_err();
    assert!(error.is_unknown_service());
}

#[tokio::test]
async fn a_request_that_names_two_services_is_not_sent() {
    let closed = closed_port();
    let mesh = client(closed.address);
    let mut request = request(Body::empty());
    request
        .headers_mut()
        .insert("host", HeaderValue::from_static("green.appmesh"));
    let error = mesh.clone().oneshot(request).await.unwrap_err();
    assert!(
        error.is_builder() && error.to_string().contains("names another service"),
        "{error}"
    );
    let relative = Request::get("/a").body(Body::empty()).unwrap();
    assert!(mesh.oneshot(relative).await.unwrap_err().is_builder());
}

#[tokio::test]
async fn the_deadline_covers_a_body_that_is_read_as_it_comes() {
    let sidecar = Sidecar::writing(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", false).await;
    let call = sidecar.client().get(URL).timeout(Duration::from_millis(300));
    let body = Body::new(call.send().await.unwrap().into_http().into_body());
    let error = axum::body::to_bytes(body, 100).await.unwrap_err();
    assert!(error.to_string().contains("did not end within"), "{error}");
}
