//! The readiness endpoint.

use axum::Router;
use axum::routing::get;
use reqwest::StatusCode;
use tokio::net::TcpSocket;
use tokio::task::JoinSet;

use testkit::with_timeout;

use crate::service_process::Settings;

#[tokio::test]
async fn a_service_is_ready_when_its_sidecar_is_and_responds_before() {
    // Bound, but not listening yet.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port is free");
    let page = socket.local_addr().expect("it is bound");
    let green = Settings::green()
        .beside(page)
        .with("MESHWRIGHT_READY", format!("http://{page}/ready"))
        .start()
        .await;
    let (status, document) = green.get_json("/ready").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(document.contains(r#""status":"waiting""#), "{document}");
    assert!(document.contains(&format!("http://{page}/ready")), "{document}");
    assert_eq!(green.get("/").await.status(), StatusCode::OK);

    let mut sidecar = JoinSet::new();
    let listener = socket.listen(16).expect("it listens");
    let app = Router::new().route("/ready", get(async || "LIVE\n"));
    sidecar.spawn(async move { axum::serve(listener, app).await.expect("it serves") });
    let ready = async {
        // The last check is reused for a second.
        while green.get("/ready").await.status() != StatusCode::OK {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    with_timeout(ready).await;
    let log = green.log().await;
    assert!(!log.contains("path=\"/ready\""), "health checks are not logged: {log}");
}

#[tokio::test]
async fn without_a_mesh_the_service_is_ready() {
    let green = Settings::green().start().await;
    let (status, document) = green.get_json("/ready").await;
    assert_eq!((status, document.as_str()), (StatusCode::OK, r#"{"status":"ready"}"#));
}
