//! A child process: its output goes to a file, and it ends with its handle.

mod failure;
mod log;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

pub(crate) use self::failure::{ProcessExit, TaskFailure};
pub(crate) use self::log::Log;
use crate::launcher::Launcher;

/// A program to start.
#[derive(Debug)]
pub(crate) struct Program {
    /// The program and its arguments. Never empty.
    pub(crate) command_line: Vec<OsString>,
    /// Its whole environment.
    pub(crate) environment: Vec<(String, OsString)>,
    /// The file to which its output is appended.
    pub(crate) log: PathBuf,
}

/// A running child in a process group of its own: a terminal's Ctrl-C does not reach it, and its descendants end with
/// it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pid: u32,
    log: Log,
}

impl Process {
    /// Starts a program.
    ///
    /// # Errors
    ///
    /// If it cannot be started. The error contains its name.
    pub(crate) fn start(program: Program, launcher: &Launcher) -> io::Result<Self> {
        let name = program.command_line.first().map(|name| name.display().to_string());
        let line = launcher.command_line(program.command_line);
        let (executable, arguments) = line
            .split_first()
            .ok_or_else(|| io::Error::other("empty command line"))?;
        let (log, file) = Log::open(&program.log)?;
        let child = Command::new(executable)
            .args(arguments)
            .env_clear()
            .envs(program.environment)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                let name = name.unwrap_or_default();
                io::Error::new(error.kind(), format!("cannot start {name}: {error}"))
            })?;
        let pid = child
            .id()
            .ok_or_else(|| io::Error::other("the child has no process id"))?;
        Ok(Self { child, pid, log })
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for the process to end by itself. Cancelling this leaves it running.
    pub(crate) async fn ended(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await;
        // End its descendants, which are in its process group.
        self.signal(Signal::KILL);
        status
    }

    /// Sends SIGTERM, and SIGKILL after `grace`. Cancelling this sends SIGKILL at once.
    pub(crate) async fn stop(mut self, grace: Duration) {
        self.signal(Signal::TERM);
        if tokio::time::timeout(grace, self.child.wait()).await.is_err() {
            self.signal(Signal::KILL);
            // SIGKILL cannot be ignored; this only reaps the process.
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

/// Signals the process group of a leader.
pub(crate) fn signal_group(leader: u32, signal: Signal) {
    let group = i32::try_from(leader).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        // It fails if the group has ended already, which is the goal of a signal here.
        let _gone = kill_process_group(group, signal);
    }
}
