//! The way of spans and metrics to the collector: OTLP over HTTP, in batches, on threads of the exporter's own.
//!
//! Requests and batches meet in a queue of bounded length. A full one, because the collector is slow or gone, loses
//! spans and never waits.

use std::time::Duration;

use opentelemetry_otlp::{MetricExporter, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use sidecar_contract::Diagnostics;

use super::ids::Ids;
use super::settings::{Destination, Settings};
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
    let mut failed = |what: &str, why: String| diagnostics.add(what, format!("cannot be exported: {why}"));
    let traces = settings.traces.as_ref().and_then(|destination| {
        let exporter = span_exporter(destination).map_err(|why| failed("spans", why)).ok()?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(settings.sampler.clone())
            .with_id_generator(Ids::default())
            .with_resource(resource());
        Some(provider.build())
    });
    let metrics = settings.metrics.as_ref().and_then(|destination| {
        let exporter = metric_exporter(destination)
            .map_err(|why| failed("metrics", why))
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

/// A client with a thread of its own, so that batches leave whatever the service's runtime is busy with, and also when
/// that has only one thread and is being stopped.
fn http_client(timeout: Duration) -> Result<reqwest::blocking::Client, String> {
    let build = move || {
        reqwest::blocking::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(timeout)
            .build()
    };
    // Elsewhere, because it waits for its thread, which is not allowed within a runtime.
    match std::thread::spawn(build).join() {
        Ok(client) => client.map_err(|error| error.to_string()),
        Err(_) => Err("its HTTP client cannot be set up".to_owned()),
    }
}
