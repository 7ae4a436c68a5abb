//! The spans of the binary, as they arrive at a collector when it stops.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use rustix::process::Signal;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::service_process::{Settings, soon};

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

    let batch = soon(batches.recv()).await.expect("spans were exported");
    let batch = ExportTraceServiceRequest::decode(batch).expect("the batch is OTLP");
    let [resource] = &batch.resource_spans[..] else {
        panic!("one service exports: {batch:?}");
    };
    let service = resource.resource.as_ref().expect("spans name their service");
    assert_eq!(attribute(&service.attributes, "service.name"), "green");
    let spans: Vec<&Span> = resource.scope_spans.iter().flat_map(|scope| &scope.spans).collect();
    let described: Vec<[&str; 4]> = spans
        .iter()
        .map(|span| {
            let of = |key| attribute(&span.attributes, key);
            [&span.name, of("http.route"), of("url.path"), of("http.request.method")]
        })
        .collect();
    // A span is named after the route that matched, not after the path.
    assert_eq!(described, [["GET", "", "/hello", "GET"], ["GET /", "/", "/", "GET"]]);
}

/// The text of an attribute; empty if it is not there.
fn attribute<'a>(attributes: &'a [KeyValue], key: &str) -> &'a str {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(text)) => text,
        _ => "",
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
