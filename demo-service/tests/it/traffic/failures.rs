//! The load client against faulty servers.

use axum::http::StatusCode;
use axum::response::IntoResponse as _;

use super::client_process::{Client, Outcome};
use super::faulty_server::FaultyServer;
use crate::service_process::Settings;
use testkit::{FakeSidecar, closed_port};

/// Makes three calls that fail: the line, and the description of the first failure in the summary.
async fn run_failing(address: &str, options: &str) -> (String, String) {
    let outcome = Client::calling(address)
        .with("--count 3 --interval 1h")
        .with(options)
        .outcome()
        .await;
    let Outcome { code, stdout, stderr } = &outcome;
    assert_eq!((*code, stderr.as_str()), (Some(1), ""), "{stdout}");
    let first = stdout.lines().skip_while(|line| *line != "  failures:").nth(1);
    let (at, failure) = first
        .expect("failures are listed")
        .trim()
        .split_once(' ')
        .expect("a time and a description");
    assert!(humantime::parse_rfc3339(at).is_ok(), "{at}");
    let line = stdout.lines().next().expect("there is a line");
    (line.to_owned(), failure.to_owned())
}

#[tokio::test]
async fn a_closed_port_is_connection_refused() {
    let closed = closed_port();
    let (line, failure) = run_failing(&closed.to_string(), "").await;
    assert_eq!(line, "failed connection-refused=3");
    assert!(failure.starts_with("connection-refused after "), "{failure}");
    assert!(
        failure.ends_with("Connection refused (os error 111)") || !cfg!(target_os = "linux"),
        "{failure}"
    );
}

#[tokio::test]
async fn an_unreachable_address_is_connection_failed() {
    // There is no TCP route to it, with or without a network.
    let (line, failure) = run_failing("255.255.255.255:80", "").await;
    assert_eq!(line, "failed connection-failed=3");
    assert!(failure.contains(" ms: error sending request: "), "{failure}");
}

#[tokio::test]
async fn a_server_that_hangs_is_a_timeout() {
    let server = FaultyServer::hanging().await;
    let (line, failure) = run_failing(&server.address.to_string(), "--timeout 50ms").await;
    assert_eq!(line, "failed timeout=3");
    assert!(failure.ends_with(" ms: no complete response within 50ms"), "{failure}");
}

#[tokio::test]
async fn an_incomplete_body_is_a_timeout() {
    let server = FaultyServer::hanging_after("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"mess").await;
    let (line, _) = run_failing(&server.address.to_string(), "--timeout 50ms").await;
    assert_eq!(line, "failed timeout=3");
}

#[tokio::test]
async fn an_error_status_is_reported_with_the_body() {
    let server = FakeSidecar::responding(|| (StatusCode::SERVICE_UNAVAILABLE, "no healthy upstream")).await;
    let (line, failure) = run_failing(&server.address.to_string(), "").await;
    assert_eq!(line, "503 Service Unavailable other=3");
    assert!(failure.starts_with("503 Service Unavailable after "), "{failure}");
    assert!(failure.ends_with(" ms: no healthy upstream"), "{failure}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = FakeSidecar::responding(|| (StatusCode::FOUND, [("location", "/elsewhere")]).into_response()).await;
    let (line, _) = run_failing(&server.address.to_string(), "").await;
    assert_eq!(line, "302 Found other=3");
}

#[tokio::test]
async fn an_error_of_the_demo_service_is_counted_by_its_name() {
    let green = Settings::green().start().await;
    let (line, failure) = run_failing(&format!("{}/downstream/blue.appmesh", green.address), "").await;
    assert_eq!(line, "502 Bad Gateway green:unknown=3");
    assert!(failure.contains("no mesh is configured"), "{failure}");
}

#[tokio::test]
async fn another_body_is_a_failure() {
    let server = FakeSidecar::responding(|| "<p>It works!</p>").await;
    let (line, failure) = run_failing(&server.address.to_string(), "").await;
    assert_eq!(line, "failed other-body=3");
    assert!(failure.ends_with(" ms: <p>It works!</p>"), "{failure}");

    // Only the beginning is read.
    let server = FakeSidecar::responding(|| format!(r#"{{"message":"ok","service":"{}"}}"#, "a".repeat(1 << 20))).await;
    let (line, _) = run_failing(&server.address.to_string(), "").await;
    assert_eq!(line, "failed other-body=3");
}

#[tokio::test]
async fn a_truncated_response_is_a_closed_connection() {
    for beginning in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"mess",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{\"mess",
    ] {
        let server = FaultyServer::closing_after(beginning).await;
        let (line, failure) = run_failing(&server.address.to_string(), "").await;
        assert_eq!(line, "failed connection-closed=3", "{beginning:?}: {failure}");
    }
}

#[tokio::test]
async fn a_reset_connection_is_reported() {
    for beginning in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"mess"] {
        let server = FaultyServer::resetting_after(beginning).await;
        let (line, failure) = run_failing(&server.address.to_string(), "").await;
        assert_eq!(line, "failed connection-reset=3", "{beginning:?}: {failure}");
    }
}

#[tokio::test]
async fn a_response_that_is_not_http_is_reported() {
    let server = FaultyServer::closing_after("220 mail.example ESMTP\r\n").await;
    let (line, failure) = run_failing(&server.address.to_string(), "").await;
    assert_eq!(line, "failed not-http=3", "{failure}");
}
