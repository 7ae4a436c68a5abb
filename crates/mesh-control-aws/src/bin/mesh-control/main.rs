//! The program `mesh-control`: the control plane on AWS, an ECS service of any number of replicas.
//!
//! - `api`: App Mesh's API over a table, as a source of meshes beside Parameter Store;
//! - `xds`: who may use the xDS port, `secret_file`: its certificate in an environment variable, `token`: the tokens for it;
//! - `store`: configurations that Envoys have accepted.

mod api;
mod secret_file;
mod store;
mod token;
mod xds;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand};
use futures_util::FutureExt;
use ipnet::IpNet;
use mesh_client::telemetry::Telemetry;
use mesh_control::access::{XdsProtection, XdsProtectionError};
use mesh_control::{Addresses, Authenticator, HeaderLimits, raise_open_file_limit};
use mesh_control_aws::task_role::TOKEN_PREFIX;
use mesh_control_aws::{
    self as aws, Clients, EndpointPolicy, Options, PollIntervals, StsEndpoint, TaskRoleAuthenticator,
};
use stop_signals::StopSignals;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use self::api::{Api, ApiArguments};
use self::store::{KeygenArguments, StoreArguments};
use self::token::{RoleTokenArguments, TokenArguments};
use self::xds::XdsArguments;

const EXIT_CODES: &str = "\
Exit codes:
  0  stopped by SIGTERM or SIGINT, or healthy (health)
  1  failed, or unhealthy (health); the reason is on standard error
  2  wrong usage: unknown option, or an invalid value";

/// Control plane for Envoy: configuration from Parameter Store and from App Mesh's API, endpoints from Cloud Map.
///
/// Region, profile, credentials and endpoints come from the standard AWS settings: AWS_REGION, AWS_PROFILE, the role of an
/// ECS task, AWS_ENDPOINT_URL, and AWS_ENDPOINT_URL_SSM, _SERVICEDISCOVERY, _DYNAMODB, _S3 and _SECRETS_MANAGER. RUST_LOG sets the log filter.
/// OTEL_EXPORTER_OTLP_ENDPOINT exports a span of each change, from the change to the last ACK.
#[derive(Debug, Parser)]
#[command(
    version,
    subcommand_negates_reqs = true,
    args_conflicts_with_subcommands = true,
    after_help = EXIT_CODES
)]
struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Check the health of a control plane on this machine, for its container. Exit code 0 if it is healthy, else 1 with
    /// the reason.
    Health {
        #[command(flatten)]
        at: StatusAddress,
    },
    /// Print a token with which an Envoy may act as given nodes.
    Token(TokenArguments),
    /// Keep a file with a token of this task's role, for the Envoy beside it, until a signal.
    RoleToken(RoleTokenArguments),
    /// Write a new key pair that signs stored configurations.
    Keygen(KeygenArguments),
}

#[derive(Debug, Args)]
struct StatusAddress {
    /// Listen address of GET /status and GET /healthz, without TLS.
    #[arg(
        long,
        env = "MESHWRIGHT_STATUS",
        value_name = "ADDR",
        default_value = "127.0.0.1:18001"
    )]
    status: SocketAddr,
}

