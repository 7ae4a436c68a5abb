//! Failed calls: predicates and messages of each failure.

use std::error::Error as _;
use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use mesh_client::Error;
use serde_json::Value;
use sidecar_contract::LocalReply;
use sidecar_contract::local_reply::HEADER;
use testkit::{FakeSidecar, closed_port};

use crate::servers::client;

/// Long enough for the head of a response on a busy host, short enough to wait for.
const SHORT: Duration = Duration::from_secs(1);

async fn error_of(sidecar: &FakeSidecar) -> Error {
    let call = client(sidecar.address).get("http://blue.appmesh/").send();
    call.await.expect_err("the call fails")
}

fn local_reply(reason: &'static str, status: u16, body: &'static str) -> impl Fn() -> Response + Clone {
    let status = StatusCode::from_u16(status).expect("it is a status");
    move || (status, [(HEADER, reason)], body).into_response()
}

#[tokio::test]
async fn each_local_reply_is_an_error_of_its_own() {
    for (reason, status, body, message) in [
        (
            LocalReply::UnknownService,
            404,
            "this sidecar knows blue and green\n",
            "no service `blue.appmesh` in this mesh: this sidecar knows blue and green",
        ),
        (
            LocalReply::NoHealthyEndpoint,
            503,
            "no healthy upstream",
            "no healthy endpoint of `blue.appmesh`: no healthy upstream",
        ),
        (
            LocalReply::Unreachable,
            503,
            "",
            "the mesh could not reach `blue.appmesh`",
        ),
        (
            LocalReply::TimedOut,
            504,
            "upstream request timeout",
            "`blue.appmesh` did not respond within the mesh's timeout: upstream request timeout",
        ),
    ] {
        let sidecar = FakeSidecar::responding(local_reply(reason.as_str(), status, body)).await;
        let error = error_of(&sidecar).await;
        assert_eq!(error.to_string(), message);
        assert_eq!(error.local_reply(), Some(reason));
        assert_eq!(error.service(), Some("blue.appmesh"));
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
        let actual = (
            error.is_unknown_service(),
            error.is_no_healthy_endpoint(),
            error.is_unreachable(),
            error.is_timeout(),
        );
        let expected = (
            reason == LocalReply::UnknownService,
            reason == LocalReply::NoHealthyEndpoint,
            reason == LocalReply::Unreachable,
            reason == LocalReply::TimedOut,
        );
        assert_eq!(actual, expected, "{reason}");
    }
}

#[tokio::test]
async fn an_unknown_local_reply_is_an_error() {
    let sidecar = FakeSidecar::responding(local_reply("too-busy", 503, "try later")).await;
    let error = error_of(&sidecar).await;
    assert_eq!(error.label(), "other_fault");
    assert!(
        error
            .to_string()
            .ends_with("unknown to this version: too-busy: try later"),
        "{error}"
    );
}

#[tokio::test]
async fn without_the_header_a_503_is_a_response_of_the_service() {
    let sidecar = FakeSidecar::responding(|| StatusCode::SERVICE_UNAVAILABLE.into_response()).await;
    let response = client(sidecar.address)
        .get("http://blue.appmesh/")
        .send()
        .await
        .unwrap();
    assert!(response.error_for_status().unwrap_err().is_status());
}

#[tokio::test]
async fn a_long_body_is_shortened_to_one_line() {
    let sidecar = FakeSidecar::responding(|| {
        let body = "line\n".repeat(100_000);
        (StatusCode::NOT_FOUND, [(HEADER, "unknown-service")], body).into_response()
    })
    .await;
    let message = error_of(&sidecar).await.to_string();
    assert!(
        message.chars().count() < 300 && message.ends_with('…') && !message.contains('\n'),
        "{message}"
    );
}

#[tokio::test]
async fn an_unreachable_sidecar_is_distinguished_from_a_timeout() {
    let closed = closed_port();
    let sidecar = closed;
    let error = client(sidecar).get("http://blue.appmesh/").send().await.unwrap_err();
    assert!(error.is_sidecar_unreachable() && !error.is_timeout() && !error.is_unreachable());
    assert_eq!(
        error.to_string(),
        format!("the sidecar at {sidecar} is not reachable, so `blue.appmesh` was not called")
    );
    let mut cause = error.source().expect("there is a layer below");
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    assert!(cause.to_string().contains("refused"), "{cause}");
}

