//! Spans of failed requests, and failures of the collector.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use mesh_client::telemetry::{ServerLayer, Telemetry};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as SpanStatus;
use tokio::sync::Notify;

use super::{Services, spans_to, telemetry};
use testkit::otlp::{OtlpCollector, attribute};
use testkit::{closed_port, own_process, with_timeout};

use crate::servers::{client, serve};

#[test]
fn a_404_is_an_error_of_the_client_span_only() {
    own_process(async || {
        let collector = OtlpCollector::start_http().await;
        let (telemetry, _recording) = telemetry(&spans_to(collector.address));
        let mut services = Services::start().await;
        services.call(404, &[]).await;
        telemetry.shutdown().await;

        let received = collector.exports();
        // By the semantic conventions, a 404 is an error for the client and not for the server.
        for (name, error) in [("GET /hop/{status}", ""), ("GET", "404"), ("GET /status/{status}", "")] {
            let span = received.span(name);
            assert_eq!(attribute(&span.attributes, "error.type"), error, "{name}");
            let is_error = span
                .status
                .as_ref()
                .is_some_and(|status| status.code() == SpanStatus::Error);
            assert_eq!(is_error, !error.is_empty(), "{name}");
        }
    });
}

#[test]
fn a_failed_call_has_the_label_and_message_of_its_error() {
    own_process(async || {
        let collector = OtlpCollector::start_http().await;
        let (telemetry, _recording) = telemetry(&spans_to(collector.address));
        let closed = closed_port();
        let mesh = client(closed);
        let error = mesh.get("http://blue.appmesh/").send().await.unwrap_err();
        telemetry.shutdown().await;
        let received = collector.exports();
        let span = received.span("GET");
        assert_eq!(attribute(&span.attributes, "error.type"), error.label());
        assert_eq!(span.status.as_ref().unwrap().message, error.to_string());
    });
}

#[test]
fn a_request_dropped_by_its_caller_is_cancelled() {
    own_process(async || {
        let collector = OtlpCollector::start_http().await;
        let (telemetry, _recording) = telemetry(&spans_to(collector.address));
        let entered = Arc::new(Notify::new());
        let enter = Arc::clone(&entered);
        let hang = async move || {
            enter.notify_one();
            std::future::pending::<&str>().await
        };
        let app = Router::new().route("/hang", get(hang)).layer(ServerLayer::new());
        let (address, mut server) = serve(app).await;
        let call = tokio::spawn(client(address).get("http://blue.appmesh/hang").send());
        with_timeout(entered.notified()).await;
        call.abort();
        assert!(with_timeout(call).await.unwrap_err().is_cancelled());
        server.shutdown().await;
        telemetry.shutdown().await;

        let received = collector.exports();
        for name in ["GET", "GET /hang"] {
            assert_eq!(
                attribute(&received.span(name).attributes, "error.type"),
                "cancelled",
                "{name}"
            );
        }
    });
}

/// Enough requests for a full batch, which the exporter sends immediately.
async fn many_requests(services: &mut Services) {
    for _ in 0..300 {
        services.call(200, &[]).await;
    }
}

#[test]
fn a_collector_that_hangs_delays_no_request() {
    own_process(async || {
        let entered = Arc::new(Notify::new());
        let enter = Arc::clone(&entered);
        let hang = async move || {
            enter.notify_one();
            std::future::pending::<&str>().await
        };
        let (collector, _server) = serve(Router::new().fallback(hang)).await;
        let mut variables = spans_to(collector);
        // No export ends before: the exporter's client waits for an hour, and the SDK gives up a batch after 30 seconds.
        variables.push(("OTEL_EXPORTER_OTLP_TIMEOUT", "3600000".to_owned()));
        let (telemetry, _recording) = telemetry(&variables);
        let mut services = Services::start().await;
        many_requests(&mut services).await;
        with_timeout(entered.notified()).await;
        // More spans than the exporter's queue holds (2048), at three a request. A request takes milliseconds, some tens on a
        // busy machine. If each took a second, all would take a quarter of an hour.
        let all = async {
            for _ in 0..3 {
                many_requests(&mut services).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(300), all)
            .await
            .expect("requests do not wait for the exporter");
        with_timeout(telemetry.shutdown()).await;
    });
}

#[test]
fn a_collector_that_is_down_fails_no_request() {
    own_process(async || {
        let closed = closed_port();
        let (telemetry, _recording) = telemetry(&spans_to(closed));
        let mut services = Services::start().await;
        many_requests(&mut services).await;
        with_timeout(telemetry.shutdown()).await;
    });
}

#[test]
fn dropping_telemetry_flushes_it_in_bounded_time() {
    own_process(async || {
        let closed = closed_port();
        let (telemetry, _recording) = telemetry(&spans_to(closed));
        let mut services = Services::start().await;
        services.call(200, &[]).await;
        let dropped = tokio::task::spawn_blocking(move || drop::<Telemetry>(telemetry));
        tokio::time::timeout(Duration::from_secs(30), dropped)
            .await
            .unwrap()
            .unwrap();
    });
}