#[derive(Debug, Args)]
struct Serve {
    /// Mesh to serve: the parameter /meshwright/NAME and all below it. Repeatable, or comma-separated. Optional with
    /// --dynamodb.
    #[arg(
        long = "mesh",
        env = "MESHWRIGHT_MESH",
        value_name = "NAME",
        value_delimiter = ',',
        required_unless_present = "dynamodb"
    )]
    meshes: Vec<String>,
    /// Cloud Map namespace with its id or ARN, required if another namespace had the same name before. Repeatable, or
    /// comma-separated.
    #[arg(
        long = "namespace",
        env = "MESHWRIGHT_NAMESPACES",
        value_name = "NAME=ID",
        value_delimiter = ',',
        value_parser = namespace
    )]
    namespaces: Vec<(String, String)>,
    /// Network of endpoints, such as the CIDR block of the VPC: addresses outside of it are not used. Repeatable, or
    /// comma-separated. Default: all addresses that a task can have; never loopback, link-local and metadata services.
    #[arg(
        long = "endpoint-network",
        env = "MESHWRIGHT_ENDPOINT_NETWORKS",
        value_name = "CIDR",
        value_delimiter = ','
    )]
    endpoint_networks: Vec<IpNet>,
    /// Listen address of ADS. Beyond loopback it requires TLS and authentication, or --xds-insecure.
    #[arg(long, env = "MESHWRIGHT_XDS", value_name = "ADDR", default_value = "127.0.0.1:18000")]
    xds: SocketAddr,
    #[command(flatten)]
    at: StatusAddress,
    #[command(flatten)]
    protection: XdsArguments,
    #[command(flatten)]
    store: StoreArguments,
    #[command(flatten)]
    api: ApiArguments,
    /// Poll interval of all parameters of a mesh without revision markers, and of all meshes while they change; longer for
    /// meshes that would take more than a tenth of the account's quota.
    #[arg(long, env = "MESHWRIGHT_PARAMETERS_EVERY", value_name = "TIME", default_value = "5s", value_parser = interval)]
    parameters_every: Duration,
    /// Poll interval of Cloud Map for registered and deregistered instances. From 2s on, namespaces given with --namespace
    /// are polled at once, which costs nothing; below, and in others, each service is.
    #[arg(long, env = "MESHWRIGHT_ENDPOINTS_EVERY", value_name = "TIME", default_value = "4s", value_parser = interval)]
    endpoints_every: Duration,
    /// Poll interval of Cloud Map for instances that became unhealthy. Recovery is noticed at --endpoints-every.
    #[arg(long, env = "MESHWRIGHT_HEALTH_EVERY", value_name = "TIME", default_value = "30s", value_parser = interval)]
    health_every: Duration,
    /// Size of all headers of a request that Envoys accept, in KiB.
    #[arg(
        long,
        env = "MESHWRIGHT_MAX_REQUEST_HEADERS_KIB",
        value_name = "KIB",
        default_value_t = HeaderLimits::default().kib,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(HeaderLimits::MAX_KIB))
    )]
    max_request_headers_kib: u32,
    /// Number of headers that Envoys accept.
    #[arg(
        long,
        env = "MESHWRIGHT_MAX_HEADERS",
        value_name = "COUNT",
        default_value_t = HeaderLimits::default().count,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    max_headers: u32,
    /// Publish the status of this replica in the parameter /meshwright-status/MESH/REPLICA, for deploy tools.
    #[arg(long, env = "MESHWRIGHT_PUBLISH_STATUS", value_parser = FalseyValueParser::new())]
    publish_status: bool,
}

/// A duration such as `5s` or `500ms`: at least 100 ms, to protect the quota from typing errors.
fn interval(text: &str) -> Result<Duration, String> {
    let interval = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if interval < Duration::from_millis(100) {
        return Err("must be at least 100ms".to_owned());
    }
    Ok(interval)
}

/// A namespace and its id, as in `appmesh=ns-0123456789abcdef`.
fn namespace(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=');
    let pair = pair.filter(|(name, id)| !name.is_empty() && !id.is_empty());
    let (name, id) = pair.ok_or("expected NAME=ID, as in appmesh=ns-0123456789abcdef")?;
    Ok((name.to_owned(), id.to_owned()))
}

