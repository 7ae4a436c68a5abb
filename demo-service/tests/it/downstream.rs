//! Downstream calls: requests to the sidecar, responses to the caller, rejected names.

use axum::http::StatusCode as Status;
use axum::response::IntoResponse as _;
use reqwest::{Method, StatusCode};
use sidecar_contract::{LocalReply, local_reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use testkit::with_timeout;

use crate::service_process::Settings;
use testkit::{FakeSidecar, closed_port};

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test]
async fn the_sidecar_receives_the_service_and_the_path() {
    let mut sidecar = FakeSidecar::responding(|| "{}").await;
    let green = Settings::green()
        .beside(sidecar.address)
        .with("SERVICE_DOWNSTREAM_PORTS", "80,8080")
        // Must not be used, because it would bypass the sidecar.
        .with("HTTP_PROXY", "http://127.0.0.1:1")
        .with("http_proxy", "http://127.0.0.1:1")
        .start()
        .await;
    for (path, host, requested) in [
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
        let request = sidecar.next_request().await;
        assert_eq!(
            (request.headers["host"].to_str().unwrap(), request.path.as_str()),
            (host, requested)
        );
    }
}

#[tokio::test]
async fn only_trace_headers_are_propagated() {
    let mut sidecar = FakeSidecar::responding(|| "{}").await;
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
    let request = sidecar.next_request().await;
    assert_eq!(request.headers["traceparent"], TRACEPARENT);
    assert_eq!(request.headers["tracestate"], "vendor=1");
    assert_eq!(request.headers["x-request-id"], "request-1");
    assert!(!request.headers.contains_key("authorization"));

    let log = green.log().await;
    let line = log
        .lines()
        .find(|line| line.contains("handled request"))
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
async fn the_deadline_of_the_request_is_propagated() {
    let mut sidecar = FakeSidecar::responding(|| "{}").await;
    let green = Settings::green().beside(sidecar.address).start().await;
    let timeout = |request: &testkit::sidecar::RecordedRequest| -> Option<u64> {
        let header = request.headers.get("x-meshwright-timeout-ms")?;
        header.to_str().ok()?.parse().ok()
    };
    for (headers, longest) in [
        (&[("x-meshwright-timeout-ms", "3000")][..], 3000),
        // The timeout of green's Envoy is shorter.
        (
            &[
                ("x-meshwright-timeout-ms", "60000"),
                ("x-envoy-expected-rq-timeout-ms", "15000"),
            ],
            15_000,
        ),
    ] {
        green.call(Method::GET, "/downstream/blue.appmesh", headers).await;
        let remaining = timeout(&sidecar.next_request().await).expect("the header is set");
        assert!((1..=longest).contains(&remaining), "{headers:?}: {remaining}");
    }
    green.get("/downstream/blue.appmesh").await;
    assert_eq!(timeout(&sidecar.next_request().await), None, "without a deadline");
}

#[tokio::test]
async fn a_passed_deadline_is_a_504() {
    let never = FakeSidecar::responding_async(std::future::pending::<axum::response::Response>).await;
    let green = Settings::green().beside(never.address).start().await;
    let headers = [("x-meshwright-timeout-ms", "200")];
    let response = green.call(Method::GET, "/downstream/blue.appmesh", &headers).await;
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    let body = response.text().await.expect("a text");
    assert!(body.contains("`blue.appmesh` did not respond within "), "{body}");
}

#[tokio::test]
async fn local_replies_are_reported() {
    for (reason, status, expected, error) in [
        (
            LocalReply::UnknownService,
            404,
            502,
            "no service `blue.appmesh` in this mesh: details",
        ),
        (
            LocalReply::NoHealthyEndpoint,
            503,
            502,
            "no healthy endpoint of `blue.appmesh`: details",
        ),
        (
            LocalReply::Unreachable,
            503,
            502,
            "the mesh could not reach `blue.appmesh`: details",
        ),
        (
            LocalReply::TimedOut,
            504,
            504,
            "`blue.appmesh` did not respond within the mesh's timeout: details",
        ),
    ] {
        let status = Status::from_u16(status).unwrap();
        let header = [(local_reply::HEADER, reason.as_str())];
        let sidecar = FakeSidecar::responding(move || (status, header, "details").into_response()).await;
        let green = Settings::green().beside(sidecar.address).start().await;
        let document = format!(r#"{{"message":"error","service":"green","error":"{error}"}}"#);
        let expected = StatusCode::from_u16(expected).unwrap();
        assert_eq!(green.get_json("/downstream/blue.appmesh").await, (expected, document));
    }
}

#[tokio::test]
async fn an_unreachable_sidecar_is_reported() {
    let closed = closed_port();
    let address = closed;
    let green = Settings::green().beside(address).start().await;
    let (status, document) = green.get_json("/downstream/blue.appmesh").await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    let error = format!("the sidecar at {address} is not reachable, so `blue.appmesh` was not called");
    assert!(document.contains(&error), "{document}");
}

#[tokio::test]
async fn responses_of_up_to_a_mebibyte_are_forwarded() {
    let json = |length: usize| format!("\"{}\"", "a".repeat(length - 2));
    let sidecar = FakeSidecar::responding(move || json(1 << 20)).await;
    let green = Settings::green().beside(sidecar.address).start().await;
    let (status, document) = green.get_json("/downstream/blue.appmesh").await;
    assert_eq!(status, StatusCode::OK);
    assert!(document.len() > 1 << 20);

    let sidecar = FakeSidecar::responding(move || json((1 << 20) + 1)).await;
    let green = Settings::green().beside(sidecar.address).start().await;
    let (status, document) = green.get_json("/downstream/blue.appmesh").await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert!(
        document.contains("the response of `blue.appmesh` has more than 1048576 bytes"),
        "{document}"
    );
}

#[tokio::test]
async fn without_a_mesh_downstream_calls_are_an_error() {
    let green = Settings::green().start().await;
    assert_eq!(green.get("/").await.status(), StatusCode::OK);
    let (status, document) = green.get_json("/downstream/blue.appmesh").await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    let reason = "no mesh is configured, so `blue.appmesh` cannot be called: set MESHWRIGHT_EGRESS";
    assert!(document.contains(reason), "{document}");
    for name in ["169.254.169.254", "localhost", "user@blue.appmesh", "blue.appmesh:22"] {
        let (status, _) = green.get_json(&format!("/downstream/{name}")).await;
        assert_eq!(
            status,
            StatusCode::BAD_REQUEST,
            "{name} is rejected with or without a mesh"
        );
    }
    assert!(green.log().await.contains("no mesh configured"));
}

/// The validation has its own tests; this one checks that it is applied to requests.
#[tokio::test]
async fn rejected_names_never_reach_the_sidecar() {
    let mut sidecar = FakeSidecar::responding(|| "{}").await;
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
        // Without an HTTP client, which would normalise the path.
        let mut connection = TcpStream::connect(green.address).await.unwrap();
        let request = format!("GET /downstream/{name} HTTP/1.1\r\nhost: green\r\nconnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        with_timeout(connection.read_to_string(&mut response)).await.unwrap();
        assert!(response.starts_with("HTTP/1.1 400 "), "{name}: {response}");
        assert!(sidecar.try_next_request().is_none(), "{name}");
    }
}
