//! Container health checks.
//!
//! In contrast to ECS, where the first check comes after a whole interval, checks run in quick succession until the
//! first success, so that a mesh is up as soon as its services are. Failures in that time count only once they have
//! lasted as long as ECS tolerates.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use tokio::process::Command;
use tokio::time::Instant;

use crate::plan::HealthCheckPlan;
use crate::process::signal_group;

/// Interval until the first success.
const INITIAL_INTERVAL: Duration = Duration::from_millis(25);

/// The result of checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Health {
    /// No check has succeeded yet; with the last error.
    NotYet(String),
    Healthy,
    Unhealthy(String),
}

/// Runs checks forever. Reports changes of the result, and every failure before the first success.
pub(crate) async fn watch(
    check: &HealthCheckPlan,
    command_line: &[OsString],
    environment: &[(String, OsString)],
    mut report: impl FnMut(Health),
) {
    let started = Instant::now();
    let tolerance = check.start_period + check.interval * check.retries;
    let mut ever_healthy = false;
    let mut failures = 0;
    loop {
        match run(check, command_line, environment).await {
            Ok(()) => {
                failures = 0;
                if !ever_healthy {
                    ever_healthy = true;
                    report(Health::Healthy);
                }
            }
            Err(reason) => {
                failures += 1;
                let too_often = ever_healthy && failures >= check.retries;
                let too_long = !ever_healthy && started.elapsed() > tolerance;
                if too_often || too_long {
                    report(Health::Unhealthy(reason));
                } else if !ever_healthy {
                    report(Health::NotYet(reason));
                }
            }
        }
        tokio::time::sleep(if ever_healthy { check.interval } else { INITIAL_INTERVAL }).await;
    }
}

async fn run(
    check: &HealthCheckPlan,
    command_line: &[OsString],
    environment: &[(String, OsString)],
) -> Result<(), String> {
    let Some((program, arguments)) = command_line.split_first() else {
        return Err("the health check has no command".to_owned());
    };
    // The task definition's command, not its local replacement.
    let name = check.command.join(" ");
    let child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot start `{name}`: {error}"))?;
    let _group = Group(child.id());
    match tokio::time::timeout(check.timeout, child.wait_with_output()).await {
        Err(_) => Err(format!("`{name}` timed out after {} s", check.timeout.as_secs())),
        Ok(Err(error)) => Err(format!("cannot wait for `{name}`: {error}")),
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => {
            let message = String::from_utf8_lossy(&output.stderr);
            let message = match message.trim() {
                "" => String::new(),
                message => format!(": {message}"),
            };
            Err(format!("`{name}` failed ({}){message}", output.status))
        }
    }
}

/// The process group of a check, such as a shell's children. Killed with the check.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            signal_group(leader, Signal::KILL);
        }
    }
}
