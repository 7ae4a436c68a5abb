//! The program `envoy-agent`: serves a stored configuration to the Envoy beside it while no control plane answers.

mod control_plane;
mod health;
mod store;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use config_store::{Location, PublicKey, Reader, StoredSource};
use mesh_control::{Addresses, ControlPlane};
use stop_signals::StopSignals;
use tracing_subscriber::EnvFilter;

use crate::health::AgentStatus;

const EXIT_CODES: &str = "\
Exit codes:
  0  stopped by SIGTERM or SIGINT
  1  failed; the reason is on standard error
  2  wrong usage: unknown option, or an invalid value";

/// Serve stored configurations to the Envoy on this machine while no control plane answers.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES)]
struct Arguments {
    /// Stored configurations, as `mesh-control --store` writes them: s3://BUCKET/PREFIX, or a folder.
    #[arg(long, env = "MESHWRIGHT_STORE", value_name = "STORE")]
    store: Location,
    /// Public key of the control plane, in PEM: a file, or env:NAME for an environment variable.
    #[arg(long, env = "MESHWRIGHT_STORE_PUBLIC_KEY", value_name = "FILE")]
    public_key: String,
    /// Node id of the Envoy. Repeatable, or comma-separated.
    #[arg(
        long = "node-id",
        env = "MESHWRIGHT_NODE_ID",
        value_name = "ID",
        value_delimiter = ',',
        required = true
    )]
    node_ids: Vec<String>,
    /// Address of the control plane, as in the Envoy's bootstrap: a name or an IP address with a port. While the agent serves
    /// an Envoy, it tries to connect there every second, and ends the Envoy's stream as soon as that succeeds.
    #[arg(long, env = "MESHWRIGHT_CONTROL_PLANE", value_name = "HOST:PORT")]
    control_plane: String,
    /// Time after which a configuration is not served any more. It counts from when an Envoy had last accepted it.
    #[arg(long, env = "MESHWRIGHT_STORE_MAX_AGE", value_name = "TIME", default_value = "7days", value_parser = humantime::parse_duration)]
    max_age: Duration,
    /// Listen address of ADS, without TLS.
    #[arg(
        long,
        env = "MESHWRIGHT_AGENT_XDS",
        value_name = "ADDR",
        default_value = "127.0.0.1:18010"
    )]
    xds: SocketAddr,
    /// Listen address of GET /status, GET /metrics and GET /healthz, without TLS.
    #[arg(
        long,
        env = "MESHWRIGHT_AGENT_STATUS",
        value_name = "ADDR",
        default_value = "127.0.0.1:18011"
    )]
    status: SocketAddr,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,xds_server=info,config_store=info,envoy_agent=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
    let mut signals = StopSignals::listen().map_err(|error| format!("cannot listen for signals: {error}"))?;
    for (option, address) in [("--xds", arguments.xds), ("--status", arguments.status)] {
        if !address.ip().is_loopback() {
            return Err(format!(
                "{option} {address}: the agent is for the Envoy beside it and listens on loopback only"
            ));
        }
    }
    let key = PublicKey::load(&arguments.public_key).map_err(|error| error.to_string())?;
    let reader = Reader::new(store::open(arguments.store).await?, key, arguments.max_age);
    let source = Arc::new(StoredSource::new(reader, arguments.node_ids));
    let streams = Arc::clone(&source);
    let (control, serving) = ControlPlane::builder()
        .addresses(Addresses {
            xds: arguments.xds,
            status: arguments.status,
        })
        .readiness(Arc::new(AgentStatus::new(Arc::clone(&source))), std::future::ready(()))
        .source(source)
        .bind()
        .await
        .map_err(|error| error.to_string())?;
    let Addresses { xds, status } = control.addresses();
    tracing::info!(%xds, %status, "started");
    tokio::select! {
        () = control_plane::watch(&arguments.control_plane, control.status_board(), &streams) => Ok(()),
        served = serving => served.map_err(|error| error.to_string()),
        signal = signals.next() => {
            tracing::info!("{signal} received");
            Ok(())
        }
    }
}
