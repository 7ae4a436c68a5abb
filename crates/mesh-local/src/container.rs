//! One container of a task: a process and what is known of its health.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::health::{self, Health};
use crate::launcher::Launcher;
use crate::network::run_in_netns;
use crate::plan::{Condition, ContainerPlan, HealthCheckPlan};
use crate::process::{Log, Process, ProcessExit, Program, TaskFailure};
use crate::task::TaskEvent;

/// A container that is not ready after this long is asked about. Most are within a second.
const SILENT_FOR: Duration = Duration::from_secs(3);

/// Between two looks at whether a container listens.
const BETWEEN_CONNECTIONS: Duration = Duration::from_millis(20);
/// A connection within one task takes microseconds.
const CONNECTED_WITHIN: Duration = Duration::from_secs(1);

/// What a container needs that its plan does not say.
#[derive(Debug)]
pub(crate) struct ContainerContext {
    /// Its whole environment.
    pub(crate) environment: Vec<(String, OsString)>,
    /// Where it listens as its own task sees it, with the port it has in its task definition; for containers without a
    /// health check.
    pub(crate) addresses: Vec<(u16, SocketAddr)>,
    /// The process that holds the task's network, if it has its own.
    pub(crate) network: Option<u32>,
    /// The file that takes what it prints.
    pub(crate) log: PathBuf,
}

/// How a container is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// It runs, and is not known to be ready.
    Started,
    /// It takes requests: its health check passed, or, without one, its ports are open.
    Ready,
    /// Its health check failed as often as allowed.
    Unhealthy(String),
    /// It ended, and how.
    Ended(ProcessExit),
}

/// A running container. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Container {
    name: String,
    essential: bool,
    pid: u32,
    log: Log,
    started: Instant,
    state: watch::Receiver<State>,
    awaited: watch::Receiver<String>,
    /// Takes the longest time that stopping may take, if it is shorter than the container's own.
    stop: oneshot::Sender<Option<Duration>>,
    monitor: AbortOnDropHandle<()>,
}

