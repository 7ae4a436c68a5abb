//! Commands on a mesh that runs on this machine, from any terminal.

mod columns;
mod detached;
mod exec;
mod logs;
mod proxies;
mod ps;
mod stop;
mod top;
mod trace;
mod wait;
mod weights;

use clap::{Args, Subcommand};
use serde::Serialize;

use self::detached::DetachError;
pub(crate) use self::detached::{DetachArguments, run as detached};
use self::exec::ExecError;
use self::logs::{LogsArguments, LogsError};
use self::stop::StopError;
use self::top::TopArguments;
use self::trace::TraceArguments;
use self::wait::{WaitError, WaitFor};
use crate::cli::error::CliError;
use crate::console::print;
use crate::exit_code::Exit;
use crate::running::client::{RunningClient, RunningError};
use crate::running::command::Changed;
use crate::running::registry::{self, SelectionError};

/// Version of the JSON documents of these commands. Fields may be added without a new one.
const JSON_VERSION: u32 = 1;

#[derive(Debug, Subcommand)]
pub(crate) enum RunningCommand {
    /// List the services and tasks of a running mesh
    Ps {
        #[command(flatten)]
        mesh: MeshSelection,
        #[command(flatten)]
        output: Output,
    },
    /// Print the logs of containers
    Logs {
        #[command(flatten)]
        mesh: MeshSelection,
        #[command(flatten)]
        logs: LogsArguments,
    },
    /// List the Envoys, and what they have acknowledged and rejected
    Proxies {
        #[command(flatten)]
        mesh: MeshSelection,
        #[command(flatten)]
        output: Output,
    },
    /// Run a command in the network of a task, with the environment of a container
    Exec {
        #[command(flatten)]
        mesh: MeshSelection,
        /// Container whose environment the command gets. Default: the first essential one
        #[arg(long)]
        container: Option<String>,
        /// Task, such as api/1
        task: String,
        /// Command and its arguments
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Replace the tasks of a service, or one task, without losing requests
    Restart {
        #[command(flatten)]
        mesh: MeshSelection,
        #[command(flatten)]
        output: Output,
        /// Service or task, such as api or api/1
        #[arg(value_name = "SERVICE|TASK")]
        name: String,
    },
    /// Kill the containers of a task (SIGKILL), as a crash would end them; the task starts again
    Kill {
        #[command(flatten)]
        mesh: MeshSelection,
        #[command(flatten)]
        output: Output,
        /// Only this container; `envoy` is the Envoy
        #[arg(long)]
        container: Option<String>,
        /// Task, such as api/1
        task: String,
    },
    /// Set the number of tasks of a service, until the template changes
    Scale {
        #[command(flatten)]
        mesh: MeshSelection,
        #[command(flatten)]
        output: Output,
        /// Service
        service: String,
        /// Number of tasks
        count: u32,
    },
    /// Print the weights of a route's targets, or set them until the template changes
    Weights {
        #[command(flatten)]
        mesh: MeshSelection,
        #[command(flatten)]
        output: Output,
        /// Route: its name, that of its virtual router, or mesh/M/virtualRouter/R/route/NAME
        route: String,
        /// Weights from 0 to 100 by virtual node; the others stay
        #[arg(value_name = "NODE=WEIGHT", value_parser = weights::weight)]
        weights: Vec<(String, u32)>,
    },
    /// Show the calls between services: rates, failures, latencies
    Top {
        #[command(flatten)]
        mesh: MeshSelection,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        top: TopArguments,
    },
    /// Make a request, and print its path and the timeline of its spans
    Trace {
        #[command(flatten)]
        mesh: MeshSelection,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        request: TraceArguments,
    },
    /// Wait until a mesh is ready, or until its Envoys have acknowledged the last change
    Wait {
        #[command(flatten)]
        mesh: MeshSelection,
        /// What to wait for
        #[arg(long = "for", value_name = "STATE", value_enum, default_value_t = WaitFor::Ready)]
        state: WaitFor,
        /// Fail after this time
        #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
        timeout: std::time::Duration,
    },
    /// Stop a running mesh
    Down {
        #[command(flatten)]
        mesh: MeshSelection,
    },
}

/// `--mesh`.
#[derive(Debug, Args)]
pub(crate) struct MeshSelection {
    /// Name or process id of the mesh. Default: the only one, or the one that was started in this directory
    #[arg(long = "mesh", value_name = "NAME|PID")]
    wanted: Option<String>,
}

/// `--json`.
#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Print JSON; see docs/cli.md for its fields
    #[arg(long)]
    json: bool,
}

