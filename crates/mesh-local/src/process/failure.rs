//! Failures of a task's parts, with the end of their logs.

use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::log::{Log, LogTail};

/// A failure of a task. `Display` is a sentence without a full stop, followed by the end of the log, if any.
#[derive(Debug, Clone)]
pub(crate) struct TaskFailure {
    pub(crate) what: String,
    pub(crate) log: Option<LogTail>,
}

impl From<String> for TaskFailure {
    fn from(what: String) -> Self {
        Self { what, log: None }
    }
}

impl fmt::Display for TaskFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.log {
            Some(log) => write!(f, "; last log lines:\n{log}"),
            None => Ok(()),
        }
    }
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProcessExit {
    /// Exit code 0.
    pub(crate) success: bool,
    /// Predicate of a sentence about the process, such as `ended with exit code 1`.
    pub(crate) description: String,
    /// Whether it was killed by SIGKILL. Its last log lines do not explain that, and would mislead.
    killed: bool,
}

impl ProcessExit {
    pub(crate) fn new(status: io::Result<ExitStatus>) -> Self {
        let signal = status.as_ref().ok().and_then(ExitStatusExt::signal);
        let description = match &status {
            Err(error) => format!("could not be waited for: {error}"),
            Ok(status) => match (status.code(), signal) {
                (Some(code), _) => format!("ended with exit code {code}"),
                (None, Some(signal)) => format!("was killed ({})", signal_name(signal)),
                (None, None) => format!("was ended: {status}"),
            },
        };
        Self {
            success: status.is_ok_and(|status| status.success()),
            description,
            killed: signal == Some(9),
        }
    }

    /// The end of the log, if it may explain this exit.
    pub(crate) fn log_tail(&self, log: &Log) -> Option<LogTail> {
        if self.killed { None } else { log.tail() }
    }
}

/// Signals that end processes in practice and have the same number on all platforms.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}