impl Container {
    /// Starts a container. `words` learns what the task should know of it without having asked.
    ///
    /// # Errors
    ///
    /// If its program cannot be started. The message names it.
    pub(crate) fn start(
        plan: &ContainerPlan,
        context: ContainerContext,
        launcher: &Launcher,
        words: mpsc::Sender<TaskEvent>,
    ) -> Result<Self, TaskFailure> {
        let failed = |error| format!("container {} could not be started: {error}", plan.name);
        let program = Program {
            command_line: plan.image.command_line(&plan.entry_point, &plan.command),
            environment: context.environment.clone(),
            log: context.log.clone(),
        };
        let process = Process::start(program, launcher).map_err(failed)?;
        let (pid, log) = (process.pid(), process.log().clone());
        let (report, state) = watch::channel(State::Started);
        let (awaits, awaited) = watch::channel(String::new());
        let (stop, stopped) = oneshot::channel();
        let monitor = Monitor {
            name: plan.name.clone(),
            essential: plan.essential,
            check: plan.health_check.clone().map(|check| {
                let command_line = launcher.command_line(plan.image.program(&check.command));
                (check, command_line)
            }),
            stop_timeout: plan.stop_timeout,
            context,
            report,
            awaits,
            words,
        };
        Ok(Self {
            name: plan.name.clone(),
            essential: plan.essential,
            pid,
            log,
            started: Instant::now(),
            state,
            awaited,
            stop,
            monitor: AbortOnDropHandle::new(tokio::spawn(monitor.run(process, stopped))),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn is_essential(&self) -> bool {
        self.essential
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// Waits until `condition` is met, but not longer than `patience` from the container's start.
    ///
    /// # Errors
    ///
    /// If it never will be, or is not in time; with the end of the container's log.
    pub(crate) async fn wait_for(&self, condition: Condition, patience: Duration) -> Result<(), TaskFailure> {
        let mut state = self.state.clone();
        let decided = state.wait_for(|state| match condition {
            Condition::Start => true,
            Condition::Healthy => *state != State::Started,
            Condition::Complete | Condition::Success => matches!(state, State::Ended(_)),
        });
        let Ok(decided) = tokio::time::timeout_at(self.started + patience, decided).await else {
            return Err(self.too_late(condition, patience));
        };
        let decided = decided.map_or(State::Started, |state| state.clone());
        match (condition, decided) {
            (Condition::Start | Condition::Complete, _) | (Condition::Healthy, State::Ready) => Ok(()),
            (Condition::Success, State::Ended(ending)) if ending.success => Ok(()),
            (_, state) => Err(failure(&self.name, &state, &self.log)),
        }
    }

    fn too_late(&self, condition: Condition, patience: Duration) -> TaskFailure {
        let awaited = match condition {
            Condition::Complete | Condition::Success => format!("container {} to end", self.name),
            Condition::Start | Condition::Healthy => self.awaited.borrow().clone(),
        };
        TaskFailure {
            what: format!("waited {} s in vain for {awaited}", patience.as_secs()),
            log: self.log.end(),
        }
    }

    /// Asks it to stop, and makes it after its stop timeout, or after `at_most` if that is sooner.
    pub(crate) async fn stop(self, at_most: Option<Duration>) {
        // It may have ended.
        let _gone = self.stop.send(at_most);
        // A monitor that panicked has dropped the process, and so killed it.
        let _ended = self.monitor.await;
    }
}

fn failure(name: &str, state: &State, log: &Log) -> TaskFailure {
    let (how, log) = match state {
        State::Ended(ending) => (ending.how.clone(), ending.told(log)),
        State::Unhealthy(reason) => (format!("is unhealthy: {reason}"), log.end()),
        State::Started | State::Ready => ("is no longer watched".to_owned(), None),
    };
    TaskFailure {
        what: format!("container {name} {how}"),
        log,
    }
}

/// Watches one container.
struct Monitor {
    name: String,
    essential: bool,
    check: Option<(HealthCheckPlan, Vec<OsString>)>,
    stop_timeout: Duration,
    context: ContainerContext,
    report: watch::Sender<State>,
    /// What it takes for the container to be ready, as it reads after "waiting for".
    awaits: watch::Sender<String>,
    words: mpsc::Sender<TaskEvent>,
}

impl Monitor {
    async fn run(self, mut process: Process, stopped: oneshot::Receiver<Option<Duration>>) {
        let log = process.log().clone();
        tokio::select! {
            at_most = stopped => {
                // An error means that the container was dropped, and so this was aborted.
                let at_most = at_most.ok().flatten().unwrap_or(Duration::MAX);
                process.stop(self.stop_timeout.min(at_most)).await;
            }
            status = process.ended() => {
                let ended = State::Ended(ProcessExit::new(status));
                self.report.send_replace(ended.clone());
                self.say_failed(&ended, &log).await;
            }
            () = self.watch_health(&log) => {}
            () = self.break_silence() => {}
        }
    }

    /// Never ends.
    async fn watch_health(&self, log: &Log) {
        let Some((check, command_line)) = &self.check else {
            for (port, address) in &self.context.addresses {
                self.awaits.send_replace(format!(
                    "container {} to listen on {address} (its port {port})",
                    self.name
                ));
                accepts(*address, self.context.network).await;
            }
            self.report.send_replace(State::Ready);
            return std::future::pending().await;
        };
        let (found, mut unhealthy) = watch::channel(None);
        let first_check = format!("the health check of container {}", self.name);
        self.awaits
            .send_replace(format!("{first_check}, which gave no answer yet"));
        let watch = health::watch(check, command_line, &self.context.environment, |health| match health {
            Health::NotYet(reason) => {
                self.awaits.send_replace(format!("{first_check}: {reason}"));
            }
            Health::Healthy => {
                self.report.send_replace(State::Ready);
            }
            Health::Unhealthy(reason) => {
                self.report.send_replace(State::Unhealthy(reason.clone()));
                found.send_replace(Some(State::Unhealthy(reason)));
            }
        });
        let tell = async {
            if let Ok(Some(state)) = unhealthy.wait_for(Option::is_some).await.map(|state| state.clone()) {
                self.say_failed(&state, log).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::join!(watch, tell);
    }

    async fn say_failed(&self, state: &State, log: &Log) {
        if self.essential {
            // The task may be over already.
            let _gone = self
                .words
                .send(TaskEvent::Failed(failure(&self.name, state, log)))
                .await;
        }
    }

    /// Says once what is being waited for, if that takes long. Never ends.
    async fn break_silence(&self) {
        tokio::time::sleep(SILENT_FOR).await;
        if *self.report.borrow() == State::Started {
            let what = self.awaits.borrow().clone();
            let _gone = self.words.send(TaskEvent::WaitingFor(what)).await;
        }
        std::future::pending::<()>().await;
    }
}

/// Waits until somebody listens. A container that never does is noticed by whoever waits for it to be ready.
async fn accepts(address: SocketAddr, network: Option<u32>) {
    loop {
        let connected = match network {
            None => TcpStream::connect(address).await.is_ok(),
            Some(pid) => connects_inside(pid, address).await,
        };
        if connected {
            return;
        }
        tokio::time::sleep(BETWEEN_CONNECTIONS).await;
    }
}

/// Whether somebody listens there in the network that the process `pid` holds.
async fn connects_inside(pid: u32, address: SocketAddr) -> bool {
    let connect = move || run_in_netns(pid, || std::net::TcpStream::connect_timeout(&address, CONNECTED_WITHIN));
    let connected = tokio::task::spawn_blocking(connect).await;
    connected.is_ok_and(|connected| connected.is_ok())
}
