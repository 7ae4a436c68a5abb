//! Server processes: this program, started again.
//!
//! A server reads one command per line from its standard input and answers each with one line.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::scenario::Scenario;
use crate::shape::Size;
use crate::{AnyError, control_plane, reference};

/// First argument of a server process.
const SERVER: &str = "__fleet-server";

/// What a server is, and where it listens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum ServerConfig {
    /// The control plane, after the changes of these scenarios.
    ControlPlane {
        size: Size,
        address: SocketAddr,
        after: Vec<Scenario>,
    },
    /// The reference, with the messages of this recording.
    Reference { address: SocketAddr, recording: String },
}

/// A command to a server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum ServerCommand {
    /// Waits until this number of nodes has ACKed everything.
    Settle { nodes: usize },
    /// Makes the changes of a scenario, and waits in the same way. The reference sends each of these nodes its messages
    /// so many times.
    Run {
        scenario: Scenario,
        nodes: usize,
        sends: Vec<(usize, usize)>,
    },
}

/// The answer to a command, and the first line of a server.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct ServerReport {
    pub(crate) address: SocketAddr,
    /// CPU time of the process so far.
    pub(crate) cpu: Duration,
}

/// Runs a server if this process was started as one.
pub(crate) fn run_child() -> Option<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next()? != SERVER {
        return None;
    }
    let config = arguments.next()?;
    let served = serde_json::from_str(&config)
        .map_err(AnyError::from)
        .and_then(|config| match config {
            ServerConfig::ControlPlane { size, address, after } => control_plane::serve(size, address, &after),
            ServerConfig::Reference { address, recording } => reference::serve(address, &recording),
        });
    Some(match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    })
}

/// Commands from the standard input, until it is closed.
pub(crate) fn commands() -> impl Iterator<Item = Result<ServerCommand, AnyError>> {
    let lines = std::io::stdin().lines();
    lines.map(|line| Ok(serde_json::from_str(&line?)?))
}

/// Answers a command.
pub(crate) fn report(address: SocketAddr) -> Result<(), AnyError> {
    let cpu = Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default();
    let mut line = serde_json::to_string(&ServerReport { address, cpu })?;
    line.push('\n');
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(line.as_bytes())?;
    Ok(stdout.flush()?)
}

/// As many open files as the system allows: each node has a connection.
pub(crate) fn raise_file_limit() -> Result<(), AnyError> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: maximum,
        maximum,
    };
    Ok(setrlimit(Resource::Nofile, limit)?)
}

/// A running server, killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    commands: ChildStdin,
    reports: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
    /// CPU time so far.
    pub(crate) cpu: Duration,
}

impl Server {
    pub(crate) fn start(config: &ServerConfig) -> Result<Self, AnyError> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([SERVER, &serde_json::to_string(config)?])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(commands), Some(reports)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the server has no pipes".into());
        };
        let mut reports = BufReader::new(reports);
        let ServerReport { address, cpu } = read(&mut reports)?;
        Ok(Self {
            child,
            commands,
            reports,
            address,
            cpu,
        })
    }

    /// Sends a command.
    pub(crate) fn send(&mut self, command: &ServerCommand) -> Result<(), AnyError> {
        let mut line = serde_json::to_string(command)?;
        line.push('\n');
        Ok(self.commands.write_all(line.as_bytes())?)
    }

    /// Waits for the answer, and returns the CPU time since the last one.
    pub(crate) fn wait(&mut self) -> Result<Duration, AnyError> {
        let ServerReport { cpu, .. } = read(&mut self.reports)?;
        Ok(cpu.saturating_sub(std::mem::replace(&mut self.cpu, cpu)))
    }

    /// Resident memory now and at its peak, in bytes.
    pub(crate) fn memory(&self) -> Result<(u64, u64), AnyError> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| -> Result<u64, AnyError> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
            Ok(kilobytes.ok_or("no such field in /proc/PID/status")?.parse::<u64>()? * 1024)
        };
        Ok((field("VmRSS:")?, field("VmHWM:")?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; its error is on the terminal then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read<T: DeserializeOwned>(lines: &mut impl BufRead) -> Result<T, AnyError> {
    let mut line = String::new();
    if lines.read_line(&mut line)? == 0 {
        return Err("the server has ended".into());
    }
    Ok(serde_json::from_str(&line)?)
}
