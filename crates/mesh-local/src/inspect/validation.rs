//! What a real Envoy says of a configuration.

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

/// The name of the file that Envoy is given, which it repeats in what it says.
const FILE: &str = "envoy.json";
const FILE_ACCESS_LOG: &str = "envoy.extensions.access_loggers.file.v3.FileAccessLog";

/// What an Envoy says of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validation {
    /// Whether it would start with it.
    pub is_accepted: bool,
    /// Its version.
    pub version: Version,
    /// What it says, in its own words: why it refuses, or what it warns of. Often nothing.
    pub words: String,
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum ValidationError {
    /// There is no usable Envoy.
    #[error(transparent)]
    Envoy(#[from] envoy_install::Error),
    /// The machine refused something.
    #[error("{what}")]
    Machine {
        /// What was tried.
        what: &'static str,
        /// The refusal.
        source: io::Error,
    },
}

/// Has an Envoy validate a configuration with `--mode validate`: it does everything that comes before listening and
/// connecting. So it looks for certificates and keys that are named in it on this machine. It would also make the files
/// that access logs go to; these are made in its own folder instead, and go away with it.
///
/// An Envoy is located as `Envoy::locate` does, which may install one: `on_step` hears of that. It is started through
/// `launcher`, in a folder of its own below `TMPDIR`. Cancelling this ends it, or its installation, and removes the
/// folder.
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
    let folder = tempfile::Builder::new()
        .prefix("meshwright-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
        .map_err(machine("making a folder for Envoy's configuration"))?;
    let mut configuration = configuration.clone();
    keep_logs_here(&mut configuration);
    tokio::fs::write(folder.path().join(FILE), configuration.to_string())
        .await
        .map_err(machine("writing Envoy's configuration"))?;

    // Its messages alone: when and where in its source they were written tells nobody anything here.
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
        .ok_or_else(|| machine("starting Envoy")(io::Error::other("no program")))?;
    let child = Command::new(program)
        .args(arguments)
        // Where files are that are named by a relative path.
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // The terminal's Ctrl-C is the caller's to answer.
        .process_group(0)
        .spawn()
        .map_err(machine("starting Envoy"))?;
    let (status, words) = ValidationProcess(child)
        .end()
        .await
        .map_err(machine("waiting for Envoy"))?;
    let words = words.trim();
    Ok(Validation {
        is_accepted: status.success(),
        version: envoy.version,
        words: if words.is_empty() && !status.success() {
            format!("it ended with {status} and said nothing")
        } else {
            words.to_owned()
        },
    })
}

/// An Envoy that is at it. Gone when this is dropped, so that it writes nothing into a folder that is being removed.
struct ValidationProcess(Child);

impl ValidationProcess {
    /// How it ends, and what it says until then.
    async fn end(mut self) -> io::Result<(ExitStatus, String)> {
        let mut words = Vec::new();
        if let Some(mut stderr) = self.0.stderr.take() {
            stderr.read_to_end(&mut words).await?;
        }
        Ok((self.0.wait().await?, String::from_utf8_lossy(&words).into_owned()))
    }
}

impl Drop for ValidationProcess {
    fn drop(&mut self) {
        // What is killed ends at once.
        let is_killed = self.0.start_kill().is_ok();
        while is_killed && matches!(self.0.try_wait(), Ok(None)) {
            std::thread::yield_now();
        }
    }
}

/// Has access logs written to the folder that Envoy is started in.
fn keep_logs_here(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(keep_logs_here),
        Value::Object(fields) if is_of_type(fields, FILE_ACCESS_LOG) => {
            fields.insert("path".to_owned(), "access.log".into());
        }
        Value::Object(fields) => fields.values_mut().for_each(keep_logs_here),
        _ => {}
    }
}

/// Looks for an Envoy. That blocks, so it has a thread of its own, which stops looking when this is cancelled.
async fn locate(mut on_step: impl FnMut(Progress) + Send + 'static) -> Result<Envoy, ValidationError> {
    let cancel = envoy_install::Cancel::new();
    let _cancel_guard = cancel.cancel_on_drop();
    let looking =
        tokio::task::spawn_blocking(move || Envoy::locate_cancellable(&HostEnv::from_env(), &cancel, &mut on_step));
    let found = looking.await.map_err(|error| ValidationError::Machine {
        what: "looking for Envoy",
        source: io::Error::other(error),
    })?;
    Ok(found?)
}
