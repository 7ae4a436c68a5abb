//! A small HTTP service for demonstrations of a mesh.
//!
//! It returns its name and version, and calls other services through the mesh on request: green handles
//! `/downstream/blue.appmesh` by a call to blue, and `/downstream/blue.appmesh/downstream/red.appmesh` by a chain of two calls.
//!
//! | request | response |
//! |---|---|
//! | any path except those below, any method; usually `/` | `{"message":"ok","service":"green","version":"unknown"}` |
//! | `GET /downstream/{service}` | `{"message":"fetched!","service":"green","response":…}` with the response of `http://{service}/`: JSON byte for byte, anything else as a JSON string |
//! | `GET /downstream/{service}/{rest}?{query}` | the same for `http://{service}/{rest}?{query}` |
//! | … on failure | `{"message":"error","service":"green","error":"…"}`: 400 for a name that is not allowed, 504 for a timeout, 502 otherwise |
//! | `GET /ready` | 200 if requests should be sent to this service, because its sidecar is ready and it is not stopping; otherwise 503 with the reason, see [`Readiness::endpoint`] |
//!
//! Downstream calls have the deadline of the request, if it has one ([`mesh_client::Deadline`]).
//!
//! It is not an open proxy: it calls only names of the mesh, on allowed ports, through the sidecar. Everything else is rejected
//! before a connection. It listens on loopback by default.
//!
//! It is a binary and, as [`main`], a function: a program that starts tasks can start itself as this service, without a second
//! executable.
//!
//! # Environment
//!
//! An empty value counts as not set. All errors are reported before the service starts.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `SERVICE_NAME`, `SERVICE_VERSION` | name and version in its responses | `unknown` |
//! | `SERVICE_PORT` | the port to listen on; 0 for any free port | `3000` |
//! | `SERVICE_BIND` | the IP address to listen on | `127.0.0.1` |
//! | `SERVICE_DELAY` | delay of its own responses, to simulate a slow version | none |
//! | `SERVICE_FAILURES` | share of its own responses with status 500, such as `20%`, to simulate a failing version; evenly spread | `0%` |
//! | `SERVICE_DEREGISTRATION` | how long it accepts requests after SIGTERM, up to 8 seconds, see below | `5s`; `0s` for [`main_for_runner`] |
//! | `SERVICE_DOWNSTREAM_PORTS` | ports that it may call, separated by commas | `80` |
//! | `RUST_LOG` | filter of the log on stderr, in `tracing-subscriber`'s syntax | `info` |
//! | `OTEL_EXPORTER_OTLP_ENDPOINT` and others | export of spans and metrics, see [`mesh_client::telemetry`] | no export |
//! | `MESHWRIGHT_EGRESS` and others | the mesh, see [`mesh_client::Client::from_env`]; without a mesh, `/downstream` responds with 502 | |
//!
//! # Shutdown
//!
//! ECS stops a task as soon as it has removed it from Cloud Map, and callers notice seconds later (aws/containers-roadmap, issues
//! 343 and 1639, read 2026-11-23). So on SIGTERM `/ready` fails first, and other requests are still accepted for
//! `SERVICE_DEREGISTRATION`. Then no more connections are accepted, and requests in flight have the rest of 25 seconds: less than
//! the 30 of ECS's default `stopTimeout`.
//!
//! SIGINT is Ctrl-C in a terminal, where the service is not registered: it stops without that wait. Each further signal ends the
//! current step: the wait, or the requests.
//!
//! # Reading order
//!
//! `arguments` and `settings`; `server` listens and stops; `routes` handles requests, with `response_bodies` and
//! `fault_injection`; `downstream` calls other services, and `downstream::address` restricts them; `access_log` logs each request;
//! `health` checks another process of this service.
//!
//! # Status
//!
//! | feature | status |
//! |---|---|
//! | the responses above, chains of services | supported |
//! | trace context propagation; spans and metrics over OTLP, if configured | supported |
//! | container health check without curl: `demo-service health` | supported |
//! | graceful shutdown on SIGTERM and SIGINT | supported |
//! | a load client that counts which version responds | supported, see [`traffic`] |

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

use clap::Parser as _;

use crate::arguments::{Arguments, Command};
use crate::settings::Settings;

