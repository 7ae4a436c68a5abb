//! Waiting for a sidecar that starts late, never, or dies, and what the service says of it meanwhile.

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
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::sidecar;

/// Nothing here takes a second; what takes longer than this would take forever.
const TOO_LONG: Duration = Duration::from_secs(60);

/// What `work` gives, unless it would never come.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(TOO_LONG, work).await.expect("it comes soon")
}

/// A server of `app`, and where it is. Stops with the set.
pub(crate) async fn serve(app: Router) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, app).await.expect("it serves") });
    (address, server)
}

/// Status and body of an answer to `GET`.
pub(crate) async fn get(address: SocketAddr, path: &str) -> (StatusCode, String) {
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
    let call = client.build().expect("a client").get(format!("http://{address}{path}"));
    let response = soon(call.send()).await.expect("it answers");
    (
        response.status(),
        soon(response.text()).await.expect("the body arrives"),
    )
}

#[tokio::test]
async fn a_sidecar_that_listens_late_is_waited_for() {
    // Bound from the beginning, so that connections are refused until it listens.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let egress = socket.local_addr().unwrap();
    let mesh = Client::builder()
        .egress(egress)
        .suffixes(MeshSuffixes::from_list("appmesh"))
        .build()
        .unwrap();

    let mut waiting = Box::pin(mesh.ready(2 * TOO_LONG));
    // A minute of the paused clock: hundreds of attempts to connect.
    tokio::time::pause();
    let too_early = tokio::time::timeout(TOO_LONG, &mut waiting).await;
    assert!(too_early.is_err(), "it is not ready before it listens: {too_early:?}");
    tokio::time::resume();
    let listener = socket.listen(16).unwrap();
    assert_eq!(soon(waiting).await, Ok(()));
    drop(listener);
}

#[tokio::test]
async fn a_sidecar_that_never_listens_is_named() {
    let closed = sidecar::closed_port();
    let egress = closed.address;
    let error = sidecar::client(egress).ready(Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(
        error.waited_for(),
        format!("the egress listener to take a connection to {egress}")
    );
    assert!(error.last_seen().contains("refused"), "{error}");
    assert_eq!(
        error.to_string(),
        format!(
            "the sidecar is not ready after 1s: waited for {}, and saw last: {}",
            error.waited_for(),
            error.last_seen()
        )
    );
}

#[tokio::test]
async fn envoys_page_is_asked_until_it_is_live() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let app = Router::new().fallback(async move || {
        if count.fetch_add(1, Ordering::SeqCst) < 3 {
            (StatusCode::SERVICE_UNAVAILABLE, "PRE_INITIALIZING\n").into_response()
        } else {
            "LIVE\n".into_response()
        }
    });
    let (address, _server) = serve(app).await;
    let envoy = Sidecar::page(&format!("http://{address}/ready")).unwrap();
    assert_eq!(envoy.ready(TOO_LONG).await, Ok(()));
    assert_eq!(asked.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_page_that_never_says_so_is_quoted() {
    let unhealthy = Router::new().fallback(async || r#"{"healthStatus": "UNHEALTHY", "envoyState": "LIVE"}"#);
    let (address, _server) = serve(unhealthy).await;
    let agent = Sidecar::page(&format!("http://{address}/status")).unwrap();
    let error = agent.ready(Duration::from_secs(2)).await.unwrap_err();
    assert_eq!(error.last_seen(), "the agent says of Envoy: UNHEALTHY");
    assert_eq!(
        error.waited_for(),
        format!("http://{address}/status to answer that Envoy is well")
    );
}

#[tokio::test]
async fn a_page_that_hangs_is_not_waited_for_longer_than_the_deadline() {
    let (address, _server) = serve(Router::new().fallback(std::future::pending::<&str>)).await;
    let envoy = Sidecar::page(&format!("http://{address}/ready")).unwrap();
    let error = soon(envoy.ready(Duration::from_millis(50))).await.unwrap_err();
    assert_eq!(error.last_seen(), "nothing yet");
}

#[cfg(unix)]
#[tokio::test]
async fn a_page_may_be_on_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("envoy admin.sock");
    let envoy = Sidecar::page(&format!("http://unix:{}:/ready", path.display())).unwrap();
    let error = envoy.ready(Duration::from_millis(50)).await.unwrap_err();
    assert!(error.last_seen().contains("No such file"), "{error}");

    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let app = Router::new().route("/ready", axum::routing::get(async || "LIVE\n"));
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, app).await.expect("it serves") });
    assert_eq!(envoy.ready(TOO_LONG).await, Ok(()));
}

#[tokio::test]
async fn a_service_whose_sidecar_dies_is_not_ready_and_says_why() {
    let (sidecar, mut running) = serve(Router::new()).await;
    let readiness = Readiness::new(Sidecar::listener(sidecar));
    let (service, _server) = serve(Router::new().route_service("/ready", readiness.endpoint())).await;
    let ready = (StatusCode::OK, r#"{"status":"ready"}"#.to_owned());
    assert_eq!(get(service, "/ready").await, ready);

    running.shutdown().await;
    let (status, document) = soon(async {
        loop {
            let answer = get(service, "/ready").await;
            if answer != ready {
                break answer;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let expected =
        format!(r#"{{"status":"waiting","for":"the egress listener to take a connection to {sidecar}","seen":""#);
    assert!(document.starts_with(&expected), "{document}");
}

#[tokio::test]
async fn many_who_ask_at_once_make_one_look() {
    let asked = Arc::new(AtomicUsize::new(0));
    let release = Arc::new(Notify::new());
    let (count, held) = (Arc::clone(&asked), Arc::clone(&release));
    let app = Router::new().fallback(async move || {
        count.fetch_add(1, Ordering::SeqCst);
        held.notified().await;
        "LIVE"
    });
    let (address, _server) = serve(app).await;
    let readiness = Readiness::new(Sidecar::page(&format!("http://{address}/ready")).unwrap());
    let mut asking = JoinSet::new();
    for _ in 0..20 {
        let readiness = readiness.clone();
        asking.spawn(async move { readiness.check().await });
    }
    release.notify_one();
    let answers = soon(asking.join_all()).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}
