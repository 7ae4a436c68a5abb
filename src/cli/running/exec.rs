//! `exec`: runs a command in the network of a task.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::RunningCommandError;
use crate::running::client::{RunningClient, RunningError};
use crate::up::enter_namespaces;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ExecError {
    #[error("cannot run `{program}`")]
    Start {
        program: String,
        #[source]
        source: io::Error,
    },
}

/// A command, ready to replace this process.
#[derive(Debug)]
pub(super) struct Prepared {
    words: Vec<String>,
    environment: BTreeMap<String, String>,
}

/// Finds the network and the environment for a command.
pub(super) async fn prepare(
    client: &RunningClient,
    task: &str,
    container: Option<&str>,
    command: &[String],
) -> Result<Prepared, RunningCommandError> {
    let environment = client.environment(task, container).await?;
    let description = client.describe().await?;
    let described = description.tasks.iter().find(|described| described.task == task);
    let described = described.ok_or_else(|| RunningError::Failed(format!("{task} has ended")))?;
    let mut words = match (described.network_pid, description.network_pid) {
        (Some(pid), _) => enter_namespaces(pid),
        // The namespace of a task comes and goes with its runs.
        (None, Some(_)) => {
            let message = format!("{task} is not running, and has no network");
            return Err(RunningError::Failed(message).into());
        }
        (None, None) => Vec::new(),
    };
    words.extend_from_slice(command);
    Ok(Prepared { words, environment })
}

/// Replaces this process; returns only a failure.
pub(super) fn exec(prepared: Prepared) -> RunningCommandError {
    let Prepared { words, environment } = prepared;
    let program = words.first().cloned().unwrap_or_default();
    let mut command = Command::new(&program);
    command.args(&words[1..]).env_clear().envs(environment);
    // What the terminal is, for interactive programs.
    command.envs(std::env::vars_os().filter(|(name, _)| name == "TERM"));
    let source = command.exec();
    ExecError::Start { program, source }.into()
}
