//! OpenTelemetry spans and metrics of incoming requests and of calls. Feature `telemetry`.
//!
//! ```no_run
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::{Router, routing::get};
//! use mesh_client::telemetry;
//!
//! let telemetry = telemetry::init()?;
//! let app = Router::new()
//!     .route("/", get(async || "hello"))
//!     .layer(telemetry::ServerLayer::new());
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! axum::serve(listener, app).await?;
//! telemetry.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! [`ServerLayer`] records a span for each request, and every call of a [`Client`](crate::Client) is a child span, with names and
//! attributes of the HTTP semantic conventions (opentelemetry.io/docs/specs/semconv/http, version 1.37, read 2026-11-23). The
//! trace context is propagated by `traceparent` and `tracestate`, and by `X-Amzn-Trace-Id` of AWS X-Ray; the former have
//! precedence. Calls within a request belong to its trace automatically; in a task spawned by the request use
//! `.in_current_span()` of `tracing`. With the feature `axum`, spans and metrics also contain the route that matched.
//!
//! | metric | unit | labels |
//! |---|---|---|
//! | `http.server.request.duration` | s, to the head of the response | `http.request.method`, `url.scheme`, `http.route` (feature `axum`), `http.response.status_code`, `error.type` |
//! | `http.client.request.duration` | s, to the head of the response | `http.request.method`, `server.address` and `server.port` of a service that responded, `http.response.status_code`, `error.type`: one of [`Error::LABELS`](crate::Error::LABELS) |
//! | `meshwright.client.lookups` | lookups of a service's address, cached ones included | `meshwright.lookup.outcome`: `hosts`, `dns`, `placeholder`, `no_such_name`, `no_address`, `no_answer` or `refused` |
//! | `meshwright.readiness.wait.duration` | s | `meshwright.readiness.outcome`: `ready` or `gave_up` |
//!
//! Every label is from a closed set: an unknown method is `_OTHER`, and an undefined status counts as the first of its hundred.
//! A request that is dropped before its response has the `error.type` `cancelled`.
//!
//! # Export
//!
//! Nothing is exported by default. With the variables below, batches are sent to an OpenTelemetry collector by OTLP over HTTP,
//! on threads of their own: if the collector is gone or hangs, spans are lost, but no request fails or is delayed.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `OTEL_EXPORTER_OTLP_ENDPOINT` | the collector, such as `http://127.0.0.1:4318` | nothing is exported |
//! | `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, `…_METRICS_ENDPOINT` | endpoints of spans and metrics, with the path | the endpoint with `/v1/traces`, `/v1/metrics` |
//! | `OTEL_EXPORTER_OTLP_PROTOCOL`, `…_TRACES_PROTOCOL`, `…_METRICS_PROTOCOL` | `http/protobuf` | the same |
//! | `OTEL_EXPORTER_OTLP_TIMEOUT`, `…_TRACES_TIMEOUT`, `…_METRICS_TIMEOUT` | timeout of one batch in milliseconds | 10000 |
//! | `OTEL_EXPORTER_OTLP_HEADERS`, `…_TRACES_HEADERS`, `…_METRICS_HEADERS` | headers for the collector | none |
//! | `OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER` | `otlp`, or `none` | `otlp` if an endpoint is set |
//! | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | name and attributes of this service | `unknown_service` |
//! | `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG` | the sampler, one of the specification's six | `parentbased_always_on` |
//! | `OTEL_BSP_…`, `OTEL_METRIC_EXPORT_INTERVAL` | sizes and intervals of batches | the specification's |
//! | `OTEL_SDK_DISABLED` | `true`: nothing is exported | |
//!
//! An empty value counts as not set, as the specification requires. OTLP over gRPC, as JSON, and over TLS are not supported and
//! rejected with an error; run a collector in the task for them, such as the AWS Distro for OpenTelemetry.

mod export;
mod incoming;
pub(crate) mod metrics;
mod outgoing;
mod route;
mod semconv;
mod server_layer;
mod settings;
mod trace_ids;
mod xray;

use std::ffi::OsString;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use sidecar_contract::Diagnostics;
use tokio::sync::oneshot;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

pub(crate) use self::outgoing::Outgoing;
pub use self::server_layer::{ServerLayer, ServerService};
use crate::config::ConfigError;

/// The instrumentation scope.
const SCOPE: &str = "mesh-client";

/// The timeout of [`Telemetry::shutdown`]: 3 seconds. A collector in the task accepts the last batch within milliseconds, and the
/// time that ECS gives a task to stop is for its requests.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// The default of `RUST_LOG`.
const DEFAULT_LOG: &str = "info";

