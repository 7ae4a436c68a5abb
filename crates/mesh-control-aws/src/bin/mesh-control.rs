//! The control plane of meshes on AWS, as a program: an ECS service, in as many copies as one likes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use aws_config::BehaviorVersion;
use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand};
use mesh_control::Addresses;
use mesh_control_aws::{self as aws, Clients, Options, PollIntervals};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Serves Envoys what Parameter Store and Cloud Map say of meshes.
///
/// Region, profile, credentials and endpoints are found as every AWS tool finds them: AWS_REGION, AWS_PROFILE, the role
/// of an ECS task, AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_SSM and AWS_ENDPOINT_URL_SERVICEDISCOVERY. RUST_LOG says what is
/// logged.
#[derive(Debug, Parser)]
#[command(version, subcommand_negates_reqs = true, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Asks a control plane that runs on this machine whether it is well, as the health check of its container. Ends
    /// with 0 if it is, else with 1 and the reason.
    Health {
        #[command(flatten)]
        at: StatusAddress,
    },
}

#[derive(Debug, Args)]
struct StatusAddress {
    /// Where GET /status and GET /healthz are, for people and health checks; without TLS.
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
    /// A mesh to serve: the parameter /meshwright/NAME and all below it. May be given several times, or as a list with
    /// commas.
    #[arg(
        long = "mesh",
        env = "MESHWRIGHT_MESH",
        value_name = "NAME",
        value_delimiter = ',',
        required = true
    )]
    meshes: Vec<String>,
    /// A namespace of Cloud Map and its id or ARN, if another namespace had its name before: it is asked about by another
    /// name then, which Cloud Map tells. May be given several times, or as a list with commas.
    #[arg(
        long = "namespace",
        env = "MESHWRIGHT_NAMESPACES",
        value_name = "NAME=ID",
        value_delimiter = ',',
        value_parser = namespace
    )]
    namespaces: Vec<(String, String)>,
    /// Where Envoys connect; without TLS and without a check who they are, so let nobody else there.
    #[arg(long, env = "MESHWRIGHT_XDS", value_name = "ADDR", default_value = "127.0.0.1:18000")]
    xds: SocketAddr,
    #[command(flatten)]
    at: StatusAddress,
    /// How long between two readings of a mesh's parameters; longer if the mesh is so large that they would take more
    /// than a tenth of the account's quota.
    #[arg(long, env = "MESHWRIGHT_PARAMETERS_EVERY", value_name = "TIME", default_value = "5s", value_parser = interval)]
    parameters_every: Duration,
    /// How long between two queries to Cloud Map whether instances have changed.
    #[arg(long, env = "MESHWRIGHT_ENDPOINTS_EVERY", value_name = "TIME", default_value = "4s", value_parser = interval)]
    endpoints_every: Duration,
    /// How long it may stay unnoticed that an instance has fallen ill. That one is well again is noticed as soon as
    /// instances that have changed.
    #[arg(long, env = "MESHWRIGHT_HEALTH_EVERY", value_name = "TIME", default_value = "30s", value_parser = interval)]
    health_every: Duration,
    /// Says in the parameter /meshwright-status/MESH/COPY what the Envoys of this copy have accepted, for deploy tools.
    #[arg(long, env = "MESHWRIGHT_PUBLISH_STATUS", value_parser = FalseyValueParser::new())]
    publish_status: bool,
}

/// A time such as `5s` or `500ms`: 100 ms at least, so that a slip of the pen does not use up a quota.
fn interval(text: &str) -> Result<Duration, String> {
    let interval = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if interval < Duration::from_millis(100) {
        return Err("allowed are 100ms and longer".to_owned());
    }
    Ok(interval)
}

/// A namespace and its id, as in `appmesh=ns-0123456789abcdef`.
fn namespace(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=');
    let pair = pair.filter(|(name, id)| !name.is_empty() && !id.is_empty());
    let (name, id) = pair.ok_or("expected is a name and an id, as in appmesh=ns-0123456789abcdef")?;
    Ok((name.to_owned(), id.to_owned()))
}

/// Each namespace with its id.
fn by_name(pairs: Vec<(String, String)>) -> Result<BTreeMap<String, String>, String> {
    let mut namespaces = BTreeMap::new();
    for (name, id) in pairs {
        match namespaces.get(&name) {
            Some(other) if *other != id => return Err(format!("the namespace `{name}` has two ids: {other} and {id}")),
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

async fn run(arguments: Serve) -> Result<(), String> {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,xds_server=info,mesh_control=info,mesh_control_aws=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
    // From the beginning: an end that is asked for early is none by default.
    let stop = stop_signal().map_err(|error| format!("signals cannot be heard: {error}"))?;
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(aws::http_client())
        .load()
        .await;
    if config.region().is_none() {
        return Err("there is no region: set AWS_REGION, or name a profile that has one in AWS_PROFILE".to_owned());
    }
    let options = Options {
        namespaces: by_name(arguments.namespaces)?,
        intervals: PollIntervals {
            parameters: arguments.parameters_every,
            endpoints: arguments.endpoints_every,
            health: arguments.health_every,
            ..PollIntervals::default()
        },
        publish_as: arguments
            .publish_status
            .then(|| aws::replica_id(std::env::var(aws::METADATA_VARIABLE).ok().as_deref())),
        ..Options::new(arguments.meshes)
    };
    let addresses = Addresses {
        xds: arguments.xds,
        status: arguments.at.status,
    };
    let serving = aws::serve(Clients::new(&config), options, addresses, stop).await;
    let (control, work) = serving.map_err(|error| error.to_string())?;
    let Addresses { xds, status } = control.addresses();
    tracing::info!(%xds, %status, "started; Envoys are served once every mesh is known");
    work.await.map_err(|error| error.to_string())?;
    tracing::info!("ended");
    Ok(())
}

/// Ends when the program is asked to end: by ECS or a person.
fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("asked to end (SIGTERM)"),
            _ = interrupt.recv() => tracing::info!("asked to end (SIGINT)"),
        }
    })
}
