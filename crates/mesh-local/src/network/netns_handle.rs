//! Handle of a network namespace and its init process.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use super::netns_init::{NetnsSetup, READY, TaskNetnsSetup, delete_veth};
use crate::environment;
use crate::launcher::Launcher;

/// Timeout for creating a namespace. It takes some ten milliseconds.
const READY_TIMEOUT: Duration = Duration::from_secs(20);

/// A network namespace with its init process. Dropping it kills the init process; the namespace ends with its last
/// process and socket.
#[derive(Debug)]
pub(crate) struct NetnsHandle {
    child: Mutex<Child>,
    pid: u32,
    /// The init process of the bridge, if this is a task's namespace.
    bridge: Option<u32>,
}

impl NetnsHandle {
    /// Creates the network between all tasks. Cancelling this leaves nothing behind.
    ///
    /// # Errors
    ///
    /// If a step fails, with its error.
    pub(crate) async fn of_bridge(launcher: &Launcher) -> io::Result<Self> {
        let start = Self::start(&NetnsSetup::Bridge, launcher);
        start
            .await
            .map_err(|error| prefixed("cannot create the network between tasks", &error))
    }

    /// Creates a task's network, connected to the bridge. Cancelling this leaves nothing behind.
    ///
    /// # Errors
    ///
    /// If a step fails, with its error.
    pub(crate) async fn of_task(setup: TaskNetnsSetup, launcher: &Launcher) -> io::Result<Self> {
        let (address, bridge) = (setup.address, setup.bridge);
        let start = Self::start(&NetnsSetup::Task(setup), launcher).await;
        let handle =
            start.map_err(|error| prefixed(&format!("cannot create the network of the task at {address}"), &error))?;
        Ok(Self {
            bridge: Some(bridge),
            ..handle
        })
    }

    async fn start(setup: &NetnsSetup, launcher: &Launcher) -> io::Result<Self> {
        let line = launcher.init_netns(&serde_json::to_string(setup)?)?;
        let (executable, arguments) = line
            .split_first()
            .ok_or_else(|| io::Error::other("empty command line"))?;
        let mut child = Command::new(executable)
            .args(arguments)
            .env_clear()
            .envs(environment::inherited())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A terminal's Ctrl-C must not reach it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| prefixed(&format!("cannot start {}", executable.display()), &error))?;
        let pid = child
            .id()
            .ok_or_else(|| io::Error::other("the child has no process id"))?;
        match tokio::time::timeout(READY_TIMEOUT, read_report(&mut child)).await {
            Err(_) => Err(io::Error::other(format!(
                "timed out after {} s",
                READY_TIMEOUT.as_secs()
            ))),
            Ok(Err(error)) => Err(error),
            Ok(Ok(report)) if report == READY => Ok(Self {
                child: Mutex::new(child),
                pid,
                bridge: None,
            }),
            Ok(Ok(report)) => Err(io::Error::other(report)),
        }
    }

    /// The init process.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for an unexpected end of the init process. Cancelling this loses nothing.
    ///
    /// # Errors
    ///
    /// If its status is not available.
    pub(crate) async fn ended(&self) -> io::Result<ExitStatus> {
        self.child.lock().await.wait().await
    }

    /// Disconnects a task's network, kills the init process and waits for its end. Other programs in the namespace keep
    /// running without a connection, so their address can be reused.
    pub(crate) async fn end(self) {
        let mut child = self.child.into_inner();
        if let Some(bridge) = self.bridge {
            let pid = self.pid;
            let deleted = tokio::task::spawn_blocking(move || delete_veth(bridge, pid)).await;
            let deleted = deleted.unwrap_or_else(|panic| Err(io::Error::other(panic)));
            // If the init process has ended, the link may be gone with it.
            if let (Err(error), Ok(None)) = (deleted, child.try_wait()) {
                tracing::warn!("cannot delete the veth link of an ending task: {error}");
            }
        }
        // It fails only if the init process has ended already.
        let _gone = child.kill().await;
    }
}

/// The init process's report on standard output: [`READY`], or an error.
async fn read_report(child: &mut Child) -> io::Result<String> {
    let mut report = Vec::new();
    if let Some(stdout) = &mut child.stdout {
        let mut buffer = [0; 1024];
        while !report.starts_with(format!("{READY}\n").as_bytes()) {
            match stdout.read(&mut buffer).await? {
                0 => break,
                read => report.extend_from_slice(&buffer[..read]),
            }
        }
    }
    if report.is_empty() {
        // The launcher failed before; its error is on standard error.
        if let Some(stderr) = &mut child.stderr {
            stderr.read_to_end(&mut report).await?;
        }
    }
    match String::from_utf8_lossy(&report).trim() {
        "" => Err(io::Error::other("its process ended without output")),
        report => Ok(report.to_owned()),
    }
}

fn prefixed(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}
