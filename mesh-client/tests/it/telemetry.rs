//! Exported spans and metrics of services that call each other. Each test has a process of its own.

mod failures;
mod metrics;

use std::ffi::OsString;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use http::{HeaderMap, StatusCode};
use mesh_client::Client;
use mesh_client::telemetry::{ServerLayer, Telemetry};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt as _;

use testkit::otlp::{OtlpCollector, attribute, hex};
use testkit::{FakeSidecar, own_process, with_timeout};

use crate::servers::{client, serve};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// The telemetry of a service with these variables. Records on this thread until the guard is dropped.
fn telemetry(variables: &[(&str, String)]) -> (Telemetry, DefaultGuard) {
    let telemetry = Telemetry::from_variables(|name| {
        let found = variables.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| OsString::from(value))
    });
    let telemetry = telemetry.expect("valid variables");
    let subscriber = tracing_subscriber::registry().with(telemetry.layer());
    (telemetry, tracing::subscriber::set_default(subscriber))
}

#[test]
fn a_layer_that_exports_nothing_is_disabled_and_does_not_affect_the_log() {
    own_process(async || {
        let (off, recording) = telemetry(&[]);
        assert!(!off.exports());
        assert!(tracing::info_span!("not exported").is_disabled());
        assert!(!tracing::event_enabled!(tracing::Level::ERROR));
        drop(recording);

        let log = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
        let with_log = tracing_subscriber::registry().with(off.layer()).with(log);
        let _recording = tracing::subscriber::set_default(with_log);
        assert!(tracing::event_enabled!(tracing::Level::INFO));
    });
}

/// Variables for exporting spans, but no metrics, to `collector`.
fn spans_to(collector: SocketAddr) -> Vec<(&'static str, String)> {
    vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{collector}")),
        ("OTEL_METRICS_EXPORTER", "none".to_owned()),
        ("OTEL_SERVICE_NAME", "green".to_owned()),
    ]
}

/// Two services: green, which calls blue. `headers` receives the headers of blue's requests.
struct Services {
    green: SocketAddr,
    headers: mpsc::UnboundedReceiver<HeaderMap>,
    _servers: [JoinSet<()>; 2],
}

impl Services {
    async fn start() -> Self {
        let (sender, headers) = mpsc::unbounded_channel();
        let respond = async move |Path(status): Path<u16>, headers: HeaderMap| {
            sender.send(headers).expect("the test is running");
            StatusCode::from_u16(status).expect("a valid status")
        };
        let blue = Router::new()
            .route("/status/{status}", get(respond))
            .layer(ServerLayer::new());
        let (blue, blue_runs) = serve(blue).await;
        // Blue is its own sidecar.
        let mesh = client(blue);
        let (green, green_runs) = serve(green(mesh)).await;
        Self {
            green,
            headers,
            _servers: [blue_runs, green_runs],
        }
    }

    /// Calls green, which calls blue, and returns the headers of the request to blue.
    async fn call(&mut self, status: u16, headers: &[(&str, &str)]) -> HeaderMap {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut call = client.get(format!("http://{}/hop/{status}?secret=1", self.green));
        for (name, value) in headers {
            call = call.header(*name, *value);
        }
        let response = with_timeout(call.send()).await.expect("green responds");
        assert_eq!(response.status().as_u16(), status);
        with_timeout(self.headers.recv()).await.expect("blue was called")
    }
}

fn green(mesh: Client) -> Router {
    let hop = async move |Path(status): Path<u16>| {
        let call = mesh.get(format!("http://blue.appmesh/status/{status}?secret=1"));
        call.send().await.expect("blue responds").status()
    };
    Router::new().route("/hop/{status}", get(hop)).layer(ServerLayer::new())
}

