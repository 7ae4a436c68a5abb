//! Exported metrics.

use std::time::Duration;

use mesh_client::Sidecar;

use super::{Services, telemetry};
use testkit::otlp::{OtlpCollector, attribute};
use testkit::{closed_port, own_process};

use crate::servers::client;
use crate::task_servers::builder;

#[test]
fn durations_have_labels_from_closed_sets() {
    own_process(async || {
        let collector = OtlpCollector::start_http().await;
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", collector.address)),
            ("OTEL_TRACES_EXPORTER", "none".to_owned()),
        ];
        let (telemetry, _recording) = telemetry(&variables);
        let mut services = Services::start().await;
        services.call(200, &[]).await;
        services.call(503, &[]).await;
        let closed = closed_port();
        client(closed)
            .get("http://no-such-service.appmesh/")
            .send()
            .await
            .unwrap_err();
        // A client without a hosts file and without DNS.
        let without_dns = builder(&[]).no_proxy().build().unwrap();
        without_dns.get("http://blue.appmesh/").send().await.unwrap_err();
        Sidecar::listener(closed).ready(Duration::ZERO).await.unwrap_err();
        telemetry.shutdown().await;

        let received = collector.exports();
        let (unit, points) = received.histogram("http.server.request.duration");
        assert_eq!(unit, "s");
        let labels = |status: &str, error: &str| {
            points.iter().any(|point| {
                attribute(&point.attributes, "http.route") == "/hop/{status}"
                    && attribute(&point.attributes, "http.request.method") == "GET"
                    && attribute(&point.attributes, "http.response.status_code") == status
                    && attribute(&point.attributes, "error.type") == error
                    && point.count >= 1
            })
        };
        assert!(labels("200", "") && labels("503", "503"), "{points:?}");
        assert_eq!(points[0].explicit_bounds.len(), 14);

        let (_, points) = received.histogram("http.client.request.duration");
        let labels = |service: &str, error: &str| {
            let mut points = points.iter();
            points.any(|point| {
                attribute(&point.attributes, "server.address") == service
                    && attribute(&point.attributes, "error.type") == error
            })
        };
        assert!(
            labels("blue.appmesh", "") && labels("blue.appmesh", "503"),
            "{points:?}"
        );
        assert!(labels("", "sidecar_unreachable"), "{points:?}");

        let lookups = received.counter("meshwright.client.lookups");
        let mut outcomes = lookups
            .iter()
            .map(|point| attribute(&point.attributes, "meshwright.lookup.outcome"));
        assert!(outcomes.any(|outcome| outcome == "no_answer"), "{lookups:?}");

        let (_, points) = received.histogram("meshwright.readiness.wait.duration");
        let mut outcomes = points
            .iter()
            .map(|point| attribute(&point.attributes, "meshwright.readiness.outcome"));
        assert!(outcomes.any(|outcome| outcome == "gave_up"));
    });
}
