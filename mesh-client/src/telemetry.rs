//! Spans and metrics of what a service is asked and asks, by OpenTelemetry. Feature `telemetry`.
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
//! [`ServerLayer`] makes a span of each request and every call of a [`Client`](crate::Client) a span below it, named and
//! described by the HTTP semantic conventions (opentelemetry.io/docs/specs/semconv/http, version 1.37, read 2026-11-23).
//! The trace comes in and goes out by `traceparent` and `tracestate`, and by `X-Amzn-Trace-Id` of AWS X-Ray; where both
//! come in, the former decides. A call within a request belongs to it without being told to; in a task spawned by the
//! request it takes `.in_current_span()` of `tracing`.
//!
//! | metric | unit | labels |
//! |---|---|---|
//! | `http.server.request.duration` | s, to the head of the answer | `http.request.method`, `url.scheme`, `http.route`, `http.response.status_code`, `error.type` |
//! | `http.client.request.duration` | s, to the head of the answer | `http.request.method`, `server.address` and `server.port` of a service that answered, `http.response.status_code`, `error.type`: one of [`Error::LABELS`](crate::Error::LABELS) |
//! | `meshwright.client.lookups` | lookups of a service's address, remembered ones too | `meshwright.lookup.outcome`: `hosts`, `dns`, `placeholder`, `no_such_name`, `no_address`, `no_answer` or `refused` |
//! | `meshwright.readiness.wait.duration` | s | `meshwright.readiness.outcome`: `ready` or `gave_up` |
//!
//! Every label is from a closed set, whatever is sent: an unknown method is `_OTHER`, and a status that nobody has
//! defined counts as the first of its hundred. A request that is dropped before its answer is `error.type` `cancelled`.
//!
//! # Where it goes
//!
//! Nowhere, unless the environment says so. Then to an OpenTelemetry collector, as OTLP over HTTP, in batches, from
//! threads of its own: a collector that is gone or hangs costs spans, never a request or its time.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `OTEL_EXPORTER_OTLP_ENDPOINT` | the collector, `http://127.0.0.1:4318` for instance | nothing is exported |
//! | `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, `…_METRICS_ENDPOINT` | where spans and metrics go, with the path | the endpoint with `/v1/traces`, `/v1/metrics` |
//! | `OTEL_EXPORTER_OTLP_PROTOCOL` and its two kin | `http/protobuf` | the same |
//! | `OTEL_EXPORTER_OTLP_TIMEOUT` and its two kin | milliseconds that one batch may take | 10000 |
//! | `OTEL_EXPORTER_OTLP_HEADERS` and its two kin | headers for the collector | none |
//! | `OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER` | `otlp`, or `none` | `otlp` if an endpoint is set |
//! | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | what this service is | `unknown_service` |
//! | `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG` | which traces are kept, from the specification's six words | `parentbased_always_on` |
//! | `OTEL_BSP_…`, `OTEL_METRIC_EXPORT_INTERVAL` | sizes and times of batches | the specification's |
//! | `OTEL_SDK_DISABLED` | `true`: nothing is exported | |
//!
//! An empty value counts as not set, as the specification demands. Not supported, and refused by name: OTLP over gRPC,
//! as JSON, and over TLS; run a collector in the task, such as the AWS Distro for OpenTelemetry, and let it do that.

mod export;
mod ids;
mod incoming;
pub(crate) mod measure;
mod outgoing;
mod server_layer;
mod settings;
mod words;
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

/// The name of the instrumentation, as the collector sees it.
const SCOPE: &str = "mesh-client";

/// How long [`Telemetry::shutdown`] may take: 3 seconds. A collector in the task takes the last batch in milliseconds,
/// and the time that ECS gives a task to stop belongs to its requests.
const FLUSH: Duration = Duration::from_secs(3);

/// What `RUST_LOG` is if nobody sets it.
const DEFAULT_LOG: &str = "info";