/// How long to wait for the sidecar before a warning is logged. An Envoy takes a second; on a busy host it may take many.
const SIDECAR_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs the service, or another command, until it is done.
///
/// `arguments` are those after the program's name. It reads the environment, handles SIGTERM and SIGINT, writes its start line to
/// stdout and everything else to stderr: it must be the only work of its process.
///
/// The exit code is 0 for success, 2 for invalid arguments, and 1 for other errors, which are written to stderr.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    run(arguments, DEFAULT_DEREGISTRATION)
}

/// Like [`main`], for a child process of a runner that deregisters a task before it sends SIGTERM: the default of
/// `SERVICE_DEREGISTRATION` is zero.
#[must_use]
pub fn main_for_runner(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    run(arguments, Duration::ZERO)
}

/// `deregistration` is the default of `SERVICE_DEREGISTRATION`.
fn run(arguments: impl IntoIterator<Item = OsString>, deregistration: Duration) -> ExitCode {
    let program = OsString::from("demo-service");
    let arguments = match Arguments::try_parse_from(std::iter::once(program).chain(arguments)) {
        Ok(arguments) => arguments,
        Err(error) => {
            // There is no way to report that stdout or stderr is closed.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let result = match arguments.command {
        None => block_on(serve(deregistration)),
        Some(Command::Health) => block_on(health()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

type Outcome = Result<(), Box<dyn Error>>;

/// Runs on one thread: enough for a service that mostly waits, of which a laptop runs many.
fn block_on(work: impl Future<Output = Outcome>) -> Outcome {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

async fn serve(deregistration: Duration) -> Outcome {
    let (settings, mesh, telemetry) = read_environment()?;
    let readiness = Readiness::new(mesh.as_ref().map_or_else(Sidecar::none, |mesh| mesh.sidecar().clone()));
    // Before the start line, after which a signal may come.
    let shutdown = Shutdown::on_signals(&readiness)?;
    let server = server::Server::bind(settings.address).await?;
    print_line(&format!(
        "Service '{}' (version {}) running on port: {}",
        settings.name,
        settings.version,
        server.address().port()
    ));
    if mesh.is_none() {
        tracing::warn!("no mesh configured: /downstream responds with 502");
    }
    let deregistration = settings.deregistration.unwrap_or(deregistration);
    let app = routes::app(settings, mesh.clone(), &readiness);
    let stopped = tokio::select! {
        stopped = server.run(app, shutdown, deregistration) => stopped,
        // It serves before its sidecar is ready.
        never = log_when_ready(mesh) => match never {},
    };
    telemetry.shutdown().await;
    Ok(stopped?)
}

/// Logs when the sidecar is ready, or that it is not.
async fn log_when_ready(mesh: Option<Client>) -> Infallible {
    if let Some(mesh) = mesh {
        match mesh.ready(SIDECAR_TIMEOUT).await {
            Ok(()) => tracing::info!("the sidecar is ready"),
            Err(error) => tracing::warn!("{error}; calls by /downstream will fail"),
        }
    }
    std::future::pending().await
}

async fn health() -> Outcome {
    let settings = Settings::from_environment()?;
    health::check(settings.address).await?;
    Ok(())
}

/// Reads all environment variables, and reports all errors together. Without a mesh there is no client.
fn read_environment() -> Result<(Settings, Option<Client>, Telemetry), ValidationErrors> {
    let settings = Settings::from_environment();
    let telemetry = Telemetry::from_env();
    if let (Ok(settings), Ok(telemetry)) = (&settings, &telemetry) {
        // Before the client is created: it logs the traffic mode.
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
    let lines = EnvFilter::new(filter).and(filter_fn(is_event));
    let log = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_filter(lines);
    let subscriber = tracing_subscriber::registry().with(telemetry.layer()).with(log);
    // Fails only if the surrounding program has installed a subscriber, which then writes the log.
    let _ = subscriber.try_init();
}

/// Excludes spans, which would be written with each line of the log.
fn is_event(metadata: &tracing::Metadata<'_>) -> bool {
    metadata.is_event()
}

/// Writes a line to stdout. A closed stdout is not fatal.
fn print_line(line: &str) {
    let mut stdout = std::io::stdout().lock();
    if let Err(error) = writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
        tracing::warn!(%error, "stdout is closed");
    }
}

/// Writes an error and its causes to stderr, independent of `RUST_LOG`.
fn print_error(error: &dyn Error) {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    // There is no way to report that stderr is closed.
    let _ = writeln!(std::io::stderr().lock(), "demo-service: {message}");
}
