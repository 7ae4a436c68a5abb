//! One task's Envoy: started from a bootstrap file, ready once its control plane has told it everything.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mesh_control::Bootstrap;

use crate::environment;
use crate::launcher::Launcher;
use crate::process::{Process, Program, describe, tail};

/// How long an Envoy may take to become ready. It takes a fraction of a second; a machine that needs longer
/// than this has another problem.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How long an Envoy may take to stop.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// A running Envoy.
#[derive(Debug)]
pub(crate) struct Envoy {
    process: Process,
    log: PathBuf,
}

impl Envoy {
    /// Starts an Envoy with its files in `directory`, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// If it cannot be started, ends, or is not ready in time; with the end of its log.
    pub(crate) async fn start(
        executable: &Path,
        bootstrap: &Bootstrap,
        directory: &Path,
        launcher: &Launcher,
    ) -> Result<Self, String> {
        let log = directory.join("envoy.log");
        let mut envoy = Self::spawn(executable, bootstrap, directory, &log, launcher)
            .await
            .map_err(|error| format!("its Envoy could not be started: {error}"))?;
        let client = reqwest::Client::builder()
            .unix_socket(bootstrap.admin.clone())
            .no_proxy()
            .build()
            .map_err(|error| format!("no client for Envoy's admin page: {error}"))?;
        tokio::select! {
            status = envoy.process.ended() => Err(envoy.failed(&describe(status))),
            () = ready(&client) => Ok(envoy),
            () = tokio::time::sleep(READY_WITHIN) => {
                Err(envoy.failed(&format!("was not ready after {} s", READY_WITHIN.as_secs())))
            }
        }
    }

    async fn spawn(
        executable: &Path,
        bootstrap: &Bootstrap,
        directory: &Path,
        log: &Path,
        launcher: &Launcher,
    ) -> io::Result<Self> {
        let file = directory.join("envoy.json");
        tokio::fs::write(&file, format!("{:#}", bootstrap.to_json())).await?;
        let arguments = [
            "--config-path".into(),
            file.into_os_string(),
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
        ];
        let program = Program {
            command_line: std::iter::once(OsString::from(executable)).chain(arguments).collect(),
            environment: environment::inherited(),
            log: log.to_owned(),
        };
        Ok(Self {
            process: Process::start(program, launcher)?,
            log: log.to_owned(),
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Waits until it ends by itself, and says how.
    pub(crate) async fn ended(&mut self) -> String {
        let status = self.process.ended().await;
        self.failed(&describe(status))
    }

    pub(crate) async fn stop(self) {
        self.process.stop(STOP_WITHIN).await;
    }

    fn failed(&self, how: &str) -> String {
        format!("its Envoy {how}; the end of its log:\n{}", tail(&self.log))
    }
}

/// Waits until the admin page says that Envoy has its configuration and its listeners are open.
async fn ready(client: &reqwest::Client) {
    loop {
        let answer = client.get("http://envoy/ready").send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
