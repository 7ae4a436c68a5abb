//! How it stops: whoever does not know yet is answered, and nobody who was let in is turned away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::response::IntoResponse as _;
use reqwest::StatusCode;
use rustix::process::Signal;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::service_process::{Demo, Settings, soon};
use crate::sidecar::Sidecar;

const DEREGISTRATION: &str = "SERVICE_DEREGISTRATION";

/// What the log says while it goes on answering.
const GOES_ON: &str = "requests are taken until everybody knows";

#[tokio::test]
async fn an_idle_service_that_was_deregistered_before_stops_at_once() {
    let green = Settings::green().with(DEREGISTRATION, "0").start().await;
    green.signal(Signal::TERM);
    let (status, log) = green.end().await;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("reason=\"SIGTERM\""), "{log}");
    assert!(!log.contains(GOES_ON), "{log}");
}

#[tokio::test]
async fn ctrl_c_does_not_wait_for_callers_to_learn_of_it() {
    let green = Settings::green().with(DEREGISTRATION, "8s").start().await;
    green.signal(Signal::INT);
    let (status, log) = green.end().await;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("reason=\"SIGINT\""), "{log}");
    assert!(!log.contains(GOES_ON), "{log}");
}

#[tokio::test]
async fn a_service_that_is_told_to_stop_answers_until_a_second_signal() {
    for second in [Signal::TERM, Signal::INT] {
        let green = Settings::green().with(DEREGISTRATION, "8s").start().await;
        green.signal(Signal::TERM);
        soon(says_that_it_stops(&green)).await;
        // Each on a connection of its own.
        let greeting = r#"{"message":"ok","service":"green","version":"unknown"}"#;
        assert_eq!(green.document("/").await, (StatusCode::OK, greeting.to_owned()));

        green.signal(second);
        let (status, log) = green.end().await;
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(log.contains(GOES_ON) && log.contains("asked again"), "{log}");
    }
}

#[tokio::test]
async fn callers_have_five_seconds_to_learn_of_it_unless_it_is_said() {
    let green = Settings::green().start().await;
    green.signal(Signal::TERM);
    soon(says_that_it_stops(&green)).await;
    green.signal(Signal::INT);
    let (_, log) = green.end().await;
    assert!(log.contains("wait=5s"), "{log}");
}

#[tokio::test]
async fn the_wait_for_callers_ends_by_itself() {
    let wait = Duration::from_millis(200);
    let green = Settings::green().with(DEREGISTRATION, "200ms").start().await;
    let told = Instant::now();
    green.signal(Signal::TERM);
    let (status, log) = green.end().await;
    assert!(told.elapsed() >= wait, "{log}");
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains(GOES_ON) && !log.contains("asked again"), "{log}");
}

#[tokio::test]
async fn a_second_ctrl_c_gives_up_what_is_under_way() {
    let mut sidecar = Sidecar::answering_later(std::future::pending).await;
    let green = Settings::green().beside(sidecar.address).start().await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let asked = client.get(format!("http://{}/downstream/blue.appmesh", green.address));
    let asked = tokio::spawn(asked.send());
    sidecar.seen().await;
    green.signal(Signal::INT);
    soon(no_longer_accepts(&green)).await;
    assert!(!asked.is_finished(), "it is finished first");

    green.signal(Signal::INT);
    let (status, log) = green.end().await;
    assert_eq!(status.code(), Some(1), "{log}");
    let gave_up = "demo-service: gave up when asked again (SIGINT): requests in flight did not finish\n";
    assert!(log.ends_with(gave_up), "{log}");
    soon(asked).await.expect("it was asked").expect_err("it was cut off");
}

#[tokio::test]
async fn a_request_in_flight_finishes() {
    let release = Arc::new(Notify::new());
    let held = Arc::clone(&release);
    let mut sidecar = Sidecar::answering_later(move || {
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
        sidecar.seen().await;
        green.signal(Signal::TERM);
        soon(no_longer_accepts(&green)).await;
        release.notify_one();
    };
    let (answer, ()) = tokio::join!(green.document("/downstream/blue.appmesh"), stop);
    let expected = r#"{"message":"fetched!","service":"green","response":"at last"}"#;
    assert_eq!(answer, (StatusCode::OK, expected.to_owned()));

    let (status, log) = green.end().await;
    assert_eq!(status.code(), Some(0), "{log}");
}

async fn says_that_it_stops(demo: &Demo) {
    let stopping = (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"stopping"}"#.to_owned());
    while demo.document("/ready").await != stopping {
        tokio::task::yield_now().await;
    }
}

async fn no_longer_accepts(demo: &Demo) {
    while TcpStream::connect(demo.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
