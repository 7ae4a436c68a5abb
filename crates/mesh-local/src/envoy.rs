//! One task's Envoy: started from a bootstrap file, ready once its control plane has told it everything.

pub(crate) mod admin;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use mesh_control::Bootstrap;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::admin::AdminClient;
use crate::environment;
use crate::launcher::Launcher;
use crate::process::{Log, Process, ProcessExit, Program, TaskFailure};
use crate::task::TaskEvent;

/// How long an Envoy may take to become ready. It takes a fraction of a second; a machine that needs longer
/// than this has another problem.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How long an Envoy may take to stop.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// The files of an Envoy.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) executable: PathBuf,
    /// What it starts from, written before.
    pub(crate) bootstrap: PathBuf,
    /// Where Envoy finds that.
    pub(crate) seen_bootstrap: PathBuf,
    /// What takes what it prints.
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
    /// Starts an Envoy whose admin page is where its bootstrap file says. `words` learns of it if it ends by itself.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub(crate) async fn start(
        files: Files,
        bootstrap: &Bootstrap,
        admin: AdminClient,
        launcher: &Launcher,
        words: mpsc::Sender<TaskEvent>,
    ) -> Result<Self, TaskFailure> {
        let process = spawn(files, bootstrap, launcher)
            .await
            .map_err(|error| format!("its Envoy could not be started: {error}"))?;
        let stop = CancellationToken::new();
        Ok(Self {
            pid: process.pid(),
            log: process.log().clone(),
            admin,
            stop: stop.clone(),
            monitor: AbortOnDropHandle::new(tokio::spawn(monitor(process, stop, words))),
        })
    }

    /// Waits until it has its configuration and its listeners are open.
    ///
    /// # Errors
    ///
    /// If that takes too long; with the end of its log.
    pub(crate) async fn ready(&self) -> Result<(), TaskFailure> {
        let ready = tokio::time::timeout(READY_WITHIN, self.admin.ready());
        ready.await.map_err(|_| TaskFailure {
            what: format!("its Envoy was not ready after {} s", READY_WITHIN.as_secs()),
            log: self.log.end(),
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

    /// Asks callers to go elsewhere. What it logs from now on belongs to its end.
    pub(crate) async fn drain(&self) {
        self.log.close();
        self.admin.drain().await;
    }

    /// Waits until what it has begun is delivered, but not longer than `patience`, and makes it end. Cancelling
    /// this kills it.
    pub(crate) async fn stop(self, patience: Duration) {
        self.log.close();
        if !self.has_ended() {
            self.admin.close().await;
            // Whoever reads more slowly than that gets what has arrived.
            let _too_slow = tokio::time::timeout(patience, self.admin.idle()).await;
        }
        self.stop.cancel();
        // A monitor that panicked has dropped the process, and so killed it.
        let _ended = self.monitor.await;
    }
}

async fn monitor(mut process: Process, stop: CancellationToken, words: mpsc::Sender<TaskEvent>) {
    tokio::select! {
        () = stop.cancelled() => process.stop(STOP_WITHIN).await,
        status = process.ended() => {
            let ending = ProcessExit::new(status);
            let failure = TaskFailure {
                what: format!("its Envoy {}", ending.how),
                log: ending.told(process.log()),
            };
            // The task may be over already.
            let _gone = words.send(TaskEvent::Failed(failure)).await;
        }
    }
}

async fn spawn(files: Files, bootstrap: &Bootstrap, launcher: &Launcher) -> io::Result<Process> {
    // The same file as before, if it is there: it may be mounted elsewhere.
    tokio::fs::write(&files.bootstrap, format!("{:#}", bootstrap.to_json())).await?;
    let arguments = [
        "--config-path".into(),
        files.seen_bootstrap.into_os_string(),
        // Envoys of several tasks share this machine, and hot restart is not used.
        "--disable-hot-restart".into(),
        // One worker: calls spread over the tasks of a service strictly in turn, and little memory is used.
        "--concurrency".into(),
        "1".into(),
        "--log-level".into(),
        "warning".into(),
        // The log of hops is read while a request is looked at, not ten seconds later.
        "--file-flush-interval-msec".into(),
        "20".into(),
        // The default spreads `connection: close` over ten minutes; a task here is gone within seconds.
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
