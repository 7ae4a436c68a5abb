//! OpenTelemetry collectors: they keep what is exported with OTLP, as the protocol's own messages.

#[cfg(feature = "otlp-grpc")]
mod grpc;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{HistogramDataPoint, Metric, NumberDataPoint};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::poll::eventually;

/// A collector on a free port. Stops on drop.
#[derive(Debug)]
pub struct OtlpCollector {
    /// Where it listens.
    pub address: SocketAddr,
    exports: watch::Receiver<Exports>,
    _server: JoinSet<()>,
}

impl OtlpCollector {
    /// Starts a collector of traces and metrics over HTTP.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub async fn start_http() -> Self {
        type Sender = State<watch::Sender<Exports>>;
        let (sender, exports) = watch::channel(Exports::default());
        let app = Router::new()
            .route(
                "/v1/traces",
                post(async |State(sender): Sender, body: Bytes| {
                    let request = ExportTraceServiceRequest::decode(body).expect("the body is OTLP");
                    sender.send_modify(|exports| exports.traces.push(request));
                }),
            )
            .route(
                "/v1/metrics",
                post(async |State(sender): Sender, body: Bytes| {
                    let request = ExportMetricsServiceRequest::decode(body).expect("the body is OTLP");
                    sender.send_modify(|exports| exports.metrics.push(request));
                }),
            )
            .with_state(sender);
        let (listener, address) = listen().await;
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.expect("the collector serves") });
        Self {
            address,
            exports,
            _server: server,
        }
    }

    /// Starts a collector of traces over gRPC.
    ///
    /// # Panics
    ///
    /// If no port is free.
    #[cfg(feature = "otlp-grpc")]
    pub async fn start_grpc() -> Self {
        let (sender, exports) = watch::channel(Exports::default());
        let (listener, address) = listen().await;
        let mut server = JoinSet::new();
        server.spawn(grpc::serve(listener, sender));
        Self {
            address,
            exports,
            _server: server,
        }
    }

    /// Everything that was exported so far.
    #[must_use]
    pub fn exports(&self) -> Exports {
        self.exports.borrow().clone()
    }

    /// Waits until `enough` holds for all spans so far.
    ///
    /// # Panics
    ///
    /// After a minute.
    pub async fn spans(&self, enough: impl Fn(&[SpanSummary]) -> bool) -> Vec<SpanSummary> {
        eventually("spans", async || {
            let spans = self.exports.borrow().span_summaries();
            if enough(&spans) {
                Ok(spans)
            } else {
                Err(format!("{spans:#?}"))
            }
        })
        .await
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("the listener has an address");
    (listener, address)
}

/// Exported traces and metrics.
#[derive(Debug, Clone, Default)]
pub struct Exports {
    traces: Vec<ExportTraceServiceRequest>,
    metrics: Vec<ExportMetricsServiceRequest>,
}

/// The parts of a span that tests compare. Ids are hexadecimal.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanSummary {
    /// The attribute `service.name` of its resource.
    pub service: String,
    /// The trace id.
    pub trace: String,
    /// The span id.
    pub id: String,
    /// The parent's span id; empty for a root span.
    pub parent: String,
    /// The kind.
    pub kind: SpanKind,
    /// The attributes as text.
    pub attributes: BTreeMap<String, String>,
}

impl Exports {
    /// True if nothing was exported.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.traces.is_empty() && self.metrics.is_empty()
    }

    /// All spans.
    #[must_use]
    pub fn spans(&self) -> Vec<&Span> {
        let resources = self.traces.iter().flat_map(|request| &request.resource_spans);
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| &scope.spans).collect()
    }

    /// The only span with this name.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one.
    #[must_use]
    pub fn span(&self, name: &str) -> &Span {
        let mut spans = self.spans();
        let names: Vec<&str> = spans.iter().map(|span| &span.name[..]).collect();
        let names = format!("{names:?}");
        spans.retain(|span| span.name == name);
        assert_eq!(spans.len(), 1, "{name} in {names}");
        spans[0]
    }

    /// All spans in short form.
    #[must_use]
    pub fn span_summaries(&self) -> Vec<SpanSummary> {
        let resources = self.traces.iter().flat_map(|request| &request.resource_spans);
        resources
            .flat_map(|resource| {
                let attributes = resource.resource.as_ref().map(|resource| &resource.attributes[..]);
                let service = attribute(attributes.unwrap_or_default(), "service.name");
                let spans = resource.scope_spans.iter().flat_map(|scope| &scope.spans);
                spans.map(move |span| SpanSummary {
                    service: service.clone(),
                    trace: hex(&span.trace_id),
                    id: hex(&span.span_id),
                    parent: hex(&span.parent_span_id),
                    kind: span.kind(),
                    attributes: span.attributes.iter().map(key_and_text).collect(),
                })
            })
            .collect()
    }

    /// The attribute `service.name` of each exported resource.
    #[must_use]
    pub fn services(&self) -> Vec<String> {
        let resources = self.traces.iter().flat_map(|request| &request.resource_spans);
        let attributes = resources.filter_map(|resource| Some(&resource.resource.as_ref()?.attributes[..]));
        attributes
            .map(|attributes| attribute(attributes, "service.name"))
            .collect()
    }

    /// The unit and the data points of a histogram.
    ///
    /// # Panics
    ///
    /// If no histogram has this name.
    #[must_use]
    pub fn histogram(&self, name: &str) -> (String, Vec<&HistogramDataPoint>) {
        let metric = self.metric(name);
        match &metric.data {
            Some(Data::Histogram(histogram)) => (metric.unit.clone(), histogram.data_points.iter().collect()),
            other => panic!("{name} is not a histogram: {other:?}"),
        }
    }

    /// The data points of a counter.
    ///
    /// # Panics
    ///
    /// If no counter has this name.
    #[must_use]
    pub fn counter(&self, name: &str) -> Vec<&NumberDataPoint> {
        match &self.metric(name).data {
            Some(Data::Sum(sum)) => sum.data_points.iter().collect(),
            other => panic!("{name} is not a counter: {other:?}"),
        }
    }

    fn metric(&self, name: &str) -> &Metric {
        let resources = self.metrics.iter().flat_map(|request| &request.resource_metrics);
        let scopes = resources.flat_map(|resource| &resource.scope_metrics);
        let mut metrics = scopes.flat_map(|scope| &scope.metrics);
        metrics
            .find(|metric| metric.name == name)
            .unwrap_or_else(|| panic!("{name} is exported"))
    }
}

/// An attribute as text; empty if it does not exist.
#[must_use]
pub fn attribute(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    found.map_or_else(String::new, |attribute| text(attribute.value.as_ref()))
}

fn key_and_text(attribute: &KeyValue) -> (String, String) {
    (attribute.key.clone(), text(attribute.value.as_ref()))
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        None => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::ArrayValue(list)) => {
            let texts: Vec<String> = list.values.iter().map(|value| text(Some(value))).collect();
            texts.join(", ")
        }
        Some(other) => format!("{other:?}"),
    }
}

/// An id as hexadecimal text.
#[must_use]
pub fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
