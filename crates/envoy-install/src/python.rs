//! Finds the Python interpreter that runs pip.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::cancel::Cancel;
use crate::host_env::{HostEnv, is_bare_name};
use crate::output::last_lines;
use crate::process::{self, Aborted, VERSION_TIMEOUT};

/// The oldest Python that every pinned distribution supports; `requirements.txt` is resolved for it and later ones.
const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// Prints the version and the ABI of compiled modules. Runs on Python 2 too, so that an old version can be reported.
const PROBE: &str = "\
import os, sys, sysconfig
print('%d %d %s-%s' % (sys.version_info[0], sys.version_info[1], sysconfig.get_config_var('SOABI'), os.uname()[4]))
";

/// A Python that is new enough. It may lack pip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// The program, an absolute path.
    pub(crate) path: PathBuf,
    /// ABI of compiled modules, such as `cpython-312-x86_64-linux-gnu-x86_64`. The architecture is appended because
    /// macOS does not include it.
    pub(crate) abi: String,
}

/// Why there is no Python.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PythonError {
    /// No interpreter is usable.
    #[error(
        "found no Python {}.{} or newer to install with ({}); set PYTHON=/path/to/python3",
        OLDEST_PYTHON.0,
        OLDEST_PYTHON.1,
        tried.join(", ")
    )]
    NotFound {
        /// What was tried, each with its result.
        tried: Vec<String>,
    },
    /// The search was cancelled.
    #[error("interrupted")]
    Cancelled,
}

impl Interpreter {
    /// Finds the first usable interpreter as specified by [`HostEnv::python`].
    pub(crate) fn find(host_env: &HostEnv, cancel: &Cancel) -> Result<Self, PythonError> {
        let names: &[&Path] = match &host_env.python {
            Some(python) => &[python],
            None => &[Path::new("python3"), Path::new("python")],
        };
        let mut tried = Vec::new();
        for name in names {
            let found = if is_bare_name(name) {
                host_env.find_on_path(name.as_os_str()).into_iter().next()
            } else {
                Some(name.to_path_buf())
            };
            let Some(path) = found else {
                tried.push(format!("no `{}` on PATH", name.display()));
                continue;
            };
            let abi = match process::run(&mut probe_command(&path), cancel, Some(VERSION_TIMEOUT)) {
                Ok(output) => abi_from_output(&output),
                Err(Aborted::Cancelled) => return Err(PythonError::Cancelled),
                Err(Aborted::Spawn(error)) => Err(format!("cannot be started ({error})")),
                Err(Aborted::TimedOut) => Err(format!("did not answer within {} s", VERSION_TIMEOUT.as_secs())),
            };
            match abi {
                Ok(abi) => return Ok(Self { path, abi }),
                Err(reason) => tried.push(format!("{} {reason}", path.display())),
            }
        }
        Err(PythonError::NotFound { tried })
    }

    /// A command that starts it, without arguments.
    #[must_use]
    pub fn command(&self) -> Command {
        Command::new(&self.path)
    }
}

fn probe_command(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.args([OsStr::new("-c"), OsStr::new(PROBE)]);
    command
}

/// The ABI, or why the probed program is not usable.
fn abi_from_output(output: &Output) -> Result<String, String> {
    if !output.status.success() {
        return Err(format!("failed: {}", last_lines(output, 1)));
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    let (version, abi) = parse(&printed).ok_or_else(|| format!("is not Python: it printed {:?}", printed.trim()))?;
    if version < OLDEST_PYTHON {
        return Err(format!("is Python {}.{}", version.0, version.1));
    }
    Ok(abi.to_owned())
}

fn parse(printed: &str) -> Option<((u32, u32), &str)> {
    // A customised Python may print lines of its own at start.
    let mut fields = printed.lines().last()?.split_whitespace();
    let version = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((version, fields.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_abi_are_in_the_last_line() {
        let abi = "cpython-312-x86_64-linux-gnu-x86_64";
        assert_eq!(parse(&format!("3 12 {abi}\n")), Some(((3, 12), abi)));
        assert_eq!(parse(&format!("welcome\n3 12 {abi}\n")), Some(((3, 12), abi)));
        for other in ["", "3", "3 12", "Python 3 12"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
