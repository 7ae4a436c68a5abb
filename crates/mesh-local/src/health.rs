//! A container's health check, run as often as its task definition says.
//!
//! One thing differs from ECS, where the first check comes after a whole interval: until the first success the
//! checks come quickly, so that a mesh is up as soon as its services are. Failures of that time count only once
//! they have lasted as long as ECS would have tolerated them.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use tokio::process::Command;
use tokio::time::Instant;

use crate::plan::HealthCheckPlan;
use crate::process::signal_group;

/// Time between checks until the first success.
const AT_FIRST: Duration = Duration::from_millis(25);

/// What checks found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Health {
    /// The first success is still to come. Says why the last check was none.
    NotYet(String),
    Healthy,
    Unhealthy(String),
}

/// Checks for ever, and reports whenever the answer is known or known anew, and every failure before that.
pub(crate) async fn watch(
    check: &HealthCheckPlan,
    command_line: &[OsString],
    environment: &[(String, OsString)],
    mut report: impl FnMut(Health),
) {
    let started = Instant::now();
    let patience = check.start_period + check.interval * check.retries;
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
                let too_long = !ever_healthy && started.elapsed() > patience;
                if too_often || too_long {
                    report(Health::Unhealthy(reason));
                } else if !ever_healthy {
                    report(Health::NotYet(reason));
                }
            }
        }
        tokio::time::sleep(if ever_healthy { check.interval } else { AT_FIRST }).await;
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
    // As the task definition has it, not as it is run here.
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
        .map_err(|error| format!("`{name}` cannot be started: {error}"))?;
    let _group = Group(child.id());
    match tokio::time::timeout(check.timeout, child.wait_with_output()).await {
        Err(_) => Err(format!("`{name}` took longer than {} s", check.timeout.as_secs())),
        Ok(Err(error)) => Err(format!("`{name}` was lost: {error}")),
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => {
            let words = String::from_utf8_lossy(&output.stderr);
            let words = match words.trim() {
                "" => String::new(),
                words => format!(": {words}"),
            };
            Err(format!("`{name}` failed ({}){words}", output.status))
        }
    }
}

/// What a check started and left running, a shell's command that took too long for instance. Ends with the check.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            signal_group(leader, Signal::KILL);
        }
    }
}
