//! Stopping with requests under way, each step seen from outside.

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

/// A service that holds requests to `/slow` until it is told not to.
struct Service {
    address: SocketAddr,
    entered: Arc<Notify>,
    release: Arc<Notify>,
    stop: mpsc::Sender<&'static str>,
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
        let (stop, asked) = mpsc::channel(2);
        let shutdown = change(Shutdown::on_request(&readiness, asked));
        let running = tokio::spawn(shutdown.run(|stop| axum::serve(listener, app).with_graceful_shutdown(stop)));
        Self {
            address,
            entered,
            release,
            stop,
            running,
        }
    }

    /// A request that the service has and does not answer yet.
    async fn request_under_way(&self) -> JoinHandle<(StatusCode, String)> {
        let address = self.address;
        let request = tokio::spawn(async move { fetch(address, "/slow").await });
        with_timeout(self.entered.notified()).await;
        request
    }

    async fn ask_to_stop(&self) {
        self.stop.send("the test says so").await.expect("it runs");
    }

    async fn says_that_it_stops(&self) {
        let stopping = (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"stopping"}"#.to_owned());
        with_timeout(async {
            while fetch(self.address, "/ready").await != stopping {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    async fn takes_no_connection(&self) {
        with_timeout(async {
            while TcpStream::connect(self.address).await.is_ok() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_service_first_says_no_then_waits_then_finishes_and_then_stops() {
    let service = Service::start(|shutdown| shutdown.deregistration(FOREVER).grace(FOREVER)).await;
    let ready = (StatusCode::OK, r#"{"status":"ready"}"#.to_owned());
    assert_eq!(fetch(service.address, "/ready").await, ready);
    let request = service.request_under_way().await;

    service.ask_to_stop().await;
    service.says_that_it_stops().await;
    let hello = (StatusCode::OK, "hello".to_owned());
    assert_eq!(
        fetch(service.address, "/").await,
        hello,
        "new requests are still served"
    );

    // The second one ends the wait for deregistration.
    service.ask_to_stop().await;
    service.takes_no_connection().await;
    assert!(!request.is_finished() && !service.running.is_finished());

    service.release.notify_one();
    assert_eq!(
        with_timeout(request).await.unwrap(),
        (StatusCode::OK, "at last".to_owned())
    );
    with_timeout(service.running).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_wait_for_deregistration_ends_by_itself() {
    let service = Service::start(|shutdown| shutdown.deregistration(Duration::from_millis(50))).await;
    service.ask_to_stop().await;
    with_timeout(service.running).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_end_is_given_up() {
    let change = |shutdown: Shutdown| shutdown.deregistration(Duration::ZERO).grace(Duration::from_millis(50));
    let service = Service::start(change).await;
    let request = service.request_under_way().await;
    service.ask_to_stop().await;
    let error = with_timeout(service.running).await.unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "gave up after 50ms: requests in flight did not finish"
    );
    request.abort();
}

#[tokio::test]
async fn whoever_asks_once_more_does_not_wait_for_requests_either() {
    let service = Service::start(|shutdown| shutdown.deregistration(FOREVER).grace(FOREVER)).await;
    let request = service.request_under_way().await;
    service.ask_to_stop().await;
    service.says_that_it_stops().await;
    service.ask_to_stop().await;
    service.takes_no_connection().await;
    assert!(!service.running.is_finished());

    service.ask_to_stop().await;
    let error = with_timeout(service.running).await.unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "gave up when asked again (the test says so): requests in flight did not finish"
    );
    request.abort();
}

#[tokio::test]
async fn a_connection_that_asks_nothing_holds_nothing_up() {
    let service = Service::start(|shutdown| shutdown.deregistration(Duration::ZERO).grace(FOREVER)).await;
    let idle = TcpStream::connect(service.address).await.unwrap();
    service.ask_to_stop().await;
    with_timeout(service.running).await.unwrap().unwrap();
    drop(idle);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_nobody_asks_runs_until_it_ends_by_itself() {
    let readiness = Readiness::new(Sidecar::none());
    let (stop, asked) = mpsc::channel(1);
    drop(stop);
    let (fail, failed) = tokio::sync::oneshot::channel::<()>();
    let running = Shutdown::on_request(&readiness, asked).run(|_stop| async {
        failed.await.expect("it is told to fail");
        Err(std::io::Error::other("no more file descriptors"))
    });
    let mut running = Box::pin(running);
    assert!(
        tokio::time::timeout(FOREVER, &mut running).await.is_err(),
        "nobody asks any more, so it runs"
    );
    fail.send(()).unwrap();
    let error = with_timeout(running).await.unwrap_err();
    assert_eq!(error.to_string(), "serving failed");
    assert!(!readiness.is_stopping());
}
