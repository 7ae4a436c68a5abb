//! Exported spans of the binary.

use rustix::process::Signal;
use testkit::OtlpCollector;
use testkit::otlp::attribute;

use crate::service_process::Settings;

#[tokio::test]
async fn spans_are_exported_before_the_exit() {
    let collector = OtlpCollector::start_http().await;
    let green = Settings::green()
        .with(
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            format!("http://{}/v1/traces", collector.address),
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
    assert!(!log.contains("otel."), "spans are not written to the log: {log}");

    let exports = collector.exports();
    assert_eq!(exports.services(), ["green"]);
    let described: Vec<[String; 4]> = exports
        .spans()
        .iter()
        .map(|span| {
            let text = |key| attribute(&span.attributes, key);
            [
                span.name.clone(),
                text("http.route"),
                text("url.path"),
                text("http.request.method"),
            ]
        })
        .collect();
    // A span is named after the route that matched, not after the path.
    assert_eq!(described, [["GET", "", "/hello", "GET"], ["GET /", "/", "/", "GET"]]);
}

#[tokio::test]
async fn an_invalid_endpoint_is_reported_with_all_other_errors() {
    let (code, _, stderr) = Settings::empty()
        .with("SERVICE_PORT", "http")
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")
        .outcome()
        .await;
    assert_eq!(code, Some(1));
    let errors: Vec<&str> = stderr.lines().collect();
    assert_eq!(errors.len(), 2, "{stderr}");
    assert!(errors[0].contains("SERVICE_PORT: is `http`"), "{stderr}");
    assert!(
        errors[1].starts_with("OTEL_EXPORTER_OTLP_ENDPOINT: is `collector:4318`; allowed is http://"),
        "{stderr}"
    );
}
