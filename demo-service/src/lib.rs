//! A small HTTP service that shows the mesh at work.
//!
//! It says who it is, and it calls others through the mesh when it is asked to. Two of them and a mesh are enough
//! to see a request travel: `/downstream/blue.appmesh` on green is answered by blue, and
//! `/downstream/blue.appmesh/downstream/red.appmesh` goes one service further.
//!
//! | request | answer |
//! |---|---|
//! | any path but those below, any method; `/` is the usual one | `{"message":"ok","service":"green","version":"unknown"}` |
//! | `GET /downstream/{service}` | `{"message":"fetched!","service":"green","response":…}` with what `http://{service}/` answered: its JSON to the byte, anything else as a JSON string |
//! | `GET /downstream/{service}/{rest}?{query}` | the same for `http://{service}/{rest}?{query}` |
//! | … when that fails | `{"message":"error","service":"green","error":"…"}`: 400 for what is refused, 504 when time ran out, 502 for everything else |
//! | `GET /ready` | 200 if requests should be sent here, because its sidecar takes calls and it is not about to stop; otherwise 503 and the reason, see [`Readiness::endpoint`] |
//!
//! What it calls for somebody may take no longer than they wait, as far as they told ([`mesh_client::Deadline`]).
//!
//! It is no open proxy: only names of the mesh are called, on ports that its owner allows, and only through the
//! sidecar. What is refused is refused before any connection. It listens on loopback unless told otherwise.
//!
//! It is a binary and, as [`main`], a function: a program that starts tasks can start itself as this service, and
//! needs no second file beside it.
//!
//! # Environment
//!
//! An empty value counts as not set. Every mistake is reported before the service starts.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `SERVICE_NAME`, `SERVICE_VERSION` | what it says it is | `unknown` |
//! | `SERVICE_PORT` | the port it listens on; 0 for one that the OS chooses | `3000` |
//! | `SERVICE_BIND` | the IP address it listens on | `127.0.0.1` |
//! | `SERVICE_DELAY` | how long it takes to greet, to play a version that is not well | none |
//! | `SERVICE_FAILURES` | how many of its greetings fail with status 500, `20%` for instance, to play another one; they are spread evenly | `0%` |
//! | `SERVICE_DEREGISTRATION` | how long it goes on answering once SIGTERM came, 8 seconds at most, see below | `5s`; `0s` for [`main_of_runner`] |
//! | `SERVICE_DOWNSTREAM_PORTS` | the ports it may call, separated by commas | `80` |
//! | `RUST_LOG` | what is logged on stderr, in `tracing-subscriber`'s syntax | `info` |
//! | `OTEL_EXPORTER_OTLP_ENDPOINT` and its kin | where spans and metrics go, see [`mesh_client::telemetry`] | nowhere |
//! | `MESHWRIGHT_EGRESS` and its kin | the mesh, see [`mesh_client::Client::from_env`]; if nothing tells of one, `/downstream` answers 502 | |
//!
//! # Stopping
//!
//! ECS stops a task as soon as it has taken it out of Cloud Map, and whoever calls it learns of that seconds later
//! (aws/containers-roadmap, issues 343 and 1639, read 2026-11-23). So SIGTERM makes `/ready` fail first, and everything
//! else is answered as before for `SERVICE_DEREGISTRATION`. Then no connection is accepted any more, and requests under way
//! have what is left of 25 seconds: less than the 30 that ECS gives a task unless its `stopTimeout` says otherwise.
//!
//! SIGINT is Ctrl-C, from a person whom nobody calls: it stops without that wait. Each further signal, whichever of the
//! two, ends the step that is under way: the wait, or the requests.
//!
//! # Reading order
//!
//! `arguments` and `settings` say what is wanted; `server` listens and stops; `routes` answers, in the shapes of
//! `documents`; `failing` says when it plays a version that is not well; `downstream` calls others, with
//! `downstream::address` as the gate; `access_log` writes a line for each request; `health` asks another process of this
//! service how it is.
//!
//! # Status
//!
//! | feature | here |
//! |---|---|
//! | the documents above, chains of services | supported |
//! | trace context handed on; spans and metrics exported over OTLP if the environment says where to | supported |
//! | container health check without curl: `demo-service health` | supported |
//! | stops on SIGTERM and SIGINT, requests in flight finish, and those still sent here are answered | supported |
//! | a client that makes steady traffic and counts who answers | supported, see [`traffic`] |

mod access_log;
mod arguments;
mod downstream;
mod fault_injection;
mod health;
mod response_bodies;
mod routes;
mod server;
mod settings;
pub mod traffic;

use std::convert::Infallible;
use std::error::Error;
use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use mesh_client::server::{DEFAULT_DEREGISTRATION, Readiness, Shutdown};
use mesh_client::telemetry::Telemetry;
use mesh_client::{Client, DetectedBy, Sidecar};
use sidecar_contract::{Diagnostics, ValidationErrors};
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::arguments::Command;
use crate::settings::Settings;

/// How long the sidecar may take before the log says that something is wrong. Envoys take a second; a task that is just
/// being placed on a busy host may take many.
const SIDECAR_WITHIN: Duration = Duration::from_secs(30);

