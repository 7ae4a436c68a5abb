//! Graceful shutdown with requests in flight.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use mesh_client::Sidecar;
use mesh_client::server::{Readiness, Shutdown, ShutdownError};
use testkit::with_timeout;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use crate::servers::fetch;

const FOREVER: Duration = Duration::from_secs(3600);

/// A service that delays requests to `/slow` until they are released.
struct Service {
    address: SocketAddr,
    entered: Arc<Notify>,
    release: Arc<Notify>,
    stop_requests: mpsc::Sender<&'static str>,
    running: JoinHandle<Result<(), ShutdownError>>,
}

impl Service {
    async fn start(change: impl FnOnce(Shutdown) -> Shutdown) -> Self {
        let readiness = Readiness::new(Sidecar::none());
        let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (enter, held) = (Arc::clone(&entered), Arc::clone(&release));
        let slow = async move || {
            enter.notify_one();
            held.notified().await;
            "at last"
        };
        let app = Router::new()
            .route("/slow", get(slow))
            .route("/", get(async || "hello"))
            .route_service("/ready", readiness.endpoint());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let (stop_requests, receiver) = mpsc::channel(2);
        let shutdown = change(Shutdown::on_request(&readiness, receiver));
        let running = tokio::spawn(shutdown.run(|stop| axum::serve(listener, app).with_graceful_shutdown(stop)));
        Self {
            address,
            entered,
            release,
            stop_requests,
            running,
        }
    }

    /// Sends a request to `/slow`, and waits until it is in flight.
    async fn request_in_flight(&self) -> JoinHandle<(StatusCode, String)> {
        let address = self.address;
        let request = tokio::spawn(async move { fetch(address, "/slow").await });
        with_timeout(self.entered.notified()).await;
        request
    }

    async fn request_stop(&self) {
        self.stop_requests.send("test").await.expect("the service runs");
    }

    async fn wait_until_stopping(&self) {
        let stopping = (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"stopping"}"#.to_owned());
        with_timeout(async {
            while fetch(self.address, "/ready").await != stopping {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    async fn wait_until_closed(&self) {
        with_timeout(async {
            while TcpStream::connect(self.address).await.is_ok() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_service_becomes_unready_then_waits_then_finishes_requests() {
    let service = Service::start(|shutdown| shutdown.deregistration(FOREVER).grace(FOREVER)).await;
    let ready = (StatusCode::OK, r#"{"status":"ready"}"#.to_owned());
    assert_eq!(fetch(service.address, "/ready").await, ready);
    let request = service.request_in_flight().await;

    service.request_stop().await;
    service.wait_until_stopping().await;
    let hello = (StatusCode::OK, "hello".to_owned());
    assert_eq!(
        fetch(service.address, "/").await,
        hello,
        "new requests are still accepted"
    );

    // The second request ends the wait for deregistration.
    service.request_stop().await;
    service.wait_until_closed().await;
    assert!(!request.is_finished() && !service.running.is_finished());

    service.release.notify_one();
    assert_eq!(
        with_timeout(request).await.unwrap(),
        (StatusCode::OK, "at last".to_owned())
    );
    with_timeout(service.running).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_wait_for_deregistration_is_bounded() {
    let service = Service::start(|shutdown| shutdown.deregistration(Duration::from_millis(50))).await;
    service.request_stop().await;
    with_timeout(service.running).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_grace_period_for_requests_is_bounded() {
    let change = |shutdown: Shutdown| shutdown.deregistration(Duration::ZERO).grace(Duration::from_millis(50));
    let service = Service::start(change).await;
    let request = service.request_in_flight().await;
    service.request_stop().await;
    let error = with_timeout(service.running).await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "requests in flight did not finish within 50ms");
    request.abort();
}

#[tokio::test]
async fn a_third_stop_request_ends_the_grace_period() {
    let service = Service::start(|shutdown| shutdown.deregistration(FOREVER).grace(FOREVER)).await;
    let request = service.request_in_flight().await;
    service.request_stop().await;
    service.wait_until_stopping().await;
    service.request_stop().await;
    service.wait_until_closed().await;
    assert!(!service.running.is_finished());

    service.request_stop().await;
    let error = with_timeout(service.running).await.unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "requests in flight did not finish before another stop request (test)"
    );
    request.abort();
}

#[tokio::test]
async fn an_idle_connection_does_not_delay_the_shutdown() {
    let service = Service::start(|shutdown| shutdown.deregistration(Duration::ZERO).grace(FOREVER)).await;
    let idle = TcpStream::connect(service.address).await.unwrap();
    service.request_stop().await;
    with_timeout(service.running).await.unwrap().unwrap();
    drop(idle);
}

#[tokio::test(start_paused = true)]
async fn without_stop_requests_the_server_runs_until_it_fails() {
    let readiness = Readiness::new(Sidecar::none());
    let (sender, receiver) = mpsc::channel(1);
    drop(sender);
    let (fail, failed) = tokio::sync::oneshot::channel::<()>();
    let running = Shutdown::on_request(&readiness, receiver).run(|_stop| async {
        failed.await.expect("the test makes it fail");
        Err(std::io::Error::other("no more file descriptors"))
    });
    let mut running = Box::pin(running);
    assert!(
        tokio::time::timeout(FOREVER, &mut running).await.is_err(),
        "it runs without senders"
    );
    fail.send(()).unwrap();
    let error = with_timeout(running).await.unwrap_err();
    assert_eq!(error.to_string(), "the server failed");
    assert!(!readiness.is_stopping());
}
