//! Readiness: sidecars that start late, never start, or stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse as _;
use http::StatusCode;
use mesh_client::server::Readiness;
use mesh_client::{Client, Sidecar};
use sidecar_contract::MeshSuffixes;
use testkit::{closed_port, with_timeout};
use tokio::net::TcpSocket;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::servers::{client, fetch, serve};

/// Long enough never to pass in a test.
const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn ready_waits_until_the_sidecar_listens() {
    // Bound from the beginning, so that connections are refused until it listens.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let egress = socket.local_addr().unwrap();
    let mesh = Client::builder()
        .egress(egress)
        .suffixes(MeshSuffixes::from_list("appmesh"))
        .build()
        .unwrap();

    let mut waiting = Box::pin(mesh.ready(2 * LONG));
    // A minute of the paused clock: hundreds of attempts to connect.
    tokio::time::pause();
    let too_early = tokio::time::timeout(LONG, &mut waiting).await;
    assert!(too_early.is_err(), "ready before it listens: {too_early:?}");
    tokio::time::resume();
    let listener = socket.listen(16).unwrap();
    assert_eq!(with_timeout(waiting).await, Ok(()));
    drop(listener);
}

#[tokio::test]
async fn the_error_contains_the_check_and_its_last_result() {
    let closed = closed_port();
    let egress = closed;
    let error = client(egress).ready(Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(
        error.waited_for(),
        format!("a connection to the egress listener at {egress}")
    );
    assert!(error.last_result().contains("refused"), "{error}");
    assert_eq!(
        error.to_string(),
        format!(
            "the sidecar is not ready after 1s: waited for {}; last result: {}",
            error.waited_for(),
            error.last_result()
        )
    );
}

#[tokio::test]
async fn envoys_ready_page_is_polled_until_it_is_live() {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let app = Router::new().fallback(async move || {
        if count.fetch_add(1, Ordering::SeqCst) < 3 {
            (StatusCode::SERVICE_UNAVAILABLE, "PRE_INITIALIZING\n").into_response()
        } else {
            "LIVE\n".into_response()
        }
    });
    let (address, _server) = serve(app).await;
    let envoy = Sidecar::health_page(&format!("http://{address}/ready")).unwrap();
    assert_eq!(envoy.ready(LONG).await, Ok(()));
    assert_eq!(requests.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn the_error_quotes_an_unhealthy_page() {
    let unhealthy = Router::new().fallback(async || r#"{"healthStatus": "UNHEALTHY", "envoyState": "LIVE"}"#);
    let (address, _server) = serve(unhealthy).await;
    let agent = Sidecar::health_page(&format!("http://{address}/status")).unwrap();
    let error = agent.ready(Duration::from_secs(2)).await.unwrap_err();
    assert_eq!(error.last_result(), "the agent reports Envoy as: UNHEALTHY");
    assert_eq!(
        error.waited_for(),
        format!("http://{address}/status to report that Envoy is ready")
    );
}

#[tokio::test]
async fn the_timeout_covers_a_page_that_hangs() {
    let (address, _server) = serve(Router::new().fallback(std::future::pending::<&str>)).await;
    let envoy = Sidecar::health_page(&format!("http://{address}/ready")).unwrap();
    let error = with_timeout(envoy.ready(Duration::from_millis(50))).await.unwrap_err();
    assert_eq!(error.last_result(), "no check has finished");
}

#[cfg(unix)]
#[tokio::test]
async fn a_page_on_a_unix_socket_is_supported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("envoy admin.sock");
    let envoy = Sidecar::health_page(&format!("http://unix:{}:/ready", path.display())).unwrap();
    let error = envoy.ready(Duration::from_millis(50)).await.unwrap_err();
    assert!(error.last_result().contains("No such file"), "{error}");

    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let app = Router::new().route("/ready", axum::routing::get(async || "LIVE\n"));
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, app).await.expect("it serves") });
    assert_eq!(envoy.ready(LONG).await, Ok(()));
}

#[tokio::test]
async fn a_service_whose_sidecar_stops_is_not_ready() {
    let (sidecar, mut running) = serve(Router::new()).await;
    let readiness = Readiness::new(Sidecar::listener(sidecar));
    let (service, _server) = serve(Router::new().route_service("/ready", readiness.endpoint())).await;
    let ready = (StatusCode::OK, r#"{"status":"ready"}"#.to_owned());
    assert_eq!(fetch(service, "/ready").await, ready);

    running.shutdown().await;
    let (status, document) = with_timeout(async {
        loop {
            let response = fetch(service, "/ready").await;
            if response != ready {
                break response;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let expected = format!(r#"{{"status":"waiting","for":"a connection to the egress listener at {sidecar}","seen":""#);
    assert!(document.starts_with(&expected), "{document}");
}

#[tokio::test]
async fn concurrent_checks_share_one_request() {
    let requests = Arc::new(AtomicUsize::new(0));
    let release = Arc::new(Notify::new());
    let (count, held) = (Arc::clone(&requests), Arc::clone(&release));
    let app = Router::new().fallback(async move || {
        count.fetch_add(1, Ordering::SeqCst);
        held.notified().await;
        "LIVE"
    });
    let (address, _server) = serve(app).await;
    let readiness = Readiness::new(Sidecar::health_page(&format!("http://{address}/ready")).unwrap());
    let mut checks = JoinSet::new();
    for _ in 0..20 {
        let readiness = readiness.clone();
        checks.spawn(async move { readiness.check().await });
    }
    release.notify_one();
    let results = with_timeout(checks.join_all()).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}
