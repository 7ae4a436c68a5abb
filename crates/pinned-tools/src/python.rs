//! The tools of the workspace's tests that are written in Python, and the Python they run on.

mod interpreter;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Failure, Unfinished};
use crate::pip;
use crate::requirements;
use crate::shelf::Place;
use crate::step::Step;
use crate::stop::Stop;
use crate::surroundings::Surroundings;

pub(crate) use interpreter::{Interpreter, OLDEST_PYTHON};

/// What was installed, kept beside it: to see what is there, and to know that it is there.
const LIST: &str = "requirements.txt";

/// The tools of the tests, installed together in a folder of their own.
///
/// Each command runs on the Python that they were installed with. It sees the tools before everything else that
/// this Python has, nothing that the user installed for themselves, and no module from the working directory
/// (Python 3.10 still finds these for [`module`](Self::module)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonTools {
    python: Interpreter,
    folder: PathBuf,
}

impl PythonTools {
    /// Finds the tools in `<cache>/meshwright/test-tools/`, or installs them there with their hashes checked, by
    /// the user's own `python -m pip`: everything that is pinned but Envoy, which has its own place and not a
    /// wheel for every platform that the tools run on.
    ///
    /// The folder's name holds a digest of the pins and what the Python's compiled modules are made for, so
    /// another Python, and another pin, gets an installation of its own. Takes some 48 MB of download, 290 MB of
    /// disk and twenty seconds; after that, one start of Python. `notice` hears of each [`Step`] before it is taken.
    ///
    /// # Errors
    ///
    /// [`Error::NoTestTools`]. A test should fail with it and not skip what it wanted the tools for.
    pub fn install(surroundings: &Surroundings, notice: &mut dyn FnMut(Step)) -> Result<Self, Error> {
        Self::find_or_install(surroundings, &Stop::never(), notice)
            .map_err(|unfinished| unfinished.into_error(|failure| Error::NoTestTools { failure }))
    }

    fn find_or_install(
        surroundings: &Surroundings,
        stop: &Stop,
        notice: &mut dyn FnMut(Step),
    ) -> Result<Self, Unfinished> {
        let cache_home = surroundings.cache_home.as_ref().ok_or(Failure::NoCacheHome)?;
        let python = Interpreter::find(surroundings, stop)?;
        let requirements = requirements::select(requirements::PINNED, |name| name != requirements::ENVOY);
        let place = Place {
            shelf: cache_home.join("meshwright/test-tools"),
            name: format!("{:016x}-{}", digest(&requirements), python.abi),
            proof: LIST,
            what: "the tools of the tests".to_owned(),
        };
        if !place.is_filled() {
            place.ensure(stop, notice, |scratch, tree| {
                pip::install(&python, &requirements, pip::Compile::Yes, scratch, tree, stop)?;
                fs::write(tree.join(LIST), &requirements).map_err(|reason| Failure::Cache {
                    folder: tree.to_owned(),
                    reason,
                })?;
                Ok(())
            })?;
        }
        Ok(Self {
            python,
            folder: place.folder(),
        })
    }

    /// A command that runs hadolint, which judges Dockerfiles: without arguments yet.
    #[must_use]
    pub fn hadolint(&self) -> Command {
        // No script: its wheel holds a program.
        Command::new(self.folder.join("bin").join("hadolint"))
    }

    /// A command that runs cfn-lint, which judges CloudFormation templates: without arguments yet.
    /// Its exit code is 0 for a template without findings.
    #[must_use]
    pub fn cfn_lint(&self) -> Command {
        self.script("cfn-lint")
    }

    /// A command that serves many of AWS's APIs on one port: without settings yet, which it takes from the
    /// environment (`BIND_HOST`, `GATEWAY_PORT`; it keeps files in `TMPDIR`). It prints its address once it listens.
    #[must_use]
    pub fn ministack(&self) -> Command {
        let mut command = self.module("ministack");
        // Another listener, at a port of its own choice, that nobody here speaks to.
        command.env("IOT_MTLS_ENABLED", "0");
        command
    }

    /// A command that serves other implementations of AWS's APIs on one port: without arguments yet (`-H`, `-p`). It
    /// prints its address once it listens.
    #[must_use]
    pub fn moto_server(&self) -> Command {
        self.module("moto.server")
    }

    /// A command that runs a Python program of the caller's, which can use the tools' modules: boto3, for instance.
    #[must_use]
    pub fn program(&self, file: &Path) -> Command {
        let mut command = self.command();
        command.arg(file);
        command
    }

    /// A command that runs `python -m <module>`, for tools that are run that way.
    #[must_use]
    pub fn module(&self, module: &str) -> Command {
        let mut command = self.command();
        command.args(["-m", module]);
        command
    }

    /// A command that runs one of the tools' console scripts by its name.
    #[must_use]
    pub fn script(&self, name: &str) -> Command {
        let mut command = self.command();
        // Through Python, as the script's own first line would lose what `command` sets up for it.
        command.arg(self.folder.join("bin").join(name));
        command
    }

    fn command(&self) -> Command {
        let mut command = self.python.command();
        command
            .env("PYTHONPATH", &self.folder)
            .env("PYTHONNOUSERSITE", "1")
            .env("PYTHONSAFEPATH", "1")
            // The installation is shared and complete: nobody writes to it any more.
            .env("PYTHONDONTWRITEBYTECODE", "1");
        // What changes the way a program runs, as a developer may have set it for their own.
        for variable in ["PYTHONINSPECT", "PYTHONOPTIMIZE", "PYTHONWARNINGS", "PYTHONSTARTUP"] {
            command.env_remove(variable);
        }
        command
    }
}

/// FNV-1a: tells one list of pins from another and is the same in every build of this crate. Nobody is trusted
/// because of it; pip checks the real hashes.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |digest, byte| {
        (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_fnv_1a() {
        assert_eq!(digest(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(digest("foobar"), 0x8594_4171_f739_67e8);
    }
}
