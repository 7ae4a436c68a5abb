//! The compared clients behind one interface.

use std::error::Error;
use std::time::Duration;

use http::HeaderValue;
use http::header::HOST;
use mesh_client::{Client, MeshSuffixes, telemetry};
use opentelemetry_0_32::trace::TracerProvider as _;
use opentelemetry_otlp_0_32::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk_0_32::propagation::TraceContextPropagator;
use opentelemetry_sdk_0_32::trace::SdkTracerProvider;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::policies::ExponentialBackoff;
use reqwest_tracing::TracingMiddleware;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::fixture::{Addresses, DIRECT_NAME, MESH_NAME};
use crate::variant::{ClientKind, PathKind, Variant};

/// Any trace, sampled.
const TRACEPARENT: (&str, &str) = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");

/// As many as `mesh-client` makes.
const RETRIES: u32 = 2;

type BoxError = Box<dyn Error>;

/// A client with its target and its span exporter.
pub(crate) struct Caller {
    client: AnyClient,
    url: String,
    host: Option<HeaderValue>,
    _exporter: Exporter,
}

enum AnyClient {
    Bare(reqwest::Client),
    Sampled(reqwest::Client),
    Mesh(Client),
    Middleware(ClientWithMiddleware),
}

/// Held because dropping it stops the export.
enum Exporter {
    Mesh(#[expect(dead_code, reason = "held")] telemetry::Telemetry),
    Middleware(#[expect(dead_code, reason = "held")] SdkTracerProvider),
}

impl Caller {
    /// Sets up the client and, for the whole process, a log and, if the variant has it, tracing.
    pub(crate) fn new(variant: Variant, addresses: &Addresses) -> Result<Self, BoxError> {
        let exporter = if variant.tracing && variant.client == ClientKind::Middleware {
            Exporter::Middleware(init_tracing(addresses)?)
        } else {
            // Configured by the environment of this process.
            Exporter::Mesh(telemetry::init()?)
        };
        let bare = || reqwest::Client::builder().no_proxy();
        let client = match variant.client {
            ClientKind::Reqwest => AnyClient::Bare(bare().build()?),
            ClientKind::ReqwestSampled => AnyClient::Sampled(bare().build()?),
            ClientKind::MeshClient => AnyClient::Mesh(mesh_client(variant.path, addresses)?),
            ClientKind::Middleware => {
                // Retries need a deadline: a call without one may hang forever.
                let inner = bare().timeout(mesh_client::DEFAULT_TIMEOUT).build()?;
                let policy = ExponentialBackoff::builder().build_with_max_retries(RETRIES);
                let client = ClientBuilder::new(inner)
                    .with(TracingMiddleware::default())
                    .with(RetryTransientMiddleware::new_with_policy(policy));
                AnyClient::Middleware(client.build())
            }
        };
        let is_by_name = variant.client == ClientKind::MeshClient;
        let url = match variant.path {
            PathKind::Direct if is_by_name => format!("http://{DIRECT_NAME}:{}/", addresses.application.port()),
            PathKind::Direct => format!("http://{}/", addresses.application),
            PathKind::OneEnvoy => format!("http://{}/", addresses.ingress),
            PathKind::TwoEnvoys if is_by_name => format!("http://{MESH_NAME}/"),
            PathKind::TwoEnvoys => format!("http://{}/", addresses.egress),
        };
        let needs_host = variant.path == PathKind::TwoEnvoys && !is_by_name;
        Ok(Self {
            client,
            url,
            host: needs_host.then(|| HeaderValue::from_static(MESH_NAME)),
            _exporter: exporter,
        })
    }

    /// Makes one call and reads the whole response, which must be successful.
    pub(crate) async fn call(&self) -> Result<usize, BoxError> {
        let body = match &self.client {
            AnyClient::Bare(client) => {
                self.with_host(client.get(&self.url))
                    .send()
                    .await?
                    .error_for_status()?
                    .bytes()
                    .await?
            }
            AnyClient::Sampled(client) => {
                let call = self
                    .with_host(client.get(&self.url))
                    .header(TRACEPARENT.0, TRACEPARENT.1);
                call.send().await?.error_for_status()?.bytes().await?
            }
            AnyClient::Mesh(client) => client.get(&self.url).send().await?.error_for_status()?.bytes().await?,
            AnyClient::Middleware(client) => {
                let mut call = client.get(&self.url);
                if let Some(host) = &self.host {
                    call = call.header(HOST, host.clone());
                }
                call.send().await?.error_for_status()?.bytes().await?
            }
        };
        Ok(body.len())
    }

    fn with_host(&self, call: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.host {
            Some(host) => call.header(HOST, host.clone()),
            None => call,
        }
    }
}

fn mesh_client(path: PathKind, addresses: &Addresses) -> Result<Client, BoxError> {
    let client = match path {
        PathKind::Direct => Client::builder()
            .no_proxy()
            .hosts_file(&addresses.hosts_file)
            .name_servers([]),
        PathKind::OneEnvoy | PathKind::TwoEnvoys => {
            let suffixes = MeshSuffixes::from_list("serviceconnect");
            Client::builder().egress(addresses.egress).suffixes(suffixes)
        }
    };
    Ok(client.build()?)
}

/// Tracing as the documentation of `reqwest-tracing` and of `tracing-opentelemetry` sets it up.
fn init_tracing(addresses: &Addresses) -> Result<SdkTracerProvider, BoxError> {
    opentelemetry_0_32::global::set_text_map_propagator(TraceContextPropagator::new());
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("http://{}/v1/traces", addresses.collector))
        .with_timeout(Duration::from_secs(10))
        .build()?;
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    let traces = tracing_opentelemetry_0_33::layer().with_tracer(provider.tracer("calls"));
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let info = || EnvFilter::try_new("info");
    let subscriber = tracing_subscriber::registry()
        .with(traces.with_filter(info()?))
        .with(log.with_filter(info()?));
    subscriber.try_init()?;
    Ok(provider)
}