#[tokio::test]
async fn a_service_without_a_response_is_a_timeout() {
    let sidecar = FakeSidecar::writing(b"", false).await;
    let call = client(sidecar.address).get("http://blue.appmesh/").timeout(SHORT);
    let error = call.send().await.unwrap_err();
    assert!(error.is_timeout() && error.status().is_none());
    assert_eq!(error.to_string(), "`blue.appmesh` did not respond within 1s");
}

#[tokio::test]
async fn the_deadline_covers_the_body() {
    let sidecar = FakeSidecar::writing(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", false).await;
    let call = client(sidecar.address).get("http://blue.appmesh/").timeout(SHORT);
    let error = call.send().await.unwrap().text().await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(
        error.to_string(),
        "the response of `blue.appmesh` was not complete within 1s"
    );
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_response_is_an_interruption() {
    for response in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-"] {
        let sidecar = FakeSidecar::writing(response, true).await;
        let error = client(sidecar.address)
            .get("http://blue.appmesh/")
            .send()
            .await
            .unwrap_err();
        assert!(error.is_interrupted(), "{error:?}");
        assert!(!error.is_sidecar_unreachable());
    }
}

#[tokio::test]
async fn a_connection_that_breaks_within_the_response_is_a_body_error() {
    let sidecar = FakeSidecar::writing(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", true).await;
    let mut response = client(sidecar.address)
        .get("http://blue.appmesh/")
        .send()
        .await
        .unwrap();
    assert_eq!(response.chunk().await.unwrap().as_deref(), Some(&b"half"[..]));
    let error = response.chunk().await.unwrap_err();
    assert!(error.is_body() && !error.is_timeout());
    assert_eq!(
        error.to_string(),
        "the connection broke within the response of `blue.appmesh`"
    );
}

#[tokio::test]
async fn a_body_that_is_not_json_is_a_decode_error() {
    let sidecar = FakeSidecar::responding(|| "<html>".into_response()).await;
    let response = client(sidecar.address)
        .get("http://blue.appmesh/")
        .send()
        .await
        .unwrap();
    let error = response.json::<Value>().await.unwrap_err();
    assert!(error.is_decode() && error.source().is_some());
}

#[tokio::test]
async fn an_invalid_call_is_not_sent() {
    // Any attempt to connect would be `is_sidecar_unreachable`.
    let closed = closed_port();
    let mesh = client(closed);
    let url = "http://blue.appmesh/";
    let mut host = http::HeaderMap::new();
    host.insert("host", http::HeaderValue::from_static("example.com"));
    for (call, reason) in [
        (mesh.get("blue.appmesh"), "`blue.appmesh` is not a URL"),
        (mesh.get("https://blue.appmesh/"), "is not an http:// URL"),
        (
            mesh.get(url).header("no header", "x"),
            "to `blue.appmesh` was not sent: a header name",
        ),
        (
            mesh.get(url).header("x-a", "a\nb").header("no header", "x"),
            "the value of the header `x-a`",
        ),
        (
            mesh.get(url).header("Host", "example.com"),
            "the header `host` follows from the URL",
        ),
        (mesh.get(url).headers(host), "the header `host` follows from the URL"),
        (
            mesh.post(url).body("x").header("content-length", "0"),
            "the header `content-length` follows",
        ),
        (
            mesh.post(url).json(&std::collections::BTreeMap::from([((), 1)])),
            "its body cannot be serialised as JSON",
        ),
        (mesh.request(http::Method::CONNECT, url), "CONNECT is not supported"),
    ] {
        let error = call.send().await.unwrap_err();
        assert!(error.is_builder(), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    let error = mesh.get("http://169.254.169.254/latest/").send().await.unwrap_err();
    assert!(error.is_outside_mesh());
    assert_eq!(error.service(), Some("169.254.169.254"));
}
