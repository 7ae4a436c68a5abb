//! The binary as a test sees it: started, asked, stopped, and gone when the test is over.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// Nothing here takes a second; a test that waits longer than this would wait forever.
const TOO_LONG: Duration = Duration::from_secs(60);

/// What `work` gives, unless it would never come.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(TOO_LONG, work).await.expect("it comes soon")
}

/// The binary with its arguments and nothing but these variables in its environment.
pub(crate) struct Settings {
    arguments: Vec<String>,
    variables: BTreeMap<String, String>,
}

impl Settings {
    /// A service called `green` on a port that the OS chooses, in no mesh.
    pub(crate) fn green() -> Self {
        Self::nothing().with("SERVICE_NAME", "green").with("SERVICE_PORT", "0")
    }

    pub(crate) fn nothing() -> Self {
        Self {
            arguments: Vec::new(),
            variables: BTreeMap::new(),
        }
    }

    pub(crate) fn with(mut self, variable: &str, value: impl ToString) -> Self {
        self.variables.insert(variable.to_owned(), value.to_string());
        self
    }

    /// In a mesh with the suffix `appmesh`.
    pub(crate) fn beside(self, sidecar: SocketAddr) -> Self {
        self.with("MESHWRIGHT_EGRESS", sidecar)
            .with("MESHWRIGHT_SUFFIXES", "appmesh")
    }

    pub(crate) fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_demo-service"));
        command.args(&self.arguments).env_clear().envs(&self.variables);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.kill_on_drop(true);
        command
    }

    /// Runs to its end, which must come by itself: exit code, stdout, stderr.
    pub(crate) async fn outcome(&self) -> (Option<i32>, String, String) {
        let Output { status, stdout, stderr } = soon(self.command().output()).await.expect("the binary runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it writes UTF-8");
        (status.code(), text(stdout), text(stderr))
    }

    /// Starts and waits for the start line.
    pub(crate) async fn start(&self) -> Demo {
        let mut child = self.command().spawn().expect("the binary runs");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let mut stderr = child.stderr.take().expect("stderr is piped");
        let log = tokio::spawn(async move {
            let mut log = String::new();
            stderr.read_to_string(&mut log).await.expect("it logs UTF-8");
            log
        });
        let line = soon(stdout.next_line()).await.expect("stdout can be read");
        let Some(start_line) = line else {
            panic!("it did not start: {}", soon(log).await.expect("the log is read"));
        };
        let port = start_line.rsplit(' ').next().and_then(|port| port.parse().ok());
        Demo {
            child,
            log,
            address: SocketAddr::from(([127, 0, 0, 1], port.expect("the start line ends in a port"))),
            start_line,
        }
    }
}

/// A service that runs. Killed with its value, if it is still there.
pub(crate) struct Demo {
    child: Child,
    log: JoinHandle<String>,
    pub(crate) address: SocketAddr,
    pub(crate) start_line: String,
}

impl Demo {
    pub(crate) async fn get(&self, path: &str) -> Response {
        self.call(Method::GET, path, &[]).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut request = client.request(method, format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        soon(request.send()).await.expect("the service answers")
    }

    /// Status and body of the answer.
    pub(crate) async fn document(&self, path: &str) -> (StatusCode, String) {
        let response = self.get(path).await;
        assert_eq!(response.headers()["content-type"], "application/json");
        (
            response.status(),
            soon(response.text()).await.expect("the body arrives"),
        )
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

    /// Waits for its end: how it ended, and what it logged.
    pub(crate) async fn end(mut self) -> (ExitStatus, String) {
        let status = soon(self.child.wait()).await.expect("it ends");
        let log = soon(&mut self.log).await.expect("the log is read");
        (status, log)
    }

    /// Kills it, to see what it logged.
    pub(crate) async fn log(mut self) -> String {
        self.child.start_kill().expect("it can be killed");
        self.end().await.1
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Waited for, so that no test leaves a process behind. A process that is killed ends at once.
        if self.child.start_kill().is_ok() {
            while let Ok(None) = self.child.try_wait() {
                std::thread::yield_now();
            }
        }
    }
}
