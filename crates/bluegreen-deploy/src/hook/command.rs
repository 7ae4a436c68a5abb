//! Hooks that are commands: a process group of its own, which is gone when the call has ended.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use bluegreen_state::HookStatus;
use mesh_local::Launcher;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};

use super::HookCall;
use super::output::Tail;
use super::response;

/// Runs a command, and returns its result with the last lines of its output. Dropping the future kills it.
pub(super) async fn run(
    program: &str,
    arguments: &[String],
    call: &HookCall<'_>,
    launcher: &Launcher,
    timeout: Duration,
) -> (HookStatus, Vec<String>) {
    let mut process = match HookProcess::start(program, arguments, call, launcher) {
        Ok(process) => process,
        Err(error) => return (HookStatus::Failed(format!("cannot start it: {error}")), Vec::new()),
    };
    let ended = tokio::time::timeout(timeout, process.ended()).await;
    process.kill_group();
    let status = match ended {
        Err(_elapsed) => HookStatus::Failed(format!(
            "it did not end within {}, and was killed",
            humantime::format_duration(timeout)
        )),
        Ok(Err(error)) => HookStatus::Failed(format!("cannot wait for its end: {error}")),
        Ok(Ok(status)) => {
            process.drain();
            result(status, process.output.last_line().as_deref())
        }
    };
    (status, process.output.lines())
}

/// The result of a command with this exit status, and this last line of output.
fn result(status: ExitStatus, last_line: Option<&str>) -> HookStatus {
    match (status.code(), status.signal()) {
        (Some(0), _) => match last_line.and_then(response::parse_last_line) {
            Some(Ok(status)) => status,
            Some(Err(reason)) => HookStatus::Failed(format!("the last line of its output is invalid: {reason}")),
            None => HookStatus::Succeeded,
        },
        (Some(code), _) => HookStatus::Failed(format!("exit code {code}")),
        (None, Some(signal)) => HookStatus::Failed(format!("ended by signal {signal}")),
        (None, None) => HookStatus::Failed(status.to_string()),
    }
}

struct HookProcess {
    child: Child,
    group: Option<Pid>,
    /// Standard output and standard error, in the order of writes.
    pipe: pipe::Receiver,
    output: Tail,
}

impl HookProcess {
    fn start(program: &str, arguments: &[String], call: &HookCall<'_>, launcher: &Launcher) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let line = std::iter::once(program).chain(arguments.iter().map(String::as_str));
        let line = launcher.command_line(line.map(OsString::from).collect());
        let (executable, arguments) = line
            .split_first()
            .ok_or_else(|| io::Error::other("empty command line"))?;
        let child = Command::new(executable)
            .args(arguments)
            .envs(call.environment())
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self {
            group: child.id().and_then(|id| Pid::from_raw(id.cast_signed())),
            child,
            pipe: pipe::Receiver::from_owned_fd(reader.into())?,
            output: Tail::default(),
        })
    }

    /// Waits for the command itself, and reads output meanwhile. Its descendants may keep the output open.
    async fn ended(&mut self) -> io::Result<ExitStatus> {
        let mut buffer = [0; 8192];
        let mut is_open = true;
        loop {
            tokio::select! {
                status = self.child.wait() => return status,
                read = self.pipe.read(&mut buffer), if is_open => match read? {
                    0 => is_open = false,
                    length => self.output.push(&buffer[..length]),
                },
            }
        }
    }

    /// Reads the output that is there already.
    fn drain(&mut self) {
        let mut buffer = [0; 8192];
        while let Ok(length @ 1..) = self.pipe.try_read(&mut buffer) {
            self.output.push(&buffer[..length]);
        }
    }

    fn kill_group(&mut self) {
        if let Some(group) = self.group.take() {
            // It fails if the group is gone, which is the goal.
            let _gone = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for HookProcess {
    fn drop(&mut self) {
        self.kill_group();
    }
}
