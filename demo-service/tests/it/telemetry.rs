//! The spans of the binary, as they arrive at a collector when it stops.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use rustix::process::Signal;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::demo::{Settings, soon};

#[tokio::test]
async fn what_a_service_was_asked_is_exported_before_it_ends() {
    let (tell, mut batches) = mpsc::unbounded_channel::<Bytes>();
    let take = async |State(tell): State<mpsc::UnboundedSender<Bytes>>, batch: Bytes| {
        tell.send(batch).expect("the test still listens");
    };
    let app = Router::new().route("/v1/traces", post(take)).with_state(tell);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let collector = listener.local_addr().expect("it has an address");
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, app).await.expect("the collector serves") });

    let green = Settings::green()
        .with(
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            format!("http://{collector}/v1/traces"),
        )
        .with("OTEL_SERVICE_NAME", "green")
        .with("SERVICE_DEREGISTRATION", "0")
        .start()
        .await;
    green.get("/hello").await;
    green.get("/").await;
    green.signal(Signal::TERM);
    let (status, log) = green.end().await;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!log.contains("otel."), "the log's lines are what they were: {log}");

    // Texts stand in protobuf as they are.
    let batch = soon(batches.recv()).await.expect("spans were exported");
    let batch = String::from_utf8_lossy(&batch);
    for text in [
        "service.name",
        "green",
        "url.path",
        "/hello",
        "http.response.status_code",
        // Named after the route that matched.
        "http.route",
        "GET /",
    ] {
        assert!(batch.contains(text), "{text}: {batch}");
    }
}

#[tokio::test]
async fn a_collector_that_cannot_be_used_is_reported_with_every_other_mistake() {
    let (code, _, stderr) = Settings::nothing()
        .with("SERVICE_PORT", "http")
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")
        .outcome()
        .await;
    assert_eq!(code, Some(1));
    let mistakes: Vec<&str> = stderr.lines().collect();
    assert_eq!(mistakes.len(), 2, "{stderr}");
    assert!(mistakes[0].contains("SERVICE_PORT: is `http`"), "{stderr}");
    assert!(
        mistakes[1].starts_with("OTEL_EXPORTER_OTLP_ENDPOINT: is `collector:4318`; allowed is http://"),
        "{stderr}"
    );
}
