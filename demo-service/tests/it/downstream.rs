//! Calls to other services: what the sidecar sees, what the caller is told, and what is never sent.

use axum::http::StatusCode as Status;
use axum::response::IntoResponse as _;
use reqwest::{Method, StatusCode};
use sidecar_contract::{LocalReply, local_reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::service_process::{Settings, soon};
use crate::sidecar::{Sidecar, closed_port};

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test]
async fn the_sidecar_is_asked_for_the_service_and_the_path() {
    let mut sidecar = Sidecar::answering(|| "{}").await;
    let green = Settings::green()
        .beside(sidecar.address)
        .with("SERVICE_DOWNSTREAM_PORTS", "80,8080")
        // Would lead past the sidecar, if anyone read it.
        .with("HTTP_PROXY", "http://127.0.0.1:1")
        .with("http_proxy", "http://127.0.0.1:1")
        .start()
        .await;
    for (path, host, asked) in [
        ("/downstream/blue.appmesh", "blue.appmesh", "/"),
        ("/downstream/Blue.appmesh./", "blue.appmesh", "/"),
        (
            "/downstream/blue.appmesh:8080/a%2fb?c=d",
            "blue.appmesh:8080",
            "/a%2fb?c=d",
        ),
        (
            "/downstream/blue.appmesh/downstream/red.appmesh",
            "blue.appmesh",
            "/downstream/red.appmesh",
        ),
    ] {
        assert_eq!(green.get(path).await.status(), StatusCode::OK, "{path}");
        let seen = sidecar.seen().await;
        assert_eq!(
            (seen.headers["host"].to_str().unwrap(), seen.path.as_str()),
            (host, asked)
        );
    }
}

#[tokio::test]
async fn the_trace_goes_on_and_nothing_else_does() {
    let mut sidecar = Sidecar::answering(|| "{}").await;
    let green = Settings::green().beside(sidecar.address).start().await;
    let headers = [
        ("traceparent", TRACEPARENT),
        ("tracestate", "vendor=1"),
        ("x-request-id", "request-1"),
        ("authorization", "secret"),
    ];
    green
        .call(Method::GET, "/downstream/blue.appmesh?key=secret", &headers)
        .await;
    let seen = sidecar.seen().await;
    assert_eq!(seen.headers["traceparent"], TRACEPARENT);
    assert_eq!(seen.headers["tracestate"], "vendor=1");
    assert_eq!(seen.headers["x-request-id"], "request-1");
    assert!(!seen.headers.contains_key("authorization"));

    let log = green.log().await;
    let line = log
        .lines()
        .find(|line| line.contains("answered"))
        .expect("the request is logged");
    for part in [
        "method=GET",
        "path=\"/downstream/blue.appmesh\"",
        "status=200",
        "ms=",
        "0af7651916cd43dd8448eb211c80319c",
    ] {
        assert!(line.contains(part), "{line}");
    }
    assert!(!log.contains("secret"), "{log}");
    assert!(log.contains("through the egress listener at"), "{log}");
}

#[tokio::test]
async fn the_one_who_is_called_learns_how_long_the_caller_still_waits() {
    let mut sidecar = Sidecar::answering(|| "{}").await;
    let green = Settings::green().beside(sidecar.address).start().await;
    let told = |seen: &crate::sidecar::Seen| -> Option<u64> {
        let header = seen.headers.get("x-meshwright-timeout-ms")?;
        header.to_str().ok()?.parse().ok()
    };
    for (headers, most) in [
        (&[("x-meshwright-timeout-ms", "3000")][..], 3000),
        // What green's own Envoy allows is the shorter one.
        (
            &[
                ("x-meshwright-timeout-ms", "60000"),
                ("x-envoy-expected-rq-timeout-ms", "15000"),
            ],
            15_000,
        ),
    ] {
        green.call(Method::GET, "/downstream/blue.appmesh", headers).await;
        let told = told(&sidecar.seen().await).expect("it is told");
        assert!((1..=most).contains(&told), "{headers:?}: {told}");
    }
    green.get("/downstream/blue.appmesh").await;
    assert_eq!(told(&sidecar.seen().await), None, "nobody said anything");
}

#[tokio::test]
async fn a_caller_who_waits_no_longer_is_answered_in_time() {
    let never = Sidecar::answering_later(std::future::pending::<axum::response::Response>).await;
    let green = Settings::green().beside(never.address).start().await;
    let headers = [("x-meshwright-timeout-ms", "200")];
    let answer = green.call(Method::GET, "/downstream/blue.appmesh", &headers).await;
    assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
    let words = answer.text().await.expect("a text");
    assert!(words.contains("`blue.appmesh` did not answer within "), "{words}");
}