/// Each namespace with its id.
fn by_name(pairs: Vec<(String, String)>) -> Result<BTreeMap<String, String>, String> {
    let mut namespaces = BTreeMap::new();
    for (name, id) in pairs {
        match namespaces.get(&name) {
            Some(other) if *other != id => return Err(format!("namespace `{name}` has two ids: {other} and {id}")),
            _ => drop(namespaces.insert(name, id)),
        }
    }
    Ok(namespaces)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Arguments { verb, serve } = Arguments::parse();
    let outcome = match verb {
        Some(Verb::Health { at }) => aws::check_health(at.status).await,
        Some(Verb::Token(token)) => token.print(),
        Some(Verb::RoleToken(arguments)) => arguments.run().await,
        Some(Verb::Keygen(arguments)) => arguments.generate(),
        None => run(serve).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The configuration of the SDK.
async fn load_config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(aws::http_client())
        .load()
        .await
}

async fn run(arguments: Serve) -> Result<(), String> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        EnvFilter::new(
            "warn,xds_server=info,mesh_control=info,mesh_control_aws=info,app_mesh_api=info,config_store=info",
        )
    });
    let telemetry = Telemetry::from_env().map_err(|error| error.to_string())?;
    let log = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(std::io::stderr)
        // Spans are for the collector, and would be written with each line.
        .with_filter(filter.and(filter_fn(|metadata| !metadata.is_span())));
    tracing_subscriber::registry().with(telemetry.layer()).with(log).init();
    // Before anything else: a signal would end the program without a graceful shutdown.
    let mut signals = StopSignals::listen().map_err(|error| format!("cannot listen for signals: {error}"))?;
    let stop = async move {
        let signal = signals.next().await;
        tracing::info!("{signal} received");
    }
    .shared();
    // Each connection of an Envoy is an open file.
    let files = raise_open_file_limit();
    tracing::debug!(files, "limit of open files");
    let roles = arguments.protection.roles();
    let protection = XdsProtection::try_from(arguments.protection)?;
    let text = |error: XdsProtectionError| error.to_string();
    protection.check_with(arguments.xds, roles.is_some()).map_err(text)?;
    let xds_tls = protection.tls().map_err(text)?;
    let mut xds_authenticator = protection.authenticator().map_err(text)?;
    let config = load_config().await;
    if let Some(audience) = roles {
        let roles = StsEndpoint::of_config(&config)
            .and_then(|endpoint| {
                let made = TaskRoleAuthenticator::new(endpoint, audience, &protection.allowed);
                made.map_err(|error| error.to_string())
            })
            .map_err(|error| format!("cannot verify roles of tasks: {error}"))?;
        let others = xds_authenticator.unwrap_or_default();
        xds_authenticator = Some(others.with_bearer(TOKEN_PREFIX, Arc::new(roles)));
    }
    if config.region().is_none() {
        return Err("no region: set AWS_REGION, or AWS_PROFILE to a profile with a region".to_owned());
    }
    let store = arguments.store.open().await?;
    let api = arguments.api.open(&config).await?;
    let options = Options {
        api_meshes: api.as_ref().map(Api::meshes),
        namespaces: by_name(arguments.namespaces)?,
        intervals: PollIntervals {
            parameters: arguments.parameters_every,
            endpoints: arguments.endpoints_every,
            health: arguments.health_every,
            ..PollIntervals::default()
        },
        endpoints: EndpointPolicy::within(arguments.endpoint_networks),
        header_limits: HeaderLimits {
            kib: arguments.max_request_headers_kib,
            count: arguments.max_headers,
        },
        xds_tls,
        xds_authenticator: xds_authenticator.map(|authenticator| Arc::new(authenticator) as Arc<dyn Authenticator>),
        store,
        publish_as: arguments
            .publish_status
            .then(|| aws::replica_id(std::env::var(aws::METADATA_VARIABLE).ok().as_deref())),
        ..Options::new(arguments.meshes)
    };
    let addresses = Addresses {
        xds: arguments.xds,
        status: arguments.at.status,
    };
    let serving = aws::serve(Clients::new(&config), options, addresses, stop.clone()).await;
    let (control, work) = serving.map_err(|error| error.to_string())?;
    let Addresses { xds, status } = control.addresses();
    tracing::info!(%xds, %status, "started; Envoys are served once all meshes are known");
    let work = async { work.await.map_err(|error| error.to_string()) };
    // Ends with the work, after the last change.
    let work = async {
        tokio::select! {
            ended = work => ended,
            () = control.trace_changes() => std::future::pending().await,
        }
    };
    match api {
        // Both end at the signal, each with its open requests; one ends before with an error only.
        Some(api) => tokio::try_join!(work, api.serve(stop)).map(drop)?,
        None => work.await?,
    }
    telemetry.shutdown().await;
    tracing::info!("stopped");
    Ok(())
}
