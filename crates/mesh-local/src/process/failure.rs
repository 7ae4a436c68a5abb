//! What went wrong with a part of a task, and the last it printed.

use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::log::{Log, LogTail};

/// What went wrong. `Display` is a sentence without a full stop; below it is the end of the log, if there is one.
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
            Some(log) => write!(f, "; the end of its log:\n{log}"),
            None => Ok(()),
        }
    }
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProcessExit {
    /// Exit code 0.
    pub(crate) success: bool,
    /// How it reads after the name of what ended.
    pub(crate) how: String,
    /// Whether it was killed outright. It had no chance to print why, and its last lines would mislead.
    killed: bool,
}

impl ProcessExit {
    pub(crate) fn new(status: io::Result<ExitStatus>) -> Self {
        let signal = status.as_ref().ok().and_then(ExitStatusExt::signal);
        let how = match &status {
            Err(error) => format!("was lost: {error}"),
            Ok(status) => match (status.code(), signal) {
                (Some(code), _) => format!("ended with exit code {code}"),
                (None, Some(signal)) => format!("was killed ({})", signal_name(signal)),
                (None, None) => format!("was ended: {status}"),
            },
        };
        Self {
            success: status.is_ok_and(|status| status.success()),
            how,
            killed: signal == Some(9),
        }
    }

    /// The end of the log, if it can tell anything about this ending.
    pub(crate) fn told(&self, log: &Log) -> Option<LogTail> {
        if self.killed { None } else { log.end() }
    }
}

/// The signals that end processes in practice and whose numbers are the same everywhere.
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
