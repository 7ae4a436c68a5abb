//! Calls that do not get through: each failure is told from the others, and in words.

use std::error::Error as _;
use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use mesh_client::Error;
use serde_json::Value;
use sidecar_contract::{LocalReply, local_reply};

use crate::sidecar::{Sidecar, client, closed_port};

/// Long enough for a server on a busy host to begin its answer, short enough to wait for.
const SHORT: Duration = Duration::from_secs(1);

async fn error_of(sidecar: &Sidecar) -> Error {
    let call = sidecar.client().get("http://blue.appmesh/").send();
    call.await.expect_err("the call fails")
}

fn answer(fault: &'static str, status: u16, words: &'static str) -> impl Fn() -> Response + Clone {
    let status = StatusCode::from_u16(status).expect("it is a status");
    move || (status, [(local_reply::HEADER, fault)], words).into_response()
}

#[tokio::test]
async fn each_fault_is_an_error_of_its_own() {
    for (fault, status, words, sentence) in [
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
            "`blue.appmesh` did not answer within the time that the mesh allows: upstream request timeout",
        ),
    ] {
        let sidecar = Sidecar::answering(answer(fault.as_str(), status, words)).await;
        let error = error_of(&sidecar).await;
        assert_eq!(error.to_string(), sentence);
        assert_eq!(error.local_reply(), Some(fault));
        assert_eq!(error.service(), Some("blue.appmesh"));
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
        let answers = (
            error.is_unknown_service(),
            error.is_no_healthy_endpoint(),
            error.is_unreachable(),
            error.is_timeout(),
        );
        let expected = (
            fault == LocalReply::UnknownService,
            fault == LocalReply::NoHealthyEndpoint,
            fault == LocalReply::Unreachable,
            fault == LocalReply::TimedOut,
        );
        assert_eq!(answers, expected, "{fault}");
    }
}

#[tokio::test]
async fn a_fault_of_a_later_version_is_not_taken_for_an_answer() {
    let sidecar = Sidecar::answering(answer("too-busy", 503, "try later")).await;
    let error = error_of(&sidecar).await;
    assert_eq!(error.label(), "other_fault");
    assert!(
        error.to_string().ends_with("does not know: too-busy: try later"),
        "{error}"
    );
}

#[tokio::test]
async fn without_a_mark_a_503_is_the_service_s_own() {
    let sidecar = Sidecar::answering(|| StatusCode::SERVICE_UNAVAILABLE.into_response()).await;
    let response = sidecar.client().get("http://blue.appmesh/").send().await.unwrap();
    assert!(response.error_for_status().unwrap_err().is_status());
}

#[tokio::test]
async fn a_long_fault_fits_on_a_line() {
    let sidecar = Sidecar::answering(|| {
        let words = "line\n".repeat(100_000);
        (StatusCode::NOT_FOUND, [(local_reply::HEADER, "unknown-service")], words).into_response()
    })
    .await;
    let sentence = error_of(&sidecar).await.to_string();
    assert!(
        sentence.chars().count() < 300 && sentence.ends_with('…') && !sentence.contains('\n'),
        "{sentence}"
    );
}

#[tokio::test]
async fn no_sidecar_is_told_from_no_answer() {
    let closed = closed_port();
    let sidecar = closed.address;
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
async fn a_service_that_never_answers_meets_the_deadline() {
    let sidecar = Sidecar::writing(b"", false).await;
    let call = sidecar.client().get("http://blue.appmesh/").timeout(SHORT);
    let error = call.send().await.unwrap_err();
    assert!(error.is_timeout() && error.status().is_none());
    assert_eq!(error.to_string(), "`blue.appmesh` did not answer within 1s");
}

#[tokio::test]
async fn the_deadline_covers_the_body() {
    let sidecar = Sidecar::writing(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", false).await;
    let call = sidecar.client().get("http://blue.appmesh/").timeout(SHORT);
    let error = call.send().await.unwrap().text().await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(
        error.to_string(),
        "`blue.appmesh` began to answer, but did not end within 1s"
    );
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_answer_is_an_interruption() {
    for answer in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-"] {
        let sidecar = Sidecar::writing(answer, true).await;
        let error = sidecar.client().get("http://blue.appmesh/").send().await.unwrap_err();
        assert!(error.is_interrupted(), "{error:?}");
        assert!(!error.is_sidecar_unreachable());
    }
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_answer_is_a_broken_body() {
    let sidecar = Sidecar::writing(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", true).await;
    let mut response = sidecar.client().get("http://blue.appmesh/").send().await.unwrap();
    assert_eq!(response.chunk().await.unwrap().as_deref(), Some(&b"half"[..]));
    let error = response.chunk().await.unwrap_err();
    assert!(error.is_body() && !error.is_timeout());
    assert_eq!(error.to_string(), "the answer of `blue.appmesh` broke off");
}

#[tokio::test]
async fn a_body_that_is_not_json_does_not_decode() {
    let sidecar = Sidecar::answering(|| "<html>".into_response()).await;
    let response = sidecar.client().get("http://blue.appmesh/").send().await.unwrap();
    let error = response.json::<Value>().await.unwrap_err();
    assert!(error.is_decode() && error.source().is_some());
}

#[tokio::test]
async fn what_cannot_be_sent_is_not() {
    // Any attempt to connect would be `is_sidecar_unreachable`.
    let closed = closed_port();
    let mesh = client(closed.address);
    let url = "http://blue.appmesh/";
    let mut host = http::HeaderMap::new();
    host.insert("host", http::HeaderValue::from_static("example.com"));
    for (call, words) in [
        (mesh.get("blue.appmesh"), "`blue.appmesh` is not a URL"),
        (mesh.get("https://blue.appmesh/"), "is not an http:// URL"),
        (
            mesh.get(url).header("no header", "x"),
            "to `blue.appmesh` was not sent: a header's name",
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
            "its body does not go into JSON",
        ),
        (mesh.request(http::Method::CONNECT, url), "no tunnels"),
    ] {
        let error = call.send().await.unwrap_err();
        assert!(error.is_builder(), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let error = mesh.get("http://169.254.169.254/latest/").send().await.unwrap_err();
    assert!(error.is_outside_mesh());
    assert_eq!(error.service(), Some("169.254.169.254"));
}