#[test]
fn a_request_is_one_trace_over_two_hops() {
    own_process(async || {
        let collector = OtlpCollector::start_http().await;
        let (telemetry, _recording) = telemetry(&spans_to(collector.address));
        let mut services = Services::start().await;
        let sent = services
            .call(
                200,
                &[
                    ("traceparent", PARENT),
                    ("tracestate", "vendor=1"),
                    ("x-request-id", "request-1"),
                ],
            )
            .await;
        telemetry.shutdown().await;

        let received = collector.exports();
        assert_eq!(received.services(), ["green"]);
        let [green, call, blue] = ["GET /hop/{status}", "GET", "GET /status/{status}"].map(|name| received.span(name));
        for span in [green, call, blue] {
            assert_eq!(hex(&span.trace_id), TRACE);
            assert_eq!(attribute(&span.attributes, "http.request.method"), "GET");
            assert_eq!(attribute(&span.attributes, "http.response.status_code"), "200");
            assert_eq!(
                attribute(&span.attributes, "http.request.header.x-request-id"),
                "request-1"
            );
            assert_eq!(attribute(&span.attributes, "error.type"), "");
            assert_eq!(span.trace_state, "vendor=1");
            assert!(span.start_time_unix_nano < span.end_time_unix_nano);
            assert!(!format!("{span:?}").contains("secret"), "{span:?}");
        }
        assert_eq!(hex(&green.parent_span_id), "b7ad6b7169203331");
        assert_eq!(call.parent_span_id, green.span_id);
        assert_eq!(blue.parent_span_id, call.span_id);
        let kinds = [green, call, blue].map(Span::kind);
        assert_eq!(kinds, [SpanKind::Server, SpanKind::Client, SpanKind::Server]);

        assert_eq!(attribute(&green.attributes, "http.route"), "/hop/{status}");
        assert_eq!(attribute(&green.attributes, "url.path"), "/hop/200");
        assert_eq!(attribute(&green.attributes, "server.address"), "127.0.0.1");
        assert_eq!(
            attribute(&green.attributes, "server.port"),
            services.green.port().to_string()
        );
        assert_eq!(
            attribute(&call.attributes, "url.full"),
            "http://blue.appmesh/status/200"
        );
        assert_eq!(attribute(&call.attributes, "server.address"), "blue.appmesh");
        assert_eq!(attribute(&call.attributes, "server.port"), "80");
        assert_eq!(attribute(&blue.attributes, "server.address"), "blue.appmesh");

        assert_eq!(sent["traceparent"], format!("00-{TRACE}-{}-01", hex(&call.span_id)));
        assert_eq!(sent["tracestate"], "vendor=1");
        assert_eq!(sent["x-request-id"], "request-1");
    });
}

#[test]
fn a_load_balancer_s_trace_is_continued_in_both_formats() {
    own_process(async || {
        let collector = OtlpCollector::start_http().await;
        let (telemetry, _recording) = telemetry(&spans_to(collector.address));
        let mut services = Services::start().await;
        let header = "Self=1-67891234-12456789abcdef012345678;Root=1-5759e988-bd862e3fe1be46a994272793";
        let sent = services.call(200, &[("x-amzn-trace-id", header)]).await;
        telemetry.shutdown().await;

        let received = collector.exports();
        let [green, call] = ["GET /hop/{status}", "GET"].map(|name| received.span(name));
        assert_eq!(hex(&green.trace_id), "5759e988bd862e3fe1be46a994272793");
        assert_eq!(hex(&green.parent_span_id), "", "a load balancer has no span");
        let span = hex(&call.span_id);
        assert_eq!(
            sent["x-amzn-trace-id"],
            format!("Root=1-5759e988-bd862e3fe1be46a994272793;Parent={span};Sampled=1")
        );
        assert_eq!(
            sent["traceparent"],
            format!("00-5759e988bd862e3fe1be46a994272793-{span}-01")
        );
        assert!(!sent.contains_key("tracestate"));
        assert_eq!(received.span("GET /status/{status}").trace_id, green.trace_id);
    });
}

#[test]
fn an_x_ray_header_with_a_parent_is_continued() {
    own_process(async || {
        let collector = OtlpCollector::start_http().await;
        let (telemetry, _recording) = telemetry(&spans_to(collector.address));
        let mut services = Services::start().await;
        let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        services.call(200, &[("x-amzn-trace-id", header)]).await;
        telemetry.shutdown().await;
        let received = collector.exports();
        assert_eq!(
            hex(&received.span("GET /hop/{status}").parent_span_id),
            "53995c3f42cd8ad8"
        );
    });
}