/// Runs the service, or what else the arguments ask for, until it is done.
///
/// `arguments` are those after the program's own name. It reads the environment, takes SIGTERM and SIGINT for
/// itself, writes its start line to stdout and everything else to stderr: it is a process's whole work, not a
/// part of it.
///
/// The exit code is 0 if all went well, 2 if the arguments are wrong, and 1 otherwise: the reason is on stderr.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    run(arguments, DEFAULT_DEREGISTRATION)
}

/// The same as a child of a runner that takes a task out of its registry before it stops it: nobody is sent there any
/// more when SIGTERM comes, so it does not wait for that unless `SERVICE_DEREGISTRATION` says so.
#[must_use]
pub fn main_of_runner(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    run(arguments, Duration::ZERO)
}

/// `deregistration` is how long it goes on answering after SIGTERM if the environment does not say it.
fn run(arguments: impl IntoIterator<Item = OsString>, deregistration: Duration) -> ExitCode {
    let command = match Command::parse(arguments) {
        Ok(command) => command,
        Err(unknown) => {
            complain(&unknown);
            return ExitCode::from(2);
        }
    };
    let result = match command {
        Command::Help => {
            say(arguments::USAGE);
            Ok(())
        }
        Command::Serve => on_a_runtime(serve(deregistration)),
        Command::Health => on_a_runtime(health()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

type Outcome = Result<(), Box<dyn Error>>;

/// One thread is enough for a service that mostly waits, and a laptop runs many of them.
fn on_a_runtime(work: impl Future<Output = Outcome>) -> Outcome {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

async fn serve(deregistration: Duration) -> Outcome {
    let (settings, mesh, telemetry) = what_the_environment_says()?;
    let readiness = Readiness::new(mesh.as_ref().map_or_else(Sidecar::none, |mesh| mesh.sidecar().clone()));
    // Before the start line: whoever reads that may send a signal at once.
    let shutdown = Shutdown::on_signals(&readiness)?;
    let server = server::Server::bind(settings.address).await?;
    say(&format!(
        "Service '{}' (version {}) running on port: {}",
        settings.name,
        settings.version,
        server.address().port()
    ));
    if mesh.is_none() {
        tracing::warn!("in no mesh: /downstream answers 502");
    }
    let deregistration = settings.deregistration.unwrap_or(deregistration);
    let app = routes::app(settings, mesh.clone(), &readiness);
    let stopped = tokio::select! {
        stopped = server.run(app, shutdown, deregistration) => stopped,
        // It greets whatever becomes of its sidecar, so it does not wait for that before it serves.
        never = say_when_ready(mesh) => match never {},
    };
    telemetry.shutdown().await;
    Ok(stopped?)
}

/// Writes into the log when the sidecar takes calls, or that it does not.
async fn say_when_ready(mesh: Option<Client>) -> Infallible {
    if let Some(mesh) = mesh {
        match mesh.ready(SIDECAR_WITHIN).await {
            Ok(()) => tracing::info!("the sidecar takes calls"),
            Err(error) => tracing::warn!("{error}; /downstream will say so as well"),
        }
    }
    std::future::pending().await
}

async fn health() -> Outcome {
    let settings = Settings::from_environment()?;
    health::check(settings.address).await?;
    Ok(())
}

/// What the environment says, with the mistakes of all its readers in one report. No mesh if nothing tells of one.
fn what_the_environment_says() -> Result<(Settings, Option<Client>, Telemetry), ValidationErrors> {
    let settings = Settings::from_environment();
    let telemetry = Telemetry::from_env();
    if let (Ok(settings), Ok(telemetry)) = (&settings, &telemetry) {
        // Before the client is made: it logs how it is wired.
        log_to_stderr(&settings.log_filter, telemetry);
    }
    match (settings, Client::from_env(), telemetry) {
        (Ok(settings), Ok(client), Ok(telemetry)) => {
            let mesh = (client.traffic_mode().detected_by() != DetectedBy::Default).then_some(client);
            Ok((settings, mesh, telemetry))
        }
        (settings, mesh, telemetry) => {
            let mut diagnostics = Diagnostics::new();
            diagnostics.extend(settings.err().into_iter().flatten());
            for error in [mesh.err(), telemetry.err()].into_iter().flatten() {
                diagnostics.extend(error.errors().clone());
            }
            Err(diagnostics.into())
        }
    }
}

fn log_to_stderr(filter: &str, telemetry: &Telemetry) {
    let lines = EnvFilter::new(filter).and(filter_fn(is_line));
    let log = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_filter(lines);
    let subscriber = tracing_subscriber::registry().with(telemetry.layer()).with(log);
    // Fails only where the program around this service logs already, and then into its log.
    let _ = subscriber.try_init();
}

/// Spans are for the collector: they would stand before each line.
fn is_line(metadata: &tracing::Metadata<'_>) -> bool {
    metadata.is_event()
}

/// Writes a line to stdout. That nobody reads it is no reason not to serve.
fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    if let Err(error) = writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
        tracing::warn!(%error, "stdout is closed");
    }
}

/// Writes an error and its causes to stderr, whatever `RUST_LOG` lets through.
fn complain(error: &dyn Error) {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    // Nothing is left to tell if stderr is closed.
    let _ = writeln!(std::io::stderr().lock(), "demo-service: {message}");
}
