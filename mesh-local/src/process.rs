//! One child process: its output goes to a file, and it never outlives its handle.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

use crate::launcher::Launcher;

/// What to start.
#[derive(Debug)]
pub(crate) struct Program {
    /// The program and its arguments. Never empty.
    pub(crate) command_line: Vec<OsString>,
    /// Its whole environment.
    pub(crate) environment: Vec<(String, OsString)>,
    /// The file that takes what it prints, which is appended to.
    pub(crate) log: PathBuf,
}

/// A running child, in a process group of its own: a terminal's Ctrl-C does not reach it, and what it starts
/// ends with it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pid: u32,
}

impl Process {
    /// Starts a program.
    ///
    /// # Errors
    ///
    /// If it cannot be started. The error names it.
    pub(crate) fn start(program: Program, launcher: &Launcher) -> io::Result<Self> {
        let name = program.command_line.first().map(|name| name.display().to_string());
        let line = launcher.command_line(program.command_line);
        let (executable, arguments) = line.split_first().ok_or_else(|| io::Error::other("nothing to start"))?;
        let log = File::options().create(true).append(true).open(&program.log)?;
        let child = Command::new(executable)
            .args(arguments)
            .env_clear()
            .envs(program.environment)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                let name = name.unwrap_or_default();
                io::Error::new(error.kind(), format!("cannot start {name}: {error}"))
            })?;
        let pid = child
            .id()
            .ok_or_else(|| io::Error::other("a child without a process id"))?;
        Ok(Self { child, pid })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until it has ended, by itself. Cancelling this leaves it running.
    pub(crate) async fn ended(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await;
        // What it started is in its group, and has lost its reason to be.
        self.signal(Signal::KILL);
        status
    }

    /// Asks it to stop, and makes it after `grace`. Cancelling this makes it stop at once.
    pub(crate) async fn stop(mut self, grace: Duration) {
        self.signal(Signal::TERM);
        if tokio::time::timeout(grace, self.child.wait()).await.is_err() {
            self.signal(Signal::KILL);
            // Nothing survives SIGKILL; waiting only collects it.
            let _status = self.child.wait().await;
        }
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        signal_group(self.pid, signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.id().is_some() {
            self.signal(Signal::KILL);
        }
    }
}

/// Signals a process that leads a group of its own, and everything it started.
pub(crate) fn signal_group(leader: u32, signal: Signal) {
    let group = i32::try_from(leader).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        // It fails if the group is gone already, which is what a signal here is for.
        let _gone = kill_process_group(group, signal);
    }
}

/// How an exit status reads in a message.
pub(crate) fn describe(status: io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => match status.code() {
            Some(code) => format!("ended with exit code {code}"),
            None => format!("was ended: {status}"),
        },
        Err(error) => format!("was lost: {error}"),
    }
}

/// The end of a log file, indented, for a message.
pub(crate) fn tail(log: &Path) -> String {
    const LINES: usize = 20;
    let Ok(bytes) = std::fs::read(log) else {
        return format!("    (no log at {})", log.display());
    };
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    if lines.is_empty() {
        return "    (it printed nothing)".to_owned();
    }
    lines[lines.len().saturating_sub(LINES)..]
        .iter()
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
