//! A process that holds a network, as the runner sees it.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use super::netns_init::{NetnsSetup, READY, TaskNetnsSetup, delete_veth};
use crate::environment;
use crate::launcher::Launcher;

/// How long making a network may take. It takes some ten milliseconds.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// A network and whoever holds it. Dropping it kills the holder; the network goes when the last process in it does,
/// and the last socket.
#[derive(Debug)]
pub(crate) struct NetnsHandle {
    child: Mutex<Child>,
    pid: u32,
    /// The holder of the bridge that its network has a veth into, if it is a task's.
    bridge: Option<u32>,
}

impl NetnsHandle {
    /// Makes the network between all tasks. Cancelling this leaves nothing behind.
    ///
    /// # Errors
    ///
    /// If that is impossible; with the words of whatever refused.
    pub(crate) async fn of_bridge(launcher: &Launcher) -> io::Result<Self> {
        let start = Self::start(&NetnsSetup::Bridge, launcher);
        start
            .await
            .map_err(|error| prefixed("cannot make a network for tasks", &error))
    }

    /// Makes a task's network, connected to the bridge's. Cancelling this leaves nothing behind.
    ///
    /// # Errors
    ///
    /// If that is impossible; with the words of whatever refused.
    pub(crate) async fn of_task(setup: TaskNetnsSetup, launcher: &Launcher) -> io::Result<Self> {
        let (address, bridge) = (setup.address, setup.bridge);
        let start = Self::start(&NetnsSetup::Task(setup), launcher).await;
        let holder =
            start.map_err(|error| prefixed(&format!("cannot make the network of the task at {address}"), &error))?;
        Ok(Self {
            bridge: Some(bridge),
            ..holder
        })
    }

    async fn start(setup: &NetnsSetup, launcher: &Launcher) -> io::Result<Self> {
        let line = launcher.hold(&serde_json::to_string(setup)?)?;
        let (executable, arguments) = line.split_first().ok_or_else(|| io::Error::other("nothing to start"))?;
        let mut child = Command::new(executable)
            .args(arguments)
            .env_clear()
            .envs(environment::inherited())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A terminal's Ctrl-C is not for it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| prefixed(&format!("cannot start {}", executable.display()), &error))?;
        let pid = child
            .id()
            .ok_or_else(|| io::Error::other("a child without a process id"))?;
        match tokio::time::timeout(READY_WITHIN, said(&mut child)).await {
            Err(_) => Err(io::Error::other(format!("not done after {} s", READY_WITHIN.as_secs()))),
            Ok(Err(error)) => Err(error),
            Ok(Ok(words)) if words == READY => Ok(Self {
                child: Mutex::new(child),
                pid,
                bridge: None,
            }),
            Ok(Ok(words)) => Err(io::Error::other(words)),
        }
    }

    /// The process that holds the network.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until the holder has ended by itself. Cancelling this loses nothing.
    ///
    /// # Errors
    ///
    /// If nothing is known of it any more.
    pub(crate) async fn ended(&self) -> io::Result<ExitStatus> {
        self.child.lock().await.wait().await
    }

    /// Cuts a task's network off from the others, kills the holder and waits until it is gone. What runs in the network
    /// goes on, but nobody hears of it: its address can be another's.
    pub(crate) async fn end(self) {
        let mut child = self.child.into_inner();
        if let Some(bridge) = self.bridge {
            let pid = self.pid;
            let unplugged = tokio::task::spawn_blocking(move || delete_veth(bridge, pid)).await;
            let unplugged = unplugged.unwrap_or_else(|panic| Err(io::Error::other(panic)));
            // Where the holder has ended, the veth may have gone with it.
            if let (Err(error), Ok(None)) = (unplugged, child.try_wait()) {
                tracing::warn!("the veth of a task that ends was not taken away: {error}");
            }
        }
        // It fails only if the holder is gone already.
        let _gone = child.kill().await;
    }
}

/// What a holder printed: that it is ready, or why it is gone.
async fn said(child: &mut Child) -> io::Result<String> {
    let mut words = Vec::new();
    if let Some(stdout) = &mut child.stdout {
        let mut buffer = [0; 1024];
        while !words.starts_with(format!("{READY}\n").as_bytes()) {
            match stdout.read(&mut buffer).await? {
                0 => break,
                read => words.extend_from_slice(&buffer[..read]),
            }
        }
    }
    if words.is_empty() {
        // It never came to its work: only its host program can say why.
        if let Some(stderr) = &mut child.stderr {
            stderr.read_to_end(&mut words).await?;
        }
    }
    match String::from_utf8_lossy(&words).trim() {
        "" => Err(io::Error::other("its process ended without a word")),
        words => Ok(words.to_owned()),
    }
}

fn prefixed(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}
