//! A task's Envoy: started from a bootstrap file, ready once it has its configuration.

pub(crate) mod admin;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::admin::AdminClient;
use crate::environment;
use crate::launcher::Launcher;
use crate::process::{Log, Process, ProcessExit, Program, TaskFailure};
use crate::task::event::TaskEvent;

/// Timeout for an Envoy to become ready. It takes a fraction of a second, even on a slow machine.
const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// Time between SIGTERM and SIGKILL.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// The files of an Envoy.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) executable: PathBuf,
    /// Its bootstrap file, as written by this process.
    pub(crate) bootstrap: PathBuf,
    /// The same file, as seen by Envoy.
    pub(crate) seen_bootstrap: PathBuf,
    /// The file for its output.
    pub(crate) log: PathBuf,
}

/// A running Envoy. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Envoy {
    pid: u32,
    log: Log,
    admin: AdminClient,
    stop: CancellationToken,
    monitor: AbortOnDropHandle<()>,
}

impl Envoy {
    /// Starts an Envoy with the admin interface of its bootstrap. `events` receives an event if it ends unexpectedly.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub(crate) async fn start(
        files: Files,
        bootstrap: &Json,
        admin: AdminClient,
        launcher: &Launcher,
        events: mpsc::Sender<TaskEvent>,
    ) -> Result<Self, TaskFailure> {
        let process = spawn(files, bootstrap, launcher)
            .await
            .map_err(|error| format!("cannot start its Envoy: {error}"))?;
        let stop = CancellationToken::new();
        Ok(Self {
            pid: process.pid(),
            log: process.log().clone(),
            admin,
            stop: stop.clone(),
            monitor: AbortOnDropHandle::new(tokio::spawn(monitor(process, stop, events))),
        })
    }

    /// Waits until it has its configuration and its listeners are open.
    ///
    /// # Errors
    ///
    /// On timeout; with the end of its log.
    pub(crate) async fn wait_until_ready(&self) -> Result<(), TaskFailure> {
        let ready = tokio::time::timeout(READY_TIMEOUT, self.admin.wait_until_ready());
        ready.await.map_err(|_| TaskFailure {
            what: format!("its Envoy was not ready after {} s", READY_TIMEOUT.as_secs()),
            log: self.log.tail(),
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.monitor.is_finished()
    }

    /// Starts draining. Later log lines are not shown as the cause of a failure.
    pub(crate) async fn drain(&self) {
        self.log.close();
        self.admin.drain().await;
    }

    /// Closes its listeners, waits for open requests, at most for `timeout`, and ends it. Cancelling this kills it.
    pub(crate) async fn stop(self, timeout: Duration) {
        self.log.close();
        if !self.has_ended() {
            self.admin.close().await;
            // On timeout, slow readers get what has been sent so far.
            let _timed_out = tokio::time::timeout(timeout, self.admin.wait_until_idle()).await;
        }
        self.stop.cancel();
        // If the monitor panicked, it has dropped and so killed the process.
        let _ended = self.monitor.await;
    }
}

async fn monitor(mut process: Process, stop: CancellationToken, events: mpsc::Sender<TaskEvent>) {
    tokio::select! {
        () = stop.cancelled() => process.stop(STOP_TIMEOUT).await,
        status = process.ended() => {
            let exit = ProcessExit::new(status);
            let failure = TaskFailure {
                what: format!("its Envoy {}", exit.description),
                log: exit.log_tail(process.log()),
            };
            // The task may have ended already.
            let _gone = events.send(TaskEvent::Failed(failure)).await;
        }
    }
}

async fn spawn(files: Files, bootstrap: &Json, launcher: &Launcher) -> io::Result<Process> {
    // Overwritten in place, because it may be mounted in the task's namespace.
    tokio::fs::write(&files.bootstrap, format!("{bootstrap:#}")).await?;
    let arguments = [
        "--config-path".into(),
        files.seen_bootstrap.into_os_string(),
        // Several Envoys share this machine, and hot restart is not used.
        "--disable-hot-restart".into(),
        // One worker: strict round robin over the tasks of a service, and less memory.
        "--concurrency".into(),
        "1".into(),
        "--log-level".into(),
        "warning".into(),
        // The access log is read right after a request; the default is ten seconds.
        "--file-flush-interval-msec".into(),
        "20".into(),
        // By default `connection: close` is spread over ten minutes; a task here ends within seconds.
        "--drain-strategy".into(),
        "immediate".into(),
    ];
    let program = Program {
        command_line: std::iter::once(files.executable.into_os_string())
            .chain(arguments)
            .collect(),
        environment: environment::inherited(),
        log: files.log,
    };
    Process::start(program, launcher)
}
