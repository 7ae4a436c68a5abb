//! An OpenTelemetry collector: it takes what is exported over OTLP, as the protocol's own messages.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{HistogramDataPoint, Metric, NumberDataPoint};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::readiness::serve;

/// A batch as it arrived.
#[derive(Debug)]
enum Batch {
    Traces(ExportTraceServiceRequest),
    Metrics(ExportMetricsServiceRequest),
}

/// Stops with its value.
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    batches: mpsc::UnboundedReceiver<Batch>,
    _server: JoinSet<()>,
}

type Told = State<mpsc::UnboundedSender<Batch>>;

impl Collector {
    pub(crate) async fn start() -> Self {
        let (tell, batches) = mpsc::unbounded_channel();
        let app = Router::new()
            .route(
                "/v1/traces",
                post(async |State(tell): Told, body: Bytes| {
                    let batch = ExportTraceServiceRequest::decode(body).expect("it is OTLP");
                    tell.send(Batch::Traces(batch)).expect("the test still listens");
                }),
            )
            .route(
                "/v1/metrics",
                post(async |State(tell): Told, body: Bytes| {
                    let batch = ExportMetricsServiceRequest::decode(body).expect("it is OTLP");
                    tell.send(Batch::Metrics(batch)).expect("the test still listens");
                }),
            )
            .with_state(tell);
        let (address, server) = serve(app).await;
        Self {
            address,
            batches,
            _server: server,
        }
    }

    /// Everything that has arrived, after the exporter was shut down.
    pub(crate) fn received(mut self) -> Received {
        let mut received = Received::default();
        while let Ok(batch) = self.batches.try_recv() {
            match batch {
                Batch::Traces(batch) => received.traces.push(batch),
                Batch::Metrics(batch) => received.metrics.push(batch),
            }
        }
        received
    }
}

#[derive(Debug, Default)]
pub(crate) struct Received {
    traces: Vec<ExportTraceServiceRequest>,
    metrics: Vec<ExportMetricsServiceRequest>,
}

impl Received {
    pub(crate) fn is_empty(&self) -> bool {
        self.traces.is_empty() && self.metrics.is_empty()
    }

    pub(crate) fn spans(&self) -> Vec<&Span> {
        let resources = self.traces.iter().flat_map(|batch| &batch.resource_spans);
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| &scope.spans).collect()
    }

    /// The only span of this name.
    pub(crate) fn span(&self, name: &str) -> &Span {
        let mut spans = self.spans();
        let all: Vec<&str> = spans.iter().map(|span| &span.name[..]).collect();
        let all = format!("{all:?}");
        spans.retain(|span| span.name == name);
        assert_eq!(spans.len(), 1, "{name} among {all}");
        spans[0]
    }

    /// The names of the services that spans came from.
    pub(crate) fn services(&self) -> Vec<String> {
        let resources = self.traces.iter().flat_map(|batch| &batch.resource_spans);
        let attributes = resources.filter_map(|resource| Some(&resource.resource.as_ref()?.attributes[..]));
        attributes.map(|attributes| text(attributes, "service.name")).collect()
    }

    /// The unit of a histogram, and its points.
    pub(crate) fn histogram(&self, name: &str) -> (String, Vec<&HistogramDataPoint>) {
        let metric = self.metric(name);
        match &metric.data {
            Some(Data::Histogram(histogram)) => (metric.unit.clone(), histogram.data_points.iter().collect()),
            other => panic!("{name} is no histogram: {other:?}"),
        }
    }

    /// The points of a counter.
    pub(crate) fn counter(&self, name: &str) -> Vec<&NumberDataPoint> {
        match &self.metric(name).data {
            Some(Data::Sum(sum)) => sum.data_points.iter().collect(),
            other => panic!("{name} is no counter: {other:?}"),
        }
    }

    fn metric(&self, name: &str) -> &Metric {
        let resources = self.metrics.iter().flat_map(|batch| &batch.resource_metrics);
        let scopes = resources.flat_map(|resource| &resource.scope_metrics);
        let mut metrics = scopes.flat_map(|scope| &scope.metrics);
        metrics
            .find(|metric| metric.name == name)
            .unwrap_or_else(|| panic!("{name} is exported"))
    }
}

/// An attribute as text; empty if it is not there.
pub(crate) fn text(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.clone()) {
        None => String::new(),
        Some(AnyValue {
            value: Some(Value::StringValue(text)),
        }) => text,
        Some(AnyValue {
            value: Some(Value::IntValue(number)),
        }) => number.to_string(),
        Some(AnyValue {
            value: Some(Value::ArrayValue(list)),
        }) => {
            let list = list.values.into_iter();
            list.map(|value| {
                text(
                    &[KeyValue {
                        key: key.to_owned(),
                        value: Some(value),
                        ..KeyValue::default()
                    }],
                    key,
                )
            })
            .collect::<Vec<_>>()
            .join(", ")
        }
        Some(other) => panic!("{key} is {other:?}"),
    }
}

pub(crate) fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