/// Installs a `tracing` subscriber with a log on stderr, filtered by `RUST_LOG` (default `info`), and with spans and metrics as
/// configured by the environment variables of [the module](self).
///
/// If the process has its own subscriber, add [`Telemetry::layer`] to it instead.
///
/// ```standalone_crate
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use mesh_client::telemetry;
///
/// let telemetry = telemetry::init()?;
/// assert!(!telemetry.exports(), "no endpoint is configured");
/// assert!(telemetry::init().unwrap_err().to_string().ends_with("add Telemetry::layer to the existing subscriber"));
/// telemetry.shutdown().await;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// All errors in the variables, or there is a subscriber already.
pub fn init() -> Result<Telemetry, ConfigError> {
    let telemetry = Telemetry::from_env();
    let filter = match std::env::var("RUST_LOG") {
        Ok(text) if !text.trim().is_empty() => EnvFilter::try_new(text),
        _ => EnvFilter::try_new(DEFAULT_LOG),
    };
    let mut diagnostics = Diagnostics::new();
    let (telemetry, filter) = match (telemetry, filter) {
        (Ok(telemetry), Ok(filter)) => (telemetry, filter),
        (telemetry, filter) => {
            if let Err(error) = telemetry {
                diagnostics.extend(error.errors().clone());
            }
            if let Err(error) = filter {
                diagnostics.add(
                    "RUST_LOG",
                    format!("is not a filter; allowed is for instance info or my_service=debug: {error}"),
                );
            }
            return Err(ConfigError::new(diagnostics));
        }
    };
    let subscriber = tracing_subscriber::registry().with(telemetry.layer()).with(log(filter));
    match subscriber.try_init() {
        Ok(()) => Ok(telemetry),
        Err(error) => {
            diagnostics.add(
                "subscriber",
                format!("{error}; add Telemetry::layer to the existing subscriber"),
            );
            Err(ConfigError::new(diagnostics))
        }
    }
}

fn log<S>(filter: EnvFilter) -> impl Layer<S> + Send + Sync + 'static
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    lines.with_filter(filter.and(filter_fn(is_logged)))
}

/// Excludes this module's spans from the log, where they would be written with each line.
fn is_logged(metadata: &tracing::Metadata<'_>) -> bool {
    !(metadata.is_span() && metadata.target().starts_with(module_path!()))
}

/// Exports spans of level `INFO` and above, and no events.
fn is_exported(metadata: &tracing::Metadata<'_>) -> bool {
    metadata.is_span() && *metadata.level() <= tracing::Level::INFO
}

/// The exporters of spans and metrics. Keep it until the service stops, then call [`shutdown`](Telemetry::shutdown).
///
/// Dropping it without that flushes the exporters and blocks the thread meanwhile, for seconds at most.
#[derive(Debug)]
#[must_use = "it stops when it is dropped"]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
}

impl Telemetry {
    /// Creates exporters as configured by the environment variables of [the module](self). Metrics are recorded from now on, spans
    /// by a subscriber with [`layer`](Self::layer).
    ///
    /// # Errors
    ///
    /// All errors in the variables.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(|name| std::env::var_os(name))
    }

    /// Like [`from_env`](Self::from_env) with other variables than the process's. The sizes and intervals of batches, the headers
    /// for the collector and `OTEL_RESOURCE_ATTRIBUTES` are still those of the process.
    ///
    /// # Errors
    ///
    /// All errors in the variables.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
        let settings = settings::read(lookup)?;
        let (traces, metrics) = export::providers(&settings)?;
        if let Some(provider) = &metrics {
            metrics::set_provider(provider);
        }
        Ok(Self { traces, metrics })
    }

    /// True if spans or metrics are exported.
    #[must_use]
    pub fn exports(&self) -> bool {
        self.traces.is_some() || self.metrics.is_some()
    }

    /// A layer that exports `tracing` spans of level `INFO` and above, independent of `RUST_LOG`. If spans are not exported, the
    /// layer is disabled, so that spans which no other layer enables have no cost.
    ///
    /// Events (lines of the log) are not exported.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + 'static + use<S>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let exporting = self.traces.as_ref().map(|provider| {
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer(SCOPE))
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_tracked_inactivity(false)
        });
        let is_on = exporting.is_some();
        let filter = filter_fn(move |metadata| is_on && is_exported(metadata));
        let max_level = if is_on { LevelFilter::INFO } else { LevelFilter::OFF };
        // Without the filter, a layer that is `None` would enable every span.
        exporting.with_filter(filter.with_max_level_hint(max_level))
    }

    /// Flushes the exporters, for three seconds at most, and stops them. What is not sent by then is lost.
    ///
    /// After cancelling it, threads continue to flush.
    pub async fn shutdown(mut self) {
        let (traces, metrics) = (self.traces.take(), self.metrics.take());
        let (sender, flushed) = oneshot::channel();
        // Threads, because flushing blocks; not the runtime's, because it would wait for them when it ends.
        let spans = std::thread::spawn(move || flush_traces(traces));
        std::thread::spawn(move || {
            flush_metrics(metrics);
            // A panic was reported by its thread.
            let _ = spans.join();
            // The receiver is dropped after the timeout.
            let _ = sender.send(());
        });
        if tokio::time::timeout(FLUSH_TIMEOUT, flushed).await.is_err() {
            tracing::warn!("the collector did not accept the last spans and metrics within {FLUSH_TIMEOUT:?}");
        }
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        flush_traces(self.traces.take());
        flush_metrics(self.metrics.take());
    }
}

fn flush_traces(provider: Option<SdkTracerProvider>) {
    if let Some(Err(error)) = provider.map(|provider| provider.shutdown_with_timeout(FLUSH_TIMEOUT)) {
        tracing::warn!(%error, "the last spans may be lost");
    }
}

fn flush_metrics(provider: Option<SdkMeterProvider>) {
    if let Some(Err(error)) = provider.map(|provider| provider.shutdown_with_timeout(FLUSH_TIMEOUT)) {
        tracing::warn!(%error, "the last metrics may be lost");
    }
}
