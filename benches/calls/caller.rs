//! The clients that are compared, and how each is asked to make one call.

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

use crate::stage::{DIRECT_NAME, MESH_NAME, Places};
use crate::variant::{Maker, Variant, Way};

/// Any trace, sampled.
const TRACEPARENT: (&str, &str) = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");

/// As often as `mesh-client` does it where it retries.
const RETRIES: u32 = 2;

type BoxError = Box<dyn Error>;

/// A client, what it calls, and what has to live as long as it.
pub(crate) struct Caller {
    client: AnyClient,
    url: String,
    host: Option<HeaderValue>,
    _exports: Exports,
}

enum AnyClient {
    Bare(reqwest::Client),
    Sampled(reqwest::Client),
    Mesh(Client),
    Assembled(ClientWithMiddleware),
}

/// Never read: they stop when they are dropped.
enum Exports {
    Mesh(#[expect(dead_code, reason = "held")] telemetry::Telemetry),
    Assembled(#[expect(dead_code, reason = "held")] SdkTracerProvider),
}

impl Caller {
    /// Sets up the client and, for the whole process, the log that every service has, and tracing if the variant says
    /// so.
    pub(crate) fn new(variant: Variant, places: &Places) -> Result<Self, BoxError> {
        let exports = if variant.traces && variant.maker == Maker::Assembled {
            Exports::Assembled(trace_by_hand(places)?)
        } else {
            // The environment of this process says whether and where to.
            Exports::Mesh(telemetry::init()?)
        };
        let bare = || reqwest::Client::builder().no_proxy();
        let client = match variant.maker {
            Maker::Reqwest => AnyClient::Bare(bare().build()?),
            Maker::ReqwestSampled => AnyClient::Sampled(bare().build()?),
            Maker::MeshClient => AnyClient::Mesh(mesh_client(variant.way, places)?),
            Maker::Assembled => {
                // A call without a deadline may hang for ever: a client with retries has a deadline, too.
                let inner = bare().timeout(mesh_client::DEFAULT_TIMEOUT).build()?;
                let policy = ExponentialBackoff::builder().build_with_max_retries(RETRIES);
                let client = ClientBuilder::new(inner)
                    .with(TracingMiddleware::default())
                    .with(RetryTransientMiddleware::new_with_policy(policy));
                AnyClient::Assembled(client.build())
            }
        };
        let is_by_name = variant.maker == Maker::MeshClient;
        let url = match variant.way {
            Way::Direct if is_by_name => format!("http://{DIRECT_NAME}:{}/", places.application.port()),
            Way::Direct => format!("http://{}/", places.application),
            Way::OneEnvoy => format!("http://{}/", places.ingress),
            Way::TwoEnvoys if is_by_name => format!("http://{MESH_NAME}/"),
            Way::TwoEnvoys => format!("http://{}/", places.egress),
        };
        let needs_host = variant.way == Way::TwoEnvoys && !is_by_name;
        Ok(Self {
            client,
            url,
            host: needs_host.then(|| HeaderValue::from_static(MESH_NAME)),
            _exports: exports,
        })
    }

    /// One call, from its URL to the last byte of a good answer.
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
            AnyClient::Assembled(client) => {
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

fn mesh_client(way: Way, places: &Places) -> Result<Client, BoxError> {
    let client = match way {
        Way::Direct => Client::builder()
            .no_proxy()
            .hosts_file(&places.hosts_file)
            .name_servers([]),
        Way::OneEnvoy | Way::TwoEnvoys => {
            let suffixes = MeshSuffixes::from_list("serviceconnect");
            Client::builder().egress(places.egress).suffixes(suffixes)
        }
    };
    Ok(client.build()?)
}

/// Tracing as the documentation of `reqwest-tracing` and of `tracing-opentelemetry` sets it up.
fn trace_by_hand(places: &Places) -> Result<SdkTracerProvider, BoxError> {
    opentelemetry_0_32::global::set_text_map_propagator(TraceContextPropagator::new());
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("http://{}/v1/traces", places.collector))
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
