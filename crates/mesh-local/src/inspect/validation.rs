//! Validates a configuration with a real Envoy.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::process::{ExitStatus, Stdio};

use envoy_install::{Envoy, HostEnv, Progress, Version};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use super::message::is_of_type;
use crate::launcher::Launcher;

/// The configuration file's name, which appears in Envoy's messages.
const FILE: &str = "envoy.json";
const FILE_ACCESS_LOG: &str = "envoy.extensions.access_loggers.file.v3.FileAccessLog";

/// The result of a validation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Validation {
    /// Whether Envoy accepts the configuration.
    pub is_accepted: bool,
    /// Envoy's version.
    pub version: Version,
    /// Envoy's messages: errors or warnings. Often empty.
    pub output: String,
}

/// Why a configuration could not be validated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ValidationError {
    /// There is no usable Envoy.
    #[error(transparent)]
    Envoy(#[from] envoy_install::Error),
    /// A system call failed.
    #[error("{what}")]
    Machine {
        /// The failed step.
        what: &'static str,
        /// The cause.
        source: io::Error,
    },
}

/// Validates a configuration with Envoy's `--mode validate`, which does everything except listening and connecting. So
/// it reads certificates and keys on this machine. It would also create access-log files; their paths are replaced by
/// one in a temporary directory.
///
/// Envoy is located as by `Envoy::locate`, which may install it and reports progress to `on_step`. It is started
/// through `launcher`, in a directory of its own below `TMPDIR`. Cancelling this ends Envoy or its installation, and
/// removes the directory.
///
/// # Errors
///
/// If there is no Envoy, or it cannot be started.
pub async fn validate(
    configuration: &Value,
    launcher: &Launcher,
    on_step: impl FnMut(Progress) + Send + 'static,
) -> Result<Validation, ValidationError> {
    let envoy = locate(on_step).await?;
    let machine = |what| move |source| ValidationError::Machine { what, source };
    let dir = tempfile::Builder::new()
        .prefix("meshwright-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
        .map_err(machine("cannot create a directory for Envoy's configuration"))?;
    let mut configuration = configuration.clone();
    redirect_access_logs(&mut configuration);
    tokio::fs::write(dir.path().join(FILE), configuration.to_string())
        .await
        .map_err(machine("cannot write Envoy's configuration"))?;

    // Messages only, without time and source location.
    let arguments = [
        "--mode",
        "validate",
        "--log-level",
        "warning",
        "--log-format",
        "%v",
        "--config-path",
        FILE,
    ];
    let program = std::iter::once(envoy.path.as_os_str()).chain(arguments.map(AsRef::as_ref));
    let line = launcher.command_line(program.map(ToOwned::to_owned).collect());
    let (program, arguments) = line
        .split_first()
        .ok_or_else(|| machine("cannot start Envoy")(io::Error::other("no program")))?;
    let child = Command::new(program)
        .args(arguments)
        // Resolves relative paths in the configuration.
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // A terminal's Ctrl-C is handled by the caller.
        .process_group(0)
        .spawn()
        .map_err(machine("cannot start Envoy"))?;
    let (status, output) = ValidationProcess(child)
        .end()
        .await
        .map_err(machine("cannot wait for Envoy"))?;
    let output = output.trim();
    Ok(Validation {
        is_accepted: status.success(),
        version: envoy.version,
        output: if output.is_empty() && !status.success() {
            format!("ended with {status} and without a message")
        } else {
            output.to_owned()
        },
    })
}

/// A running validation. Dropping it ends Envoy before its directory is removed.
struct ValidationProcess(Child);

impl ValidationProcess {
    /// Waits for the exit status and the messages.
    async fn end(mut self) -> io::Result<(ExitStatus, String)> {
        let mut output = Vec::new();
        if let Some(mut stderr) = self.0.stderr.take() {
            stderr.read_to_end(&mut output).await?;
        }
        Ok((self.0.wait().await?, String::from_utf8_lossy(&output).into_owned()))
    }
}

impl Drop for ValidationProcess {
    fn drop(&mut self) {
        // A killed process ends at once.
        let is_killed = self.0.start_kill().is_ok();
        while is_killed && matches!(self.0.try_wait(), Ok(None)) {
            std::thread::yield_now();
        }
    }
}

/// Redirects all file access logs to Envoy's working directory.
fn redirect_access_logs(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(redirect_access_logs),
        Value::Object(fields) if is_of_type(fields, FILE_ACCESS_LOG) => {
            fields.insert("path".to_owned(), "access.log".into());
        }
        Value::Object(fields) => fields.values_mut().for_each(redirect_access_logs),
        _ => {}
    }
}

/// Locates an Envoy on a thread of its own, as it blocks. Cancelling this stops it.
async fn locate(mut on_step: impl FnMut(Progress) + Send + 'static) -> Result<Envoy, ValidationError> {
    let cancel = envoy_install::Cancel::new();
    let _cancel_guard = cancel.cancel_on_drop();
    let looking =
        tokio::task::spawn_blocking(move || Envoy::locate_cancellable(&HostEnv::from_env(), &cancel, &mut on_step));
    let found = looking.await.map_err(|error| ValidationError::Machine {
        what: "cannot locate Envoy",
        source: io::Error::other(error),
    })?;
    Ok(found?)
}