/// Why a command on a running mesh failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunningCommandError {
    #[error(transparent)]
    Selection(#[from] SelectionError),
    #[error(transparent)]
    Running(#[from] RunningError),
    #[error(transparent)]
    Logs(#[from] LogsError),
    #[error(transparent)]
    Exec(#[from] ExecError),
    #[error(transparent)]
    Wait(#[from] WaitError),
    #[error(transparent)]
    Stop(#[from] StopError),
    #[error(transparent)]
    Detach(#[from] DetachError),
}

impl RunningCommandError {
    /// Whether a name does not exist.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Selection(SelectionError::Unknown(..) | SelectionError::Several(_))
                | Self::Running(RunningError::Unknown(_))
                | Self::Logs(LogsError::Unknown { .. })
        )
    }
}

/// Runs a command on a running mesh.
pub(crate) fn run(command: RunningCommand) -> Result<Exit, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(CliError::Runtime)?;
    if let RunningCommand::Exec {
        mesh,
        container,
        task,
        command,
    } = &command
    {
        let client = mesh.client()?;
        let prepared = runtime.block_on(exec::prepare(&client, task, container.as_deref(), command));
        drop(runtime);
        // Replaces this process.
        return Err(exec::exec(prepared?).into());
    }
    runtime.block_on(execute(command))
}

async fn execute(command: RunningCommand) -> Result<Exit, CliError> {
    match command {
        RunningCommand::Ps { mesh, output } => ps::run(&mesh.client()?, &output).await?,
        RunningCommand::Logs { mesh, logs } => return logs::run(&mesh.select()?, &logs).await,
        RunningCommand::Proxies { mesh, output } => proxies::run(&mesh.client()?, &output).await?,
        RunningCommand::Restart { mesh, output, name } => {
            let changed = mesh.client()?.restart(&name).await.map_err(RunningCommandError::from)?;
            output.print(&changed, &changes(&changed))?;
        }
        RunningCommand::Kill {
            mesh,
            output,
            container,
            task,
        } => {
            let killed = mesh.client()?.kill(&task, container.as_deref()).await;
            let killed = killed.map_err(RunningCommandError::from)?;
            let pids: Vec<String> = killed.pids.iter().map(ToString::to_string).collect();
            let text = format!("{task}: killed (pid {}); it starts again", pids.join(", "));
            output.print(&killed, &text)?;
        }
        RunningCommand::Scale {
            mesh,
            output,
            service,
            count,
        } => {
            let changed = mesh
                .client()?
                .scale(&service, count)
                .await
                .map_err(RunningCommandError::from)?;
            output.print(&changed, &changes(&changed))?;
        }
        RunningCommand::Weights {
            mesh,
            output,
            route,
            weights,
        } => weights::run(&mesh.client()?, &output, &route, weights).await?,
        RunningCommand::Top { mesh, output, top } => return top::run(&mesh.client()?, &output, &top).await,
        RunningCommand::Trace { mesh, output, request } => trace::run(&mesh.client()?, &output, request).await?,
        RunningCommand::Wait { mesh, state, timeout } => {
            let waited = wait::run(&mesh.client()?, state, timeout).await;
            waited.map_err(RunningCommandError::from)?;
        }
        RunningCommand::Down { mesh } => {
            let mesh = mesh.select()?;
            stop::run(&mesh).await.map_err(RunningCommandError::from)?;
            print(&format!("mesh {} stopped", mesh.name))?;
        }
        RunningCommand::Exec { .. } => unreachable!("carried out before"),
    }
    Ok(Exit::Done)
}

impl MeshSelection {
    fn select(&self) -> Result<registry::RunningMesh, CliError> {
        let selected = registry::select(self.wanted.as_deref());
        Ok(selected.map_err(RunningCommandError::from)?)
    }

    fn client(&self) -> Result<RunningClient, CliError> {
        Ok(RunningClient::new(self.select()?).map_err(RunningCommandError::from)?)
    }
}

impl Output {
    /// Prints a document as JSON or its text.
    fn print(&self, document: &impl Serialize, text: &str) -> Result<(), CliError> {
        if !self.json {
            return Ok(print(text)?);
        }
        let mut json = serde_json::json!({ "version": JSON_VERSION });
        let document = serde_json::to_value(document).unwrap_or_default();
        if let (Some(json), serde_json::Value::Object(fields)) = (json.as_object_mut(), document) {
            json.extend(fields);
        }
        Ok(print(&format!("{json:#}"))?)
    }
}

/// Describes a change of tasks.
fn changes(changed: &Changed) -> String {
    let Changed {
        started,
        stopped,
        unsettled,
    } = changed;
    let mut parts = Vec::new();
    for (action, names) in [
        ("started", started),
        ("stopped", stopped),
        ("not acknowledged in time by", unsettled),
    ] {
        if !names.is_empty() {
            parts.push(format!("{action} {}", names.join(", ")));
        }
    }
    match parts.is_empty() {
        true => "nothing to do".to_owned(),
        false => parts.join("; "),
    }
}
