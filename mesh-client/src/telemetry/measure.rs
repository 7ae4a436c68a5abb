//! The metrics, each recorded by one call, with labels from closed sets.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::StatusCode;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider as _};
use opentelemetry::trace::{SpanRef, Status};
use opentelemetry_sdk::metrics::SdkMeterProvider;

use super::{SCOPE, words};
use crate::names::{Addresses, Failure, Origin, Why};

/// The bounds that the semantic conventions demand for request durations, in seconds
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

/// None until someone exports. For the process, as its log is: whoever records should not have to be handed them.
static INSTRUMENTS: RwLock<Option<Instruments>> = RwLock::new(None);

/// Records by this provider from now on.
pub(super) fn record_by(provider: &SdkMeterProvider) {
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
            .with_description("How often the address of a service was looked up, and what came of it.")
            .build(),
        readiness: seconds(
            &meter,
            "meshwright.readiness.wait.duration",
            "How long the service waited for its sidecar.",
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

/// True if anything is recorded: what it takes need not be put together otherwise.
pub(super) fn is_on() -> bool {
    INSTRUMENTS.read().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// What became of a request or a call.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) status: Option<StatusCode>,
    /// None if it went well.
    pub(super) error: Option<Cow<'static, str>>,
}

impl Outcome {
    /// Dropped before there was an answer.
    pub(super) fn cancelled() -> Self {
        Self {
            status: None,
            error: Some(words::CANCELLED.into()),
        }
    }

    /// Notes it on a span, with a sentence for whoever reads it.
    pub(super) fn describe(&self, span: &SpanRef<'_>, sentence: &str) {
        if let Some(status) = self.status {
            span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        }
        if let Some(error) = &self.error {
            span.set_attribute(KeyValue::new("error.type", error.clone()));
            span.set_status(Status::error(sentence.to_owned()));
        }
    }

    fn labels(&self, labels: &mut Vec<KeyValue>) {
        if let Some(status) = self.status {
            labels.push(KeyValue::new("http.response.status_code", words::status(status)));
        }
        if let Some(error) = &self.error {
            labels.push(KeyValue::new("error.type", error.clone()));
        }
    }
}

/// A request that this service answered. `route` is the service's own pattern, never the path.
pub(super) fn server(method: &'static str, route: Option<&str>, outcome: &Outcome, took: Duration) {
    with(|instruments| {
        let mut labels = vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("url.scheme", "http"),
        ];
        if let Some(route) = route {
            labels.push(KeyValue::new("http.route", route.to_owned()));
        }
        outcome.labels(&mut labels);
        instruments.server.record(took.as_secs_f64(), &labels);
    });
}

/// A call of this service. `service` is there if it answered: the names of services are few, those that somebody may
/// try are not.
pub(super) fn client(method: &'static str, service: Option<(&Arc<str>, u16)>, outcome: &Outcome, took: Duration) {
    with(|instruments| {
        let mut labels = vec![KeyValue::new("http.request.method", method)];
        if let Some((name, port)) = service {
            labels.push(KeyValue::new("server.address", name.clone()));
            labels.push(KeyValue::new("server.port", i64::from(port)));
        }
        outcome.labels(&mut labels);
        instruments.client.record(took.as_secs_f64(), &labels);
    });
}

/// What came of looking up where a name leads. In explicit wiring nobody looks.
pub(crate) fn lookup(outcome: &Result<Arc<Addresses>, Arc<Failure>>) {
    with(|instruments| {
        let outcome = match outcome.as_ref().map(|addresses| addresses.origin()) {
            Ok(Origin::Hosts) => "hosts",
            Ok(Origin::Dns) => "dns",
            Ok(Origin::Placeholder) => "placeholder",
            Err(failure) => match failure.why {
                Why::NoSuchName => "no_such_name",
                Why::NoAddress => "no_address",
                Why::NoAnswer => "no_answer",
                Why::Refused { .. } => "refused",
            },
        };
        let labels = [KeyValue::new("meshwright.lookup.outcome", outcome)];
        instruments.lookups.add(1, &labels);
    });
}

/// A wait for the sidecar.
pub(crate) fn readiness(is_ready: bool, took: Duration) {
    with(|instruments| {
        let outcome = if is_ready { "ready" } else { "gave_up" };
        let labels = [KeyValue::new("meshwright.readiness.outcome", outcome)];
        instruments.readiness.record(took.as_secs_f64(), &labels);
    });
}
