//! `/ready`: whether requests should be sent here.

use axum::Router;
use axum::routing::get;
use reqwest::StatusCode;
use tokio::net::TcpSocket;
use tokio::task::JoinSet;

use crate::service_process::{Settings, soon};

#[tokio::test]
async fn a_service_is_ready_once_its_sidecar_is_and_greets_before() {
    // Held from the beginning, but nobody listens.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port is free");
    let page = socket.local_addr().expect("it is bound");
    let green = Settings::green()
        .beside(page)
        .with("MESHWRIGHT_READY", format!("http://{page}/ready"))
        .start()
        .await;
    let (status, document) = green.document("/ready").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(document.contains(r#""status":"waiting""#), "{document}");
    assert!(document.contains(&format!("http://{page}/ready")), "{document}");
    assert_eq!(green.get("/").await.status(), StatusCode::OK);

    let mut sidecar = JoinSet::new();
    let listener = socket.listen(16).expect("it listens");
    let app = Router::new().route("/ready", get(async || "LIVE\n"));
    sidecar.spawn(async move { axum::serve(listener, app).await.expect("it serves") });
    let ready = async {
        // What was seen last is good for a second.
        while green.get("/ready").await.status() != StatusCode::OK {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    soon(ready).await;
    let log = green.log().await;
    assert!(!log.contains("path=\"/ready\""), "it is no request of anybody's: {log}");
}

#[tokio::test]
async fn without_a_mesh_there_is_nothing_to_wait_for() {
    let green = Settings::green().start().await;
    let (status, document) = green.document("/ready").await;
    assert_eq!((status, document.as_str()), (StatusCode::OK, r#"{"status":"ready"}"#));
}
