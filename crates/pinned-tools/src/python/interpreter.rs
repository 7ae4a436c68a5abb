//! The Python that installs and runs things, and the first question to it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::child::{self, ANSWER_LIMIT, Cut};
use crate::error::{Failure, Unfinished};
use crate::pip::last_lines;
use crate::stop::Stop;
use crate::surroundings::{Surroundings, is_bare_name};

/// What every pinned distribution runs on; `requirements.txt` was made for it and for what came after.
pub(crate) const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// Prints the version and what compiled modules have to be made for, in a Python so old that it gets to say so.
const QUESTION: &str = "\
import os, sys, sysconfig
print('%d %d %s-%s' % (sys.version_info[0], sys.version_info[1], sysconfig.get_config_var('SOABI'), os.uname()[4]))
";

/// A Python that is new enough. Whether it has pip shows when pip is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interpreter {
    /// The program, an absolute path.
    pub(crate) path: PathBuf,
    /// What compiled modules have to be made for, such as `cpython-312-x86_64-linux-gnu-x86_64`. The architecture
    /// comes again because macOS leaves it out of the rest.
    pub(crate) abi: String,
}

impl Interpreter {
    /// The first usable one of what [`Surroundings::python`] says.
    pub(crate) fn find(surroundings: &Surroundings, stop: &Stop) -> Result<Self, Unfinished> {
        let asked_for: &[&Path] = match &surroundings.python {
            Some(python) => &[python],
            None => &[Path::new("python3"), Path::new("python")],
        };
        let mut tried = Vec::new();
        for python in asked_for {
            let found = if is_bare_name(python) {
                surroundings.on_path(python.as_os_str()).into_iter().next()
            } else {
                Some(python.to_path_buf())
            };
            let Some(path) = found else {
                tried.push(format!("no `{}` on PATH", python.display()));
                continue;
            };
            let answer = match child::run(&mut question(&path), stop, Some(ANSWER_LIMIT)) {
                Ok(output) => abi(&output),
                Err(Cut::Stopped) => return Err(Unfinished::Stopped),
                Err(Cut::Unstartable(error)) => Err(format!("cannot be started ({error})")),
                Err(Cut::TooLong) => Err(format!("did not answer within {} s", ANSWER_LIMIT.as_secs())),
            };
            match answer {
                Ok(abi) => return Ok(Self { path, abi }),
                Err(why) => tried.push(format!("{} {why}", path.display())),
            }
        }
        Err(Failure::NoPython { tried }.into())
    }

    /// A command that starts it, without arguments yet.
    pub(crate) fn command(&self) -> Command {
        Command::new(&self.path)
    }
}

/// A command that asks the program what it is.
fn question(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.args([OsStr::new("-c"), OsStr::new(QUESTION)]);
    command
}

/// What compiled modules have to be made for, or why the program that gave this answer will not do.
fn abi(output: &Output) -> Result<String, String> {
    if !output.status.success() {
        return Err(format!("failed: {}", last_lines(output, 1)));
    }
    let answer = String::from_utf8_lossy(&output.stdout);
    let (version, abi) = read(&answer).ok_or_else(|| format!("is not Python, as it answers {:?}", answer.trim()))?;
    if version < OLDEST_PYTHON {
        return Err(format!("is Python {}.{}", version.0, version.1));
    }
    Ok(abi.to_owned())
}

fn read(answer: &str) -> Option<((u32, u32), &str)> {
    // A Python that is started may print something of its own first.
    let mut words = answer.lines().last()?.split_whitespace();
    let version = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some((version, words.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_the_last_line() {
        let abi = "cpython-312-x86_64-linux-gnu-x86_64";
        assert_eq!(read(&format!("3 12 {abi}\n")), Some(((3, 12), abi)));
        assert_eq!(read(&format!("welcome\n3 12 {abi}\n")), Some(((3, 12), abi)));
        for other in ["", "3", "3 12", "Python 3 12"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
