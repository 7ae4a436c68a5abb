//! `logs`: prints and follows the logs of containers, from the files in the run directory.

mod files;
mod tail;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use console::Style;
use mesh_local::RunDir;
use regex_lite::Regex;
use stop_signals::StopSignals;

use self::files::LogFile;
use self::tail::{Follower, last_lines};
use super::RunningCommandError;
use super::columns::plain;
use crate::cli::error::CliError;
use crate::console::show;
use crate::exit_code::Exit;
use crate::running::registry::RunningMesh;

/// Interval between two reads of the followed files.
const INTERVAL: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
pub(crate) struct LogsArguments {
    /// Print new lines until Ctrl-C, or until the mesh stops
    #[arg(short, long)]
    follow: bool,
    /// Number of lines to print of each container, from the end
    #[arg(short = 'n', long, value_name = "LINES", default_value_t = 100)]
    tail: usize,
    /// Print only lines that match this regular expression
    #[arg(long, value_name = "REGEX", value_parser = regex)]
    grep: Option<Regex>,
    /// Print only the log of this container; `envoy` is the Envoy
    #[arg(long)]
    container: Option<String>,
    /// Service or task, such as api or api/1. Default: all
    #[arg(value_name = "SERVICE|TASK")]
    name: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum LogsError {
    #[error("there is no log of {what}{hint}")]
    Unknown { what: String, hint: String },
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

fn regex(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| error.to_string())
}

pub(super) async fn run(mesh: &RunningMesh, arguments: &LogsArguments) -> Result<Exit, CliError> {
    let mut signals = StopSignals::for_terminal().map_err(CliError::Signals)?;
    let printing = print_logs(mesh, arguments);
    tokio::select! {
        printed = printing => {
            printed.map_err(RunningCommandError::from)?;
            Ok(Exit::Done)
        }
        _signal = signals.next_distinct() => Ok(Exit::Interrupted),
    }
}

async fn print_logs(mesh: &RunningMesh, arguments: &LogsArguments) -> Result<(), LogsError> {
    let all = files::of_run_dir(&mesh.run_dir)?;
    let wanted: Vec<&LogFile> = all.iter().filter(|file| arguments.selects(file)).collect();
    if wanted.is_empty() && (arguments.name.is_some() || arguments.container.is_some()) {
        return Err(arguments.unknown(&all));
    }
    let mut followers: BTreeMap<PathBuf, Follower> = BTreeMap::new();
    for file in wanted {
        let (lines, follower) = last_lines(&file.path, arguments.tail)?;
        for line in lines {
            arguments.print(file, &line);
        }
        followers.insert(file.path.clone(), follower);
    }
    while arguments.follow && RunDir::is_in_use(&mesh.run_dir) {
        let files = match files::of_run_dir(&mesh.run_dir) {
            // The mesh has just ended.
            Err(_) if !RunDir::is_in_use(&mesh.run_dir) => break,
            files => files?,
        };
        for file in files.iter().filter(|file| arguments.selects(file)) {
            // The log of a task that started after this command is printed from its beginning.
            let follower = followers.entry(file.path.clone()).or_default();
            for line in follower.new_lines(&file.path)? {
                arguments.print(file, &line);
            }
        }
        tokio::time::sleep(INTERVAL).await;
    }
    Ok(())
}

impl LogsArguments {
    fn selects(&self, file: &LogFile) -> bool {
        let is_named = self
            .name
            .as_deref()
            .is_none_or(|name| name == file.service || name == file.task);
        let is_container = match self.container.as_deref() {
            Some(container) => container == file.container,
            None => !file.is_envoy(),
        };
        is_named && is_container
    }

    fn print(&self, file: &LogFile, line: &str) {
        let line = plain(line);
        if self.grep.as_ref().is_none_or(|grep| grep.is_match(&line)) {
            let name = color(&file.task).apply_to(format!("{} {} |", file.task, file.container));
            show(&format!("{name} {line}"));
        }
    }

    fn unknown(&self, all: &[LogFile]) -> LogsError {
        let what = match (&self.name, &self.container) {
            (Some(name), Some(container)) => format!("container `{container}` of `{name}`"),
            (None, Some(container)) => format!("a container `{container}`"),
            (name, None) => format!("`{}`", name.as_deref().unwrap_or_default()),
        };
        let mut names: Vec<String> = all
            .iter()
            .map(|file| format!("{} {}", file.task, file.container))
            .collect();
        names.dedup();
        let hint = match names.is_empty() {
            true => "; no container has started".to_owned(),
            false => format!("; there are {}", names.join(", ")),
        };
        LogsError::Unknown { what, hint }
    }
}

/// The color of a task's name, which is none where standard output is no terminal.
fn color(task: &str) -> Style {
    const COLORS: [u8; 6] = [2, 3, 4, 5, 6, 9];
    let sum: usize = task.bytes().map(usize::from).sum();
    Style::new().color256(COLORS[sum % COLORS.len()])
}
