//! Graceful shutdown by signals.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::response::IntoResponse as _;
use reqwest::StatusCode;
use rustix::process::Signal;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use testkit::with_timeout;

use crate::service_process::{ServiceProcess, Settings};
use testkit::FakeSidecar;

const DEREGISTRATION: &str = "SERVICE_DEREGISTRATION";

/// The log message of the wait for deregistration.
const WAITING: &str = "waiting for deregistration, still accepting requests";

#[tokio::test]
async fn without_deregistration_an_idle_service_stops_immediately() {
    let green = Settings::green().with(DEREGISTRATION, "0").start().await;
    green.signal(Signal::TERM);
    let (status, log) = green.end().await;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("reason=\"SIGTERM\""), "{log}");
    assert!(!log.contains(WAITING), "{log}");
}

#[tokio::test]
async fn ctrl_c_does_not_wait_for_deregistration() {
    let green = Settings::green().with(DEREGISTRATION, "8s").start().await;
    green.signal(Signal::INT);
    let (status, log) = green.end().await;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("reason=\"SIGINT\""), "{log}");
    assert!(!log.contains(WAITING), "{log}");
}

#[tokio::test]
async fn a_stopping_service_accepts_requests_until_a_second_signal() {
    for second in [Signal::TERM, Signal::INT] {
        let green = Settings::green().with(DEREGISTRATION, "8s").start().await;
        green.signal(Signal::TERM);
        with_timeout(wait_until_stopping(&green)).await;
        // On a new connection.
        let identity = r#"{"message":"ok","service":"green","version":"unknown"}"#;
        assert_eq!(green.get_json("/").await, (StatusCode::OK, identity.to_owned()));

        green.signal(second);
        let (status, log) = green.end().await;
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(log.contains(WAITING) && log.contains("second stop request"), "{log}");
    }
}

#[tokio::test]
async fn the_default_deregistration_is_five_seconds() {
    let green = Settings::green().start().await;
    green.signal(Signal::TERM);
    with_timeout(wait_until_stopping(&green)).await;
    green.signal(Signal::INT);
    let (_, log) = green.end().await;
    assert!(log.contains("wait=5s"), "{log}");
}

#[tokio::test]
async fn the_wait_for_deregistration_is_bounded() {
    let wait = Duration::from_millis(200);
    let green = Settings::green().with(DEREGISTRATION, "200ms").start().await;
    let signalled = Instant::now();
    green.signal(Signal::TERM);
    let (status, log) = green.end().await;
    assert!(signalled.elapsed() >= wait, "{log}");
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains(WAITING) && !log.contains("second stop request"), "{log}");
}

#[tokio::test]
async fn a_second_ctrl_c_abandons_requests_in_flight() {
    let mut sidecar = FakeSidecar::responding_async(std::future::pending).await;
    let green = Settings::green().beside(sidecar.address).start().await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client.get(format!("http://{}/downstream/blue.appmesh", green.address));
    let request = tokio::spawn(request.send());
    sidecar.next_request().await;
    green.signal(Signal::INT);
    with_timeout(wait_until_closed(&green)).await;
    assert!(!request.is_finished(), "the request is still in flight");

    green.signal(Signal::INT);
    let (status, log) = green.end().await;
    assert_eq!(status.code(), Some(1), "{log}");
    let expected = "demo-service: requests in flight did not finish before another stop request (SIGINT)\n";
    assert!(log.ends_with(expected), "{log}");
    with_timeout(request)
        .await
        .expect("the task does not panic")
        .expect_err("the connection is closed");
}

#[tokio::test]
async fn a_request_in_flight_finishes() {
    let release = Arc::new(Notify::new());
    let held = Arc::clone(&release);
    let mut sidecar = FakeSidecar::responding_async(move || {
        let held = Arc::clone(&held);
        async move {
            held.notified().await;
            "\"at last\"".into_response()
        }
    })
    .await;
    let green = Settings::green()
        .with(DEREGISTRATION, "0")
        .beside(sidecar.address)
        .start()
        .await;

    let stop = async {
        sidecar.next_request().await;
        green.signal(Signal::TERM);
        with_timeout(wait_until_closed(&green)).await;
        release.notify_one();
    };
    let (response, ()) = tokio::join!(green.get_json("/downstream/blue.appmesh"), stop);
    let expected = r#"{"message":"fetched!","service":"green","response":"at last"}"#;
    assert_eq!(response, (StatusCode::OK, expected.to_owned()));

    let (status, log) = green.end().await;
    assert_eq!(status.code(), Some(0), "{log}");
}

async fn wait_until_stopping(demo: &ServiceProcess) {
    let stopping = (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"stopping"}"#.to_owned());
    while demo.get_json("/ready").await != stopping {
        tokio::task::yield_now().await;
    }
}

async fn wait_until_closed(demo: &ServiceProcess) {
    while TcpStream::connect(demo.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
