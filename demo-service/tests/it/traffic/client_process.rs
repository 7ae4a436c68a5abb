//! The traffic client's binary as a test sees it.

use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::service_process::soon;

/// The binary with its arguments, and nothing in its environment but what a test puts there.
pub(crate) struct Client {
    command: Command,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Client {
    pub(crate) fn calling(address: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_traffic"));
        command.arg(address).env_clear().kill_on_drop(true);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self { command }
    }

    pub(crate) fn with(mut self, options: &str) -> Self {
        self.command.args(options.split_whitespace());
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs to its end, which must come by itself.
    pub(crate) async fn outcome(mut self) -> Outcome {
        let Output { status, stdout, stderr } = soon(self.command.output()).await.expect("the binary runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it writes UTF-8");
        Outcome {
            code: status.code(),
            stdout: text(stdout),
            stderr: text(stderr),
        }
    }

    pub(crate) fn start(mut self) -> Running {
        let mut child = self.command.spawn().expect("the binary runs");
        let stdout = child.stdout.take().expect("stdout is piped");
        Running {
            child,
            stdout: Some(BufReader::new(stdout)),
            read: String::new(),
        }
    }
}

/// A client that runs. Killed with its value, if it is still there.
pub(crate) struct Running {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    /// What it said so far.
    read: String,
}

impl Running {
    /// The next line that it says.
    pub(crate) async fn line(&mut self) -> String {
        let stdout = self.stdout.as_mut().expect("stdout is open");
        let mut line = String::new();
        soon(stdout.read_line(&mut line)).await.expect("stdout can be read");
        self.read.push_str(&line);
        line.trim_end().to_owned()
    }

    /// Reads what there is, for a short while: true if `text` is in what it said so far.
    #[cfg(unix)]
    pub(crate) async fn has_said(&mut self, text: &str) -> bool {
        let stdout = self.stdout.as_mut().expect("stdout is open");
        let reading = stdout.read_line(&mut self.read);
        if let Ok(read) = tokio::time::timeout(Duration::from_millis(100), reading).await {
            let read = read.expect("stdout can be read");
            assert!(read > 0 || self.read.contains(text), "it ended: {}", self.read);
        }
        self.read.contains(text)
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = self
            .child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.expect("it runs"), signal).expect("it can be signalled");
    }

    pub(crate) fn close_stdout(&mut self) {
        self.stdout = None;
    }

    /// Waits for its end.
    pub(crate) async fn end(mut self) -> Outcome {
        if let Some(mut stdout) = self.stdout.take() {
            soon(stdout.read_to_string(&mut self.read))
                .await
                .expect("it writes UTF-8");
        }
        let mut stderr = String::new();
        let mut pipe = self.child.stderr.take().expect("stderr is piped");
        soon(pipe.read_to_string(&mut stderr)).await.expect("it writes UTF-8");
        let status = soon(self.child.wait()).await.expect("it ends");
        Outcome {
            code: status.code(),
            stdout: std::mem::take(&mut self.read),
            stderr,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Waited for, so that no test leaves a process behind. A process that is killed ends at once.
        if self.child.start_kill().is_ok() {
            while let Ok(None) = self.child.try_wait() {
                std::thread::yield_now();
            }
        }
    }
}
