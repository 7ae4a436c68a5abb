//! The service as a child process, killed on drop.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::{ExitStatus, Output, Stdio};

use reqwest::{Method, Response, StatusCode};
use testkit::with_timeout;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// Arguments and environment of the binary; no other variables are set.
pub(crate) struct Settings {
    arguments: Vec<String>,
    variables: BTreeMap<String, String>,
}

impl Settings {
    /// A service named `green` on a free port, without a mesh.
    pub(crate) fn green() -> Self {
        Self::empty().with("SERVICE_NAME", "green").with("SERVICE_PORT", "0")
    }

    pub(crate) fn empty() -> Self {
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

    /// Runs the binary until it exits: exit code, stdout, stderr.
    pub(crate) async fn outcome(&self) -> (Option<i32>, String, String) {
        let Output { status, stdout, stderr } = with_timeout(self.command().output()).await.expect("the binary starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8 output");
        (status.code(), text(stdout), text(stderr))
    }

    /// Starts the service and waits for its start line.
    pub(crate) async fn start(&self) -> ServiceProcess {
        let mut child = self.command().spawn().expect("the binary starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let mut stderr = child.stderr.take().expect("stderr is piped");
        let log = tokio::spawn(async move {
            let mut log = String::new();
            stderr.read_to_string(&mut log).await.expect("a UTF-8 log");
            log
        });
        let line = with_timeout(stdout.next_line()).await.expect("stdout can be read");
        let Some(start_line) = line else {
            panic!(
                "the service did not start: {}",
                with_timeout(log).await.expect("the log is read")
            );
        };
        let port = start_line.rsplit(' ').next().and_then(|port| port.parse().ok());
        ServiceProcess {
            child,
            log,
            address: SocketAddr::from(([127, 0, 0, 1], port.expect("the start line ends in a port"))),
            start_line,
        }
    }
}

/// A running service. Killed on drop.
pub(crate) struct ServiceProcess {
    child: Child,
    log: JoinHandle<String>,
    pub(crate) address: SocketAddr,
    pub(crate) start_line: String,
}

impl ServiceProcess {
    pub(crate) async fn get(&self, path: &str) -> Response {
        self.call(Method::GET, path, &[]).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut request = client.request(method, format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        with_timeout(request.send()).await.expect("the service responds")
    }

    /// Status and body of the response.
    pub(crate) async fn get_json(&self, path: &str) -> (StatusCode, String) {
        let response = self.get(path).await;
        assert_eq!(response.headers()["content-type"], "application/json");
        (
            response.status(),
            with_timeout(response.text()).await.expect("the body arrives"),
        )
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

    /// Waits for its exit: status and log.
    pub(crate) async fn end(mut self) -> (ExitStatus, String) {
        let status = with_timeout(self.child.wait()).await.expect("the process exits");
        let log = with_timeout(&mut self.log).await.expect("the log is read");
        (status, log)
    }

    /// Kills it and returns its log.
    pub(crate) async fn log(mut self) -> String {
        self.child.start_kill().expect("the process can be killed");
        self.end().await.1
    }
}

impl Drop for ServiceProcess {
    fn drop(&mut self) {
        // Waits, so that no process remains. A killed process exits immediately.
        if self.child.start_kill().is_ok() {
            while let Ok(None) = self.child.try_wait() {
                std::thread::yield_now();
            }
        }
    }
}