#[tokio::test]
async fn what_the_mesh_says_is_told() {
    for (fault, status, expected, error) in [
        (
            LocalReply::UnknownService,
            404,
            502,
            "no service `blue.appmesh` in this mesh: so it is",
        ),
        (
            LocalReply::NoHealthyEndpoint,
            503,
            502,
            "no healthy endpoint of `blue.appmesh`: so it is",
        ),
        (
            LocalReply::Unreachable,
            503,
            502,
            "the mesh could not reach `blue.appmesh`: so it is",
        ),
        (
            LocalReply::TimedOut,
            504,
            504,
            "`blue.appmesh` did not answer within the time that the mesh allows: so it is",
        ),
    ] {
        let status = Status::from_u16(status).unwrap();
        let mark = [(local_reply::HEADER, fault.as_str())];
        let sidecar = Sidecar::answering(move || (status, mark, "so it is").into_response()).await;
        let green = Settings::green().beside(sidecar.address).start().await;
        let document = format!(r#"{{"message":"error","service":"green","error":"{error}"}}"#);
        let expected = StatusCode::from_u16(expected).unwrap();
        assert_eq!(green.document("/downstream/blue.appmesh").await, (expected, document));
    }
}

#[tokio::test]
async fn a_sidecar_that_is_gone_is_told() {
    let closed = closed_port();
    let address = closed.address;
    let green = Settings::green().beside(address).start().await;
    let (status, document) = green.document("/downstream/blue.appmesh").await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    let error = format!("the sidecar at {address} is not reachable, so `blue.appmesh` was not called");
    assert!(document.contains(&error), "{document}");
}

#[tokio::test]
async fn an_answer_is_handed_on_up_to_a_mebibyte() {
    let json = |length: usize| format!("\"{}\"", "a".repeat(length - 2));
    let sidecar = Sidecar::answering(move || json(1 << 20)).await;
    let green = Settings::green().beside(sidecar.address).start().await;
    let (status, document) = green.document("/downstream/blue.appmesh").await;
    assert_eq!(status, StatusCode::OK);
    assert!(document.len() > 1 << 20);

    let sidecar = Sidecar::answering(move || json((1 << 20) + 1)).await;
    let green = Settings::green().beside(sidecar.address).start().await;
    let (status, document) = green.document("/downstream/blue.appmesh").await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert!(
        document.contains("`blue.appmesh` answered with more than 1048576 bytes"),
        "{document}"
    );
}

#[tokio::test]
async fn without_a_mesh_it_serves_and_says_why_it_calls_nobody() {
    let green = Settings::green().start().await;
    assert_eq!(green.get("/").await.status(), StatusCode::OK);
    let (status, document) = green.document("/downstream/blue.appmesh").await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    let reason = "this service is in no mesh, so `blue.appmesh` cannot be called: neither MESHWRIGHT_EGRESS";
    assert!(document.contains(reason), "{document}");
    for name in ["169.254.169.254", "localhost", "user@blue.appmesh", "blue.appmesh:22"] {
        let (status, _) = green.document(&format!("/downstream/{name}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name} is refused, mesh or not");
    }
    assert!(green.log().await.contains("in no mesh"));
}

/// The gate has its own tests; this is that it stands before the door, whatever a client writes on the wire.
#[tokio::test]
async fn what_is_refused_never_reaches_the_sidecar() {
    let mut sidecar = Sidecar::answering(|| "{}").await;
    let green = Settings::green().beside(sidecar.address).start().await;
    for name in [
        "",
        "/blue.appmesh",
        "169.254.169.254/latest/meta-data/",
        "2130706433",
        "0x7f.1",
        "[::1]",
        "localhost",
        "metadata.google.internal",
        "user@blue.appmesh",
        "example.com%2f.appmesh",
        "169%2e254%2e169%2e254",
        "blue.appmesh%00",
        "blue.appmesh:22",
        "../blue.appmesh",
        "blue.appmesh@example.com",
        "example.com\\.appmesh",
    ] {
        // Written by hand, because a client would tidy the path up.
        let mut connection = TcpStream::connect(green.address).await.unwrap();
        let request = format!("GET /downstream/{name} HTTP/1.1\r\nhost: green\r\nconnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        soon(connection.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{name}: {answer}");
        assert!(sidecar.is_untouched(), "{name}");
    }
}
