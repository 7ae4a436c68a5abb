//! One container of a task: a process and what is known of its health.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::health::{self, Health};
use crate::launcher::Launcher;
use crate::plan::{Condition, ContainerPlan, HealthCheckPlan};
use crate::process::{Process, Program, describe, tail};

/// What a container needs that its plan does not say.
#[derive(Debug)]
pub(crate) struct Surroundings {
    /// Its whole environment.
    pub(crate) environment: Vec<(String, OsString)>,
    /// Where it listens, for containers without a health check.
    pub(crate) addresses: Vec<SocketAddr>,
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
    /// It ended, and how. `success` means exit code 0.
    Ended { success: bool, how: String },
}

/// A running container. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Container {
    name: String,
    essential: bool,
    pid: u32,
    log: PathBuf,
    state: watch::Receiver<State>,
    stop: CancellationToken,
    monitor: AbortOnDropHandle<()>,
}

impl Container {
    /// Starts a container.
    ///
    /// # Errors
    ///
    /// If its program cannot be started. The message names it.
    pub(crate) fn start(plan: &ContainerPlan, around: Surroundings, launcher: &Launcher) -> Result<Self, String> {
        let failed = |error| format!("container {} could not be started: {error}", plan.name);
        let program = Program {
            command_line: plan.image.command_line(&plan.entry_point, &plan.command),
            environment: around.environment.clone(),
            log: around.log.clone(),
        };
        let process = Process::start(program, launcher).map_err(failed)?;
        let pid = process.pid();
        let (report, state) = watch::channel(State::Started);
        let stop = CancellationToken::new();
        let log = around.log.clone();
        let check = plan.health_check.clone().map(|check| {
            let command_line = launcher.command_line(plan.image.program(&check.command));
            (check, command_line)
        });
        let monitor = tokio::spawn(monitor(process, check, plan.stop_timeout, around, report, stop.clone()));
        Ok(Self {
            name: plan.name.clone(),
            essential: plan.essential,
            pid,
            log,
            state,
            stop,
            monitor: AbortOnDropHandle::new(monitor),
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

    /// Waits until `condition` is met.
    ///
    /// # Errors
    ///
    /// If it never will be, with the end of the container's log.
    pub(crate) async fn meets(&self, condition: Condition) -> Result<(), String> {
        let mut state = self.state.clone();
        let decided = state
            .wait_for(|state| match condition {
                Condition::Start => true,
                Condition::Healthy => *state != State::Started,
                Condition::Complete | Condition::Success => matches!(state, State::Ended { .. }),
            })
            .await
            .map_or(State::Started, |state| state.clone());
        match (condition, decided) {
            (Condition::Start | Condition::Complete, _)
            | (Condition::Healthy, State::Ready)
            | (Condition::Success, State::Ended { success: true, .. }) => Ok(()),
            (_, state) => Err(self.failed(&state)),
        }
    }

    /// Waits until it ends or is found unhealthy, and says which.
    pub(crate) async fn fails(&self) -> String {
        let mut state = self.state.clone();
        let failed = state
            .wait_for(|state| matches!(state, State::Ended { .. } | State::Unhealthy(_)))
            .await
            .map_or(State::Started, |state| state.clone());
        self.failed(&failed)
    }

    fn failed(&self, state: &State) -> String {
        let how = match state {
            State::Ended { how, .. } => how.as_str(),
            State::Unhealthy(reason) => &format!("is unhealthy: {reason}"),
            State::Started | State::Ready => "is no longer watched",
        };
        format!(
            "container {} {how}; the end of its log:\n{}",
            self.name,
            tail(&self.log)
        )
    }

    /// Asks it to stop, and makes it after its stop timeout.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        // A monitor that panicked has dropped the process, and so killed it.
        let _ended = self.monitor.await;
    }
}

async fn monitor(
    mut process: Process,
    check: Option<(HealthCheckPlan, Vec<OsString>)>,
    stop_timeout: Duration,
    around: Surroundings,
    report: watch::Sender<State>,
    stop: CancellationToken,
) {
    let watch_health = async {
        match &check {
            Some((check, command_line)) => {
                health::watch(check, command_line, &around.environment, |health| {
                    report.send_replace(match health {
                        Health::Healthy => State::Ready,
                        Health::Unhealthy(reason) => State::Unhealthy(reason),
                    });
                })
                .await;
            }
            None => {
                for address in &around.addresses {
                    accepts(*address).await;
                }
                report.send_replace(State::Ready);
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = stop.cancelled() => process.stop(stop_timeout).await,
        status = process.ended() => {
            let success = status.as_ref().is_ok_and(std::process::ExitStatus::success);
            report.send_replace(State::Ended { success, how: describe(status) });
        }
        () = watch_health => {}
    }
}

/// Waits until somebody listens. A container that never does is noticed by whoever waits for it to be ready.
async fn accepts(address: SocketAddr) {
    while TcpStream::connect(address).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
