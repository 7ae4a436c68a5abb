//! Exporters of spans and metrics: OTLP over HTTP, in batches, on threads of their own.
//!
//! The queue before the exporter is bounded. If it is full, because the collector is slow or gone, spans are dropped; requests
//! never wait.

use std::time::Duration;

use opentelemetry_otlp::{MetricExporter, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use sidecar_contract::Diagnostics;

use super::settings::{Destination, Settings};
use super::trace_ids::TraceIds;
use crate::config::ConfigError;

type Providers = (Option<SdkTracerProvider>, Option<SdkMeterProvider>);

pub(super) fn providers(settings: &Settings) -> Result<Providers, ConfigError> {
    let resource = || {
        let resource = Resource::builder();
        match &settings.service_name {
            Some(name) => resource.with_service_name(name.clone()),
            None => resource,
        }
        .build()
    };
    let mut diagnostics = Diagnostics::new();
    let mut failed =
        |what: &str, reason: String| diagnostics.add(what, format!("the exporter cannot be created: {reason}"));
    let traces = settings.traces.as_ref().and_then(|destination| {
        let exporter = span_exporter(destination)
            .map_err(|reason| failed("spans", reason))
            .ok()?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(settings.sampler.clone())
            .with_id_generator(TraceIds::default())
            .with_resource(resource());
        Some(provider.build())
    });
    let metrics = settings.metrics.as_ref().and_then(|destination| {
        let exporter = metric_exporter(destination)
            .map_err(|reason| failed("metrics", reason))
            .ok()?;
        let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter);
        Some(provider.with_resource(resource()).build())
    });
    if diagnostics.is_empty() {
        Ok((traces, metrics))
    } else {
        Err(ConfigError::new(diagnostics))
    }
}

fn span_exporter(destination: &Destination) -> Result<SpanExporter, String> {
    SpanExporter::builder()
        .with_http()
        .with_http_client(http_client(destination.timeout)?)
        .with_endpoint(destination.endpoint.as_str())
        .with_protocol(Protocol::HttpBinary)
        .build()
        .map_err(|error| error.to_string())
}

fn metric_exporter(destination: &Destination) -> Result<MetricExporter, String> {
    MetricExporter::builder()
        .with_http()
        .with_http_client(http_client(destination.timeout)?)
        .with_endpoint(destination.endpoint.as_str())
        .with_protocol(Protocol::HttpBinary)
        .build()
        .map_err(|error| error.to_string())
}

/// A client with a thread of its own, so that batches are sent while the service's runtime is busy, and also while a
/// single-threaded runtime is shutting down.
fn http_client(timeout: Duration) -> Result<reqwest::blocking::Client, String> {
    let build = move || {
        reqwest::blocking::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(timeout)
            .build()
    };
    // On another thread, because it blocks, which is not allowed within a runtime.
    match std::thread::spawn(build).join() {
        Ok(client) => client.map_err(|error| error.to_string()),
        Err(_) => Err("its HTTP client cannot be created".to_owned()),
    }
}
