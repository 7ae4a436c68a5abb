//! `up --detach`: starts the mesh in the background, and waits until it runs.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use clap::Args;
use tokio::process::{Child, Command};

use super::{RunningCommandError, ps};
use crate::cli::error::CliError;
use crate::console::print;
use crate::exit_code::Exit;
use crate::running::client::RunningClient;
use crate::running::registry::{self, RunningMesh};
use crate::state_home::state_home;

/// Interval between two looks for the mesh.
const INTERVAL: Duration = Duration::from_millis(50);
/// Time for a mesh that fails to stop its tasks.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);
/// How much of a failed mesh's output is printed.
const OUTPUT_BYTES: u64 = 16 * 1024;

/// `--detach`.
#[derive(Debug, Args)]
pub(crate) struct DetachArguments {
    /// Run the mesh in the background: return when it runs. `meshwright down` stops it
    #[arg(short, long)]
    detach: bool,
    /// The same as --detach
    #[arg(long)]
    wait: bool,
    /// This process is the mesh in the background.
    #[arg(long, hide = true)]
    background: bool,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum DetachError {
    #[error("no directory for the output of the mesh: neither XDG_STATE_HOME nor HOME is an absolute path")]
    NoDirectory,
    #[error("cannot write the output of the mesh to {}", path.display())]
    Output {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot start the mesh in the background")]
    Start(#[source] io::Error),
    #[error("the mesh did not start; the end of its output, {}:\n{output}", path.display())]
    Failed { path: PathBuf, output: String },
}

impl DetachArguments {
    /// Whether the mesh is to run in the background of this process.
    pub(crate) fn is_requested(&self) -> bool {
        (self.detach || self.wait) && !self.background
    }

    /// Detaches this process from the terminal, if it is the mesh in the background.
    pub(crate) fn leave_terminal(&self) -> Result<(), DetachError> {
        if self.background {
            rustix::process::setsid().map_err(|error| DetachError::Start(error.into()))?;
        }
        Ok(())
    }
}

/// Starts this command line again in the background, and waits until its mesh runs.
pub(crate) fn run(name: &str) -> Result<Exit, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(CliError::Runtime)?;
    runtime.block_on(async {
        let (mesh, client) = start(name).await?;
        let description = client.describe().await.map_err(RunningCommandError::from)?;
        print(&ps::text(&mesh, &description, SystemTime::now()))?;
        Ok(Exit::Done)
    })
}

async fn start(name: &str) -> Result<(RunningMesh, RunningClient), RunningCommandError> {
    let directory = state_home(|name| std::env::var_os(name).map(PathBuf::from)).ok_or(DetachError::NoDirectory)?;
    let path = directory.join(format!("{name}.out"));
    let (output, errors) = open_output(&path).map_err(|source| DetachError::Output {
        path: path.clone(),
        source,
    })?;
    let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    arguments.push("--background".into());
    let program = std::env::current_exe().map_err(DetachError::Start)?;
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .spawn();
    let mut child = child.map_err(DetachError::Start)?;
    match wait_until_it_runs(&mut child).await {
        Some(started) => started,
        None => Err(DetachError::Failed {
            output: end_of(&path),
            path,
        }
        .into()),
    }
}

/// Creates the file of a mesh's output anew, private as logs are.
fn open_output(path: &Path) -> io::Result<(File, File)> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

    if let Some(directory) = path.parent() {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
    }
    let mut options = File::options();
    let output = options.create(true).write(true).truncate(true).mode(0o600).open(path)?;
    let errors = File::options().append(true).open(path)?;
    Ok((output, errors))
}

/// `None` if the mesh ends first.
async fn wait_until_it_runs(child: &mut Child) -> Option<Result<(RunningMesh, RunningClient), RunningCommandError>> {
    let pid = child.id()?;
    let running = async {
        let mesh = loop {
            if let Some(mesh) = registry::all().into_iter().find(|mesh| mesh.pid == pid) {
                break mesh;
            }
            tokio::time::sleep(INTERVAL).await;
        };
        let client = RunningClient::new(mesh.clone())?;
        // It responds once everything has started.
        client.wait_until_it_responds().await?;
        Ok((mesh, client))
    };
    tokio::select! {
        biased;
        _ended = child.wait() => None,
        running = running => match running {
            Ok(running) => Some(Ok(running)),
            // The mesh ends, and its output has the reason.
            Err(error) => match tokio::time::timeout(STOP_TIMEOUT, child.wait()).await {
                Ok(_ended) => None,
                Err(_) => Some(Err(error)),
            },
        },
    }
}

fn end_of(path: &Path) -> String {
    let read = || {
        let mut file = File::open(path)?;
        let start = file.metadata()?.len().saturating_sub(OUTPUT_BYTES);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(OUTPUT_BYTES).read_to_end(&mut bytes)?;
        Ok::<_, io::Error>(String::from_utf8_lossy(&bytes).trim_end().to_owned())
    };
    read().unwrap_or_else(|error| format!("cannot read it: {error}"))
}