/// Sets up everything for a process that has no `tracing` subscriber yet: a log on stderr as `RUST_LOG` says, default
/// `info`, and spans and metrics as the environment says, see [the module](self).
///
/// Whoever has a subscriber adds [`Telemetry::layer`] to it instead.
///
/// ```standalone_crate
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use mesh_client::telemetry;
///
/// let telemetry = telemetry::init()?;
/// assert!(!telemetry.exports(), "nothing in the environment says where to");
/// assert!(telemetry::init().unwrap_err().to_string().ends_with("add Telemetry::layer to the one that is there"));
/// telemetry.shutdown().await;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// All mistakes in the variables at once, or there is a subscriber already.
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
                    format!("is no filter such as info or my_service=debug: {error}"),
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
                format!("{error}; add Telemetry::layer to the one that is there"),
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
    lines.with_filter(filter.and(filter_fn(is_of_the_log)))
}

/// Whether a line of the log should bear this: not the spans that are for the collector, which would stand before each
/// line.
fn is_of_the_log(metadata: &tracing::Metadata<'_>) -> bool {
    !(metadata.is_span() && metadata.target().starts_with(module_path!()))
}

/// Whether the collector should get this: spans that matter, and no lines of the log.
fn is_exported(metadata: &tracing::Metadata<'_>) -> bool {
    metadata.is_span() && *metadata.level() <= tracing::Level::INFO
}

/// Spans and metrics on their way to the collector. Keep it until the service stops, then
/// [`shutdown`](Telemetry::shutdown).
///
/// Dropped without that, it hands over what it still has and blocks its thread meanwhile, for seconds at most.
#[derive(Debug)]
#[must_use = "it stops when it is dropped"]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
}

impl Telemetry {
    /// What the environment says, see [the module](self). Metrics are recorded from now on, spans once there is a
    /// subscriber with [`layer`](Self::layer).
    ///
    /// # Errors
    ///
    /// All mistakes in the variables at once.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(|name| std::env::var_os(name))
    }

    /// The same with variables from elsewhere. The sizes and times of batches, the headers for the collector and
    /// `OTEL_RESOURCE_ATTRIBUTES` come from the environment all the same.
    ///
    /// # Errors
    ///
    /// All mistakes in the variables at once.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
        let settings = settings::read(lookup)?;
        let (traces, metrics) = export::providers(&settings)?;
        if let Some(provider) = &metrics {
            measure::record_by(provider);
        }
        Ok(Self { traces, metrics })
    }

    /// True if spans or metrics are exported.
    #[must_use]
    pub fn exports(&self) -> bool {
        self.traces.is_some() || self.metrics.is_some()
    }

    /// Makes spans of `tracing` spans of OpenTelemetry: those of level `INFO` and above, whatever `RUST_LOG` says. If spans
    /// are not exported, it wants none: spans that no other layer wants are not even made then.
    ///
    /// Log lines are not exported: they go where the log goes.
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
        let wanted = filter_fn(move |metadata| is_on && is_exported(metadata));
        let most = if is_on { LevelFilter::INFO } else { LevelFilter::OFF };
        // Without the filter, a layer that is `None` would enable every span: it wants nothing, and nothing says so.
        exporting.with_filter(wanted.with_max_level_hint(most))
    }

    /// Hands over what is left, for three seconds at most, and stops. What does not arrive by then is lost.
    ///
    /// Cancelling it leaves that to threads of its own.
    pub async fn shutdown(mut self) {
        let (traces, metrics) = (self.traces.take(), self.metrics.take());
        let (tell, told) = oneshot::channel();
        // Threads, because handing over blocks; and not the runtime's, because it would wait for them when it ends.
        let spans = std::thread::spawn(move || flush_traces(traces));
        std::thread::spawn(move || {
            flush_metrics(metrics);
            // A thread that panicked has said so.
            let _ = spans.join();
            // Nobody waits any longer if it took too long.
            let _ = tell.send(());
        });
        if tokio::time::timeout(FLUSH, told).await.is_err() {
            tracing::warn!("the collector did not take the last spans and metrics within {FLUSH:?}");
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
    if let Some(Err(error)) = provider.map(|provider| provider.shutdown_with_timeout(FLUSH)) {
        tracing::warn!(%error, "the last spans may be lost");
    }
}

fn flush_metrics(provider: Option<SdkMeterProvider>) {
    if let Some(Err(error)) = provider.map(|provider| provider.shutdown_with_timeout(FLUSH)) {
        tracing::warn!(%error, "the last metrics may be lost");
    }
}
