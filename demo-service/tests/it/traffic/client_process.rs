//! The load client as a child process, killed on drop.

use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use testkit::with_timeout;

/// Arguments and environment of the binary; no other variables are set.
pub(crate) struct Client {
    command: Command,
}

/// Exit code and output.
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

    /// Runs the binary until it exits.
    pub(crate) async fn outcome(mut self) -> Outcome {
        let Output { status, stdout, stderr } = with_timeout(self.command.output()).await.expect("the binary starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8 output");
        Outcome {
            code: status.code(),
            stdout: text(stdout),
            stderr: text(stderr),
        }
    }

    pub(crate) fn start(mut self) -> Running {
        let mut child = self.command.spawn().expect("the binary starts");
        let stdout = child.stdout.take().expect("stdout is piped");
        Running {
            child,
            stdout: Some(BufReader::new(stdout)),
            read: String::new(),
        }
    }
}

/// A running client. Killed on drop.
pub(crate) struct Running {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    /// The output so far.
    read: String,
}

impl Running {
    /// The next line of output.
    pub(crate) async fn line(&mut self) -> String {
        let stdout = self.stdout.as_mut().expect("stdout is open");
        let mut line = String::new();
        with_timeout(stdout.read_line(&mut line))
            .await
            .expect("stdout can be read");
        self.read.push_str(&line);
        line.trim_end().to_owned()
    }

    /// Reads for a short time: true if the output so far contains `text`.
    #[cfg(unix)]
    pub(crate) async fn has_printed(&mut self, text: &str) -> bool {
        let stdout = self.stdout.as_mut().expect("stdout is open");
        let reading = stdout.read_line(&mut self.read);
        if let Ok(read) = tokio::time::timeout(Duration::from_millis(100), reading).await {
            let read = read.expect("stdout can be read");
            assert!(read > 0 || self.read.contains(text), "the client exited: {}", self.read);
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
        rustix::process::kill_process(pid.expect("the process runs"), signal).expect("the process can be signalled");
    }

    pub(crate) fn close_stdout(&mut self) {
        self.stdout = None;
    }

    /// Waits for its exit.
    pub(crate) async fn end(mut self) -> Outcome {
        if let Some(mut stdout) = self.stdout.take() {
            with_timeout(stdout.read_to_string(&mut self.read))
                .await
                .expect("UTF-8 output");
        }
        let mut stderr = String::new();
        let mut pipe = self.child.stderr.take().expect("stderr is piped");
        with_timeout(pipe.read_to_string(&mut stderr))
            .await
            .expect("UTF-8 output");
        let status = with_timeout(self.child.wait()).await.expect("the process exits");
        Outcome {
            code: status.code(),
            stdout: std::mem::take(&mut self.read),
            stderr,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Waits, so that no process remains. A killed process exits immediately.
        if self.child.start_kill().is_ok() {
            while let Ok(None) = self.child.try_wait() {
                std::thread::yield_now();
            }
        }
    }
}
