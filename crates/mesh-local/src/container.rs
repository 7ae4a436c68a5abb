//! A container of a task: its process, health and shutdown.

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
use crate::task::event::TaskEvent;

/// A container that is not ready after this time is reported. Most are ready within a second.
const SLOW_START: Duration = Duration::from_secs(3);

/// Interval between connection attempts to a container's port.
const CONNECT_INTERVAL: Duration = Duration::from_millis(20);
/// Timeout of one attempt. A connection within a task takes microseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// What a container needs beyond its plan.
#[derive(Debug)]
pub(crate) struct ContainerContext {
    /// Its whole environment.
    pub(crate) environment: Vec<(String, OsString)>,
    /// The container port and listening address of each port, as seen inside the task. Used for readiness if there is
    /// no health check.
    pub(crate) addresses: Vec<(u16, SocketAddr)>,
    /// The init process of the task's network namespace, if it has one.
    pub(crate) network: Option<u32>,
    /// The file for its output.
    pub(crate) log: PathBuf,
}

/// The state of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// Running, but not ready yet.
    Started,
    /// Ready: its health check passed, or, without one, its ports are open.
    Ready,
    /// Its health check failed as often as allowed, with the last reason.
    Unhealthy(String),
    /// It has ended.
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
    /// Carries an upper limit for the stop timeout, if any.
    stop: oneshot::Sender<Option<Duration>>,
    monitor: AbortOnDropHandle<()>,
}

impl Container {
    /// Starts a container. `events` receives events for the task.
    ///
    /// # Errors
    ///
    /// If its program cannot be started. The message contains the program.
    pub(crate) fn start(
        plan: &ContainerPlan,
        context: ContainerContext,
        launcher: &Launcher,
        events: mpsc::Sender<TaskEvent>,
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
            events,
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

    /// Waits until `condition` is met, at most for `timeout` after the container's start.
    ///
    /// # Errors
    ///
    /// If the condition cannot be met any more, or is not met in time; with the end of the container's log.
    pub(crate) async fn wait_for(&self, condition: Condition, timeout: Duration) -> Result<(), TaskFailure> {
        let mut state = self.state.clone();
        let decided = state.wait_for(|state| match condition {
            Condition::Start => true,
            Condition::Healthy => *state != State::Started,
            Condition::Complete | Condition::Success => matches!(state, State::Ended(_)),
        });
        let Ok(decided) = tokio::time::timeout_at(self.started + timeout, decided).await else {
            return Err(self.timed_out(condition, timeout));
        };
        let decided = decided.map_or(State::Started, |state| state.clone());
        match (condition, decided) {
            (Condition::Start | Condition::Complete, _) | (Condition::Healthy, State::Ready) => Ok(()),
            (Condition::Success, State::Ended(exit)) if exit.success => Ok(()),
            (_, state) => Err(failure(&self.name, &state, &self.log)),
        }
    }

    fn timed_out(&self, condition: Condition, timeout: Duration) -> TaskFailure {
        let awaited = match condition {
            Condition::Complete | Condition::Success => format!("container {} to end", self.name),
            Condition::Start | Condition::Healthy => self.awaited.borrow().clone(),
        };
        TaskFailure {
            what: format!("timed out after {} s waiting for {awaited}", timeout.as_secs()),
            log: self.log.tail(),
        }
    }

    /// Sends SIGTERM, and SIGKILL after its stop timeout, or after `at_most` if shorter.
    pub(crate) async fn stop(self, at_most: Option<Duration>) {
        // The container may have ended already.
        let _gone = self.stop.send(at_most);
        // If the monitor panicked, it has dropped and so killed the process.
        let _ended = self.monitor.await;
    }
}

fn failure(name: &str, state: &State, log: &Log) -> TaskFailure {
    let (how, log) = match state {
        State::Ended(exit) => (exit.description.clone(), exit.log_tail(log)),
        State::Unhealthy(reason) => (format!("is unhealthy: {reason}"), log.tail()),
        State::Started | State::Ready => ("is no longer monitored".to_owned(), None),
    };
    TaskFailure {
        what: format!("container {name} {how}"),
        log,
    }
}

/// Monitors one container.
struct Monitor {
    name: String,
    essential: bool,
    check: Option<(HealthCheckPlan, Vec<OsString>)>,
    stop_timeout: Duration,
    context: ContainerContext,
    report: watch::Sender<State>,
    /// What readiness depends on, as text after "waiting for".
    awaits: watch::Sender<String>,
    events: mpsc::Sender<TaskEvent>,
}

impl Monitor {
    async fn run(self, mut process: Process, stopped: oneshot::Receiver<Option<Duration>>) {
        let log = process.log().clone();
        tokio::select! {
            at_most = stopped => {
                // An error means that the container was dropped, which also aborts this monitor.
                let at_most = at_most.ok().flatten().unwrap_or(Duration::MAX);
                process.stop(self.stop_timeout.min(at_most)).await;
            }
            status = process.ended() => {
                let ended = State::Ended(ProcessExit::new(status));
                self.report.send_replace(ended.clone());
                self.report_failure(&ended, &log).await;
            }
            () = self.watch_health(&log) => {}
            () = self.report_slow_start() => {}
        }
    }

    /// Never returns.
    async fn watch_health(&self, log: &Log) {
        let Some((check, command_line)) = &self.check else {
            for (port, address) in &self.context.addresses {
                self.awaits.send_replace(format!(
                    "container {} to listen on {address} (container port {port})",
                    self.name
                ));
                wait_until_listening(*address, self.context.network).await;
            }
            self.report.send_replace(State::Ready);
            return std::future::pending().await;
        };
        let (found, mut unhealthy) = watch::channel(None);
        let first_check = format!("the health check of container {}", self.name);
        self.awaits
            .send_replace(format!("{first_check}, which has no result yet"));
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
        let report = async {
            if let Ok(Some(state)) = unhealthy.wait_for(Option::is_some).await.map(|state| state.clone()) {
                self.report_failure(&state, log).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::join!(watch, report);
    }

    async fn report_failure(&self, state: &State, log: &Log) {
        if self.essential {
            // The task may have ended already.
            let _gone = self
                .events
                .send(TaskEvent::Failed(failure(&self.name, state, log)))
                .await;
        }
    }

    /// Reports once what a slow container is waiting for. Never returns.
    async fn report_slow_start(&self) {
        tokio::time::sleep(SLOW_START).await;
        if *self.report.borrow() == State::Started {
            let what = self.awaits.borrow().clone();
            let _gone = self.events.send(TaskEvent::WaitingFor(what)).await;
        }
        std::future::pending::<()>().await;
    }
}

/// Waits until the address accepts connections. Callers apply their own timeout.
async fn wait_until_listening(address: SocketAddr, network: Option<u32>) {
    loop {
        let connected = match network {
            None => TcpStream::connect(address).await.is_ok(),
            Some(pid) => connects_in_netns(pid, address).await,
        };
        if connected {
            return;
        }
        tokio::time::sleep(CONNECT_INTERVAL).await;
    }
}

/// Whether the address accepts connections in the network namespace of process `pid`.
async fn connects_in_netns(pid: u32, address: SocketAddr) -> bool {
    let connect = move || run_in_netns(pid, || std::net::TcpStream::connect_timeout(&address, CONNECT_TIMEOUT));
    let connected = tokio::task::spawn_blocking(connect).await;
    connected.is_ok_and(|connected| connected.is_ok())
}
