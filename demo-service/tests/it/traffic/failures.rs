//! The traffic client, against servers that fail in each way.

use axum::http::StatusCode;
use axum::response::IntoResponse as _;

use super::client_process::{Client, Outcome};
use super::faulty_server::FaultyServer;
use crate::service_process::Settings;
use crate::sidecar::{Sidecar, closed_port};

/// Three calls that all fail in one way: the line, and what the summary says of the first.
async fn failing(address: &str, options: &str) -> (String, String) {
    let outcome = Client::calling(address)
        .with("--count 3 --interval 1h")
        .with(options)
        .outcome()
        .await;
    let Outcome { code, stdout, stderr } = &outcome;
    assert_eq!((*code, stderr.as_str()), (Some(1), ""), "{stdout}");
    let first = stdout.lines().skip_while(|line| *line != "  failures:").nth(1);
    let (at, what) = first
        .expect("failures are listed")
        .trim()
        .split_once(' ')
        .expect("it says when and what");
    assert!(humantime::parse_rfc3339(at).is_ok(), "{at}");
    let line = stdout.lines().next().expect("there is a line");
    (line.to_owned(), what.to_owned())
}

#[tokio::test]
async fn nobody_there_is_refused() {
    let closed = closed_port();
    let (line, what) = failing(&closed.address.to_string(), "").await;
    assert_eq!(line, "failed connection-refused=3");
    assert!(what.starts_with("connection-refused after "), "{what}");
    assert!(
        what.ends_with("Connection refused (os error 111)") || !cfg!(target_os = "linux"),
        "{what}"
    );
}

#[tokio::test]
async fn an_address_that_cannot_be_connected_to_is_a_failed_connection() {
    // No route leads there for TCP, with or without a network.
    let (line, what) = failing("255.255.255.255:80", "").await;
    assert_eq!(line, "failed connection-failed=3");
    assert!(what.contains(" ms: error sending request: "), "{what}");
}

#[tokio::test]
async fn a_server_that_hangs_is_a_timeout() {
    let server = FaultyServer::that_hangs().await;
    let (line, what) = failing(&server.address.to_string(), "--timeout 50ms").await;
    assert_eq!(line, "failed timeout=3");
    assert!(what.ends_with(" ms: no whole answer within 50ms"), "{what}");
}

#[tokio::test]
async fn a_body_that_stops_coming_is_a_timeout() {
    let server = FaultyServer::that_says_and_hangs("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"mess").await;
    let (line, _) = failing(&server.address.to_string(), "--timeout 50ms").await;
    assert_eq!(line, "failed timeout=3");
}

#[tokio::test]
async fn a_status_is_told_with_what_the_answer_says() {
    let server = Sidecar::answering(|| (StatusCode::SERVICE_UNAVAILABLE, "no healthy upstream")).await;
    let (line, what) = failing(&server.address.to_string(), "").await;
    assert_eq!(line, "503 Service Unavailable other=3");
    assert!(what.starts_with("503 Service Unavailable after "), "{what}");
    assert!(what.ends_with(" ms: no healthy upstream"), "{what}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = Sidecar::answering(|| (StatusCode::FOUND, [("location", "/elsewhere")]).into_response()).await;
    let (line, _) = failing(&server.address.to_string(), "").await;
    assert_eq!(line, "302 Found other=3");
}

#[tokio::test]
async fn a_refusal_of_the_demo_service_is_told_by_its_name() {
    let green = Settings::green().start().await;
    let (line, what) = failing(&format!("{}/downstream/blue.appmesh", green.address), "").await;
    assert_eq!(line, "502 Bad Gateway green:unknown=3");
    assert!(what.contains("this service is in no mesh"), "{what}");
}

#[tokio::test]
async fn a_body_that_is_not_the_demo_services_is_a_failure() {
    let server = Sidecar::answering(|| "<p>It works!</p>").await;
    let (line, what) = failing(&server.address.to_string(), "").await;
    assert_eq!(line, "failed other-body=3");
    assert!(what.ends_with(" ms: <p>It works!</p>"), "{what}");

    // Only the beginning is read.
    let server = Sidecar::answering(|| format!(r#"{{"message":"ok","service":"{}"}}"#, "a".repeat(1 << 20))).await;
    let (line, _) = failing(&server.address.to_string(), "").await;
    assert_eq!(line, "failed other-body=3");
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_a_closed_connection() {
    for beginning in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"mess",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{\"mess",
    ] {
        let server = FaultyServer::that_says_and_closes(beginning).await;
        let (line, what) = failing(&server.address.to_string(), "").await;
        assert_eq!(line, "failed connection-closed=3", "{beginning:?}: {what}");
    }
}

#[tokio::test]
async fn a_connection_that_is_reset_is_told() {
    for beginning in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"mess"] {
        let server = FaultyServer::that_says_and_resets(beginning).await;
        let (line, what) = failing(&server.address.to_string(), "").await;
        assert_eq!(line, "failed connection-reset=3", "{beginning:?}: {what}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_told() {
    let server = FaultyServer::that_says_and_closes("220 mail.example ESMTP\r\n").await;
    let (line, what) = failing(&server.address.to_string(), "").await;
    assert_eq!(line, "failed not-http=3", "{what}");
}