#[test]
fn an_unsampled_trace_is_not_exported_and_is_propagated_as_unsampled() {
    own_process(async || {
        let collector = OtlpCollector::start_http().await;
        let (telemetry, _recording) = telemetry(&spans_to(collector.address));
        let mut services = Services::start().await;
        let unsampled = PARENT.replace("-01", "-00");
        let by_w3c = services.call(200, &[("traceparent", &unsampled)]).await;
        let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0";
        let by_x_ray = services.call(200, &[("x-amzn-trace-id", header)]).await;
        telemetry.shutdown().await;

        let header_text = |headers: &HeaderMap, name: &str| headers[name].to_str().unwrap().to_owned();
        let parent = header_text(&by_w3c, "traceparent");
        assert!(
            parent.starts_with(&format!("00-{TRACE}-")) && parent.ends_with("-00"),
            "{parent}"
        );
        assert!(header_text(&by_x_ray, "x-amzn-trace-id").ends_with(";Sampled=0"));
        assert!(collector.exports().is_empty());
    });
}

#[test]
fn a_call_can_belong_to_another_trace_than_the_current_one() {
    own_process(async || {
        let collector = OtlpCollector::start_http().await;
        let (telemetry, _recording) = telemetry(&spans_to(collector.address));
        let mut sidecar = FakeSidecar::responding(|| axum::response::IntoResponse::into_response("ok")).await;
        let mesh = client(sidecar.address);
        let mut incoming = HeaderMap::new();
        incoming.insert("traceparent", http::HeaderValue::from_static(PARENT));
        let other = mesh_client::TraceContext::from_headers(&incoming);
        let span = tracing::info_span!("a job");
        let job = async { mesh.get("http://blue.appmesh/").propagate(&other).send().await };
        tracing::Instrument::instrument(job, span).await.unwrap();
        let sent = sidecar.next_request().await;
        telemetry.shutdown().await;

        let received = collector.exports();
        let call = received.span("GET");
        assert_eq!(hex(&call.parent_span_id), "b7ad6b7169203331");
        assert_eq!(
            sent.header("traceparent"),
            format!("00-{TRACE}-{}-01", hex(&call.span_id))
        );
        assert_ne!(received.span("a job").trace_id, call.trace_id);
    });
}

#[test]
fn spans_of_the_service_are_exported_from_info_on() {
    own_process(async || {
        let collector = OtlpCollector::start_http().await;
        let (telemetry, _recording) = telemetry(&spans_to(collector.address));
        tracing::info_span!("a job", price = 3).in_scope(|| {
            tracing::error!("a line of the log");
            tracing::debug_span!("its details").in_scope(|| {});
        });
        telemetry.shutdown().await;
        let received = collector.exports();
        assert_eq!(received.spans().len(), 1);
        let job = received.span("a job");
        assert_eq!(attribute(&job.attributes, "price"), "3");
        assert!(job.events.is_empty(), "{:?}", job.events);
    });
}

#[test]
fn nothing_is_exported_by_default_and_headers_are_still_propagated() {
    own_process(async || {
        let (telemetry, _recording) = telemetry(&[("OTEL_SERVICE_NAME", "green".to_owned())]);
        assert!(!telemetry.exports());
        let mut services = Services::start().await;
        let root = "Root=1-5759e988-bd862e3fe1be46a994272793";
        let headers = [
            ("traceparent", PARENT),
            ("tracestate", "vendor=1"),
            ("x-amzn-trace-id", root),
            ("x-request-id", "request-1"),
        ];
        let sent = services.call(200, &headers).await;
        for (name, value) in headers {
            assert_eq!(sent[name], value, "{name}");
        }
        let sent = services.call(200, &[]).await;
        for (name, _) in headers {
            assert!(!sent.contains_key(name), "{name}");
        }
        telemetry.shutdown().await;
    });
}
