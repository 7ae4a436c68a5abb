//! How it stops: nobody who was let in is turned away.

use std::sync::Arc;

use axum::response::IntoResponse as _;
use reqwest::StatusCode;
use rustix::process::Signal;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::demo::{Demo, Settings, soon};
use crate::sidecar::Sidecar;

#[tokio::test]
async fn an_idle_service_stops_at_once() {
    for (signal, name) in [(Signal::TERM, "SIGTERM"), (Signal::INT, "SIGINT")] {
        let green = Settings::green().start().await;
        green.signal(signal);
        let (status, log) = green.end().await;
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(log.contains(&format!("reason=\"{name}\"")), "{log}");
    }
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
    let green = Settings::green().beside(sidecar.address).start().await;

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

async fn no_longer_accepts(demo: &Demo) {
    while TcpStream::connect(demo.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
