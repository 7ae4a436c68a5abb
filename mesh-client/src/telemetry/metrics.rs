//! Metrics, with labels from closed sets.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::StatusCode;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider as _};
use opentelemetry::trace::{SpanRef, Status};
use opentelemetry_sdk::metrics::SdkMeterProvider;

use super::{SCOPE, semconv};
use crate::resolver::{Origin, ResolveErrorKind, ResolveResult};

/// The histogram bounds of the semantic conventions for request durations, in seconds
/// (opentelemetry.io/docs/specs/semconv/http/http-metrics, read 2026-11-23).
const SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

#[derive(Clone)]
struct Instruments {
    server: Histogram<f64>,
    client: Histogram<f64>,
    lookups: Counter<u64>,
    readiness: Histogram<f64>,
}

/// `None` until metrics are exported. Process-wide, like the `tracing` subscriber, so that clients need no reference to it.
static INSTRUMENTS: RwLock<Option<Instruments>> = RwLock::new(None);

/// Records to this provider from now on.
pub(super) fn set_provider(provider: &SdkMeterProvider) {
    let meter = provider.meter(SCOPE);
    let instruments = Instruments {
        server: seconds(
            &meter,
            "http.server.request.duration",
            "Duration of HTTP server requests.",
        ),
        client: seconds(
            &meter,
            "http.client.request.duration",
            "Duration of HTTP client requests.",
        ),
        lookups: meter
            .u64_counter("meshwright.client.lookups")
            .with_unit("{lookup}")
            .with_description("Number of service address lookups.")
            .build(),
        readiness: seconds(
            &meter,
            "meshwright.readiness.wait.duration",
            "Duration of waiting for the sidecar.",
        ),
    };
    *INSTRUMENTS.write().unwrap_or_else(PoisonError::into_inner) = Some(instruments);
}

fn seconds(meter: &Meter, name: &'static str, description: &'static str) -> Histogram<f64> {
    meter
        .f64_histogram(name)
        .with_unit("s")
        .with_description(description)
        .with_boundaries(SECONDS.to_vec())
        .build()
}

fn with(record: impl FnOnce(&Instruments)) {
    if let Some(instruments) = &*INSTRUMENTS.read().unwrap_or_else(PoisonError::into_inner) {
        record(instruments);
    }
}

/// True if metrics are exported; otherwise callers need not collect their labels.
pub(super) fn is_enabled() -> bool {
    INSTRUMENTS.read().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// The outcome of a request or a call.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) status: Option<StatusCode>,
    /// The `error.type`; `None` for success.
    pub(super) error: Option<Cow<'static, str>>,
}

impl Outcome {
    /// Dropped before a response.
    pub(super) fn cancelled() -> Self {
        Self {
            status: None,
            error: Some(semconv::CANCELLED.into()),
        }
    }

    /// Records the outcome on a span, with a description of the error.
    pub(super) fn record_on(&self, span: &SpanRef<'_>, description: &str) {
        if let Some(status) = self.status {
            span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        }
        if let Some(error) = &self.error {
            span.set_attribute(KeyValue::new("error.type", error.clone()));
            span.set_status(Status::error(description.to_owned()));
        }
    }

    fn labels(&self, labels: &mut Vec<KeyValue>) {
        if let Some(status) = self.status {
            labels.push(KeyValue::new("http.response.status_code", semconv::status(status)));
        }
        if let Some(error) = &self.error {
            labels.push(KeyValue::new("error.type", error.clone()));
        }
    }
}

/// Records a request to this service. `route` is the pattern of the route, never the path.
pub(super) fn server(method: &'static str, route: Option<&str>, outcome: &Outcome, duration: Duration) {
    with(|instruments| {
        let mut labels = vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("url.scheme", "http"),
        ];
        if let Some(route) = route {
            labels.push(KeyValue::new("http.route", route.to_owned()));
        }
        outcome.labels(&mut labels);
        instruments.server.record(duration.as_secs_f64(), &labels);
    });
}

/// Records a call of this service. `service` is `None` unless the called service responded: the names of services are few, the
/// names in failed calls may be many.
pub(super) fn client(method: &'static str, service: Option<(&Arc<str>, u16)>, outcome: &Outcome, duration: Duration) {
    with(|instruments| {
        let mut labels = vec![KeyValue::new("http.request.method", method)];
        if let Some((name, port)) = service {
            labels.push(KeyValue::new("server.address", name.clone()));
            labels.push(KeyValue::new("server.port", i64::from(port)));
        }
        outcome.labels(&mut labels);
        instruments.client.record(duration.as_secs_f64(), &labels);
    });
}

/// Records the lookup of a name. In explicit-proxy mode there are none.
pub(crate) fn lookup(result: &ResolveResult) {
    with(|instruments| {
        let outcome = match result.as_ref().map(|addresses| addresses.origin()) {
            Ok(Origin::HostsFile) => "hosts",
            Ok(Origin::Dns) => "dns",
            Ok(Origin::SyntheticVip) => "placeholder",
            Err(error) => match error.kind {
                ResolveErrorKind::NoSuchName => "no_such_name",
                ResolveErrorKind::NoAddress => "no_address",
                ResolveErrorKind::NoAnswer => "no_answer",
                ResolveErrorKind::Rejected { .. } => "refused",
            },
        };
        let labels = [KeyValue::new("meshwright.lookup.outcome", outcome)];
        instruments.lookups.add(1, &labels);
    });
}

/// Records a wait for the sidecar.
pub(crate) fn readiness(is_ready: bool, duration: Duration) {
    with(|instruments| {
        let outcome = if is_ready { "ready" } else { "gave_up" };
        let labels = [KeyValue::new("meshwright.readiness.outcome", outcome)];
        instruments.readiness.record(duration.as_secs_f64(), &labels);
    });
}
