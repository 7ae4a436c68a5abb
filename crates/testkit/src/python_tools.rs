//! Tools that are installed as Python wheels: the AWS CLI, cfn-lint, hadolint, MiniStack, moto and parliament.

use std::path::{Path, PathBuf};
use std::process::Command;

use envoy_install::wheels::Wheels;
use envoy_install::{HostEnv, InstallError, Progress};

/// The Python tools, installed together in a directory of their own.
///
/// Each command runs on the Python that they were installed with. It sees the tools before everything else that this
/// Python has, no packages of the user site, and no module from the working directory (with
/// [`module`](Self::module), Python 3.10 still finds these).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonTools {
    wheels: Wheels,
}

impl PythonTools {
    /// Finds the tools in `<cache>/meshwright/test-tools/`, or installs them there.
    ///
    /// Downloads some 69 MB, needs 460 MB of disk and takes half a minute; after that, one start of Python.
    ///
    /// # Errors
    ///
    /// [`InstallError`].
    pub fn install(host_env: &HostEnv, progress: &mut dyn FnMut(Progress)) -> Result<Self, InstallError> {
        Wheels::install(host_env, "test-tools", "the tools of the tests", progress).map(|wheels| Self { wheels })
    }

    /// A command that runs hadolint, the linter for Dockerfiles, without arguments.
    #[must_use]
    pub fn hadolint(&self) -> Command {
        // Its wheel contains a binary, not a Python script.
        Command::new(self.wheels.dir().join("bin").join("hadolint"))
    }

    /// A command that runs cfn-lint, the linter for CloudFormation templates, without arguments.
    /// Its exit code is 0 for a template without findings.
    #[must_use]
    pub fn cfn_lint(&self) -> Command {
        self.script("cfn-lint")
    }

    /// A command that serves many of AWS's APIs on one port. It reads its settings from the environment
    /// (`BIND_HOST`, `GATEWAY_PORT`; it stores files in `TMPDIR`) and prints its address once it listens.
    #[must_use]
    pub fn ministack(&self) -> Command {
        let mut command = self.module("ministack");
        // An additional listener at a random port that no test uses.
        command.env("IOT_MTLS_ENABLED", "0");
        command
    }

    /// A command that serves other implementations of AWS's APIs on one port, without arguments (`-H`, `-p`). It
    /// prints its address once it listens.
    #[must_use]
    pub fn moto_server(&self) -> Command {
        self.module("moto.server")
    }

    /// A command that runs a Python program of the caller, which can import the tools' modules, such as boto3.
    #[must_use]
    pub fn program(&self, file: &Path) -> Command {
        let mut command = self.command();
        command.arg(file);
        command
    }

    /// A command that runs `python -m <module>`.
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
        // Through Python, because the script's own first line would lose the settings of `command`.
        command.arg(self.wheels.dir().join("bin").join(name));
        command
    }

    /// The directory of an installed Python package, such as `cfnlint`.
    #[must_use]
    pub fn package_dir(&self, package: &str) -> PathBuf {
        self.wheels.dir().join(package)
    }

    fn command(&self) -> Command {
        let mut command = self.wheels.python().command();
        command
            .env("PYTHONPATH", self.wheels.dir())
            .env("PYTHONNOUSERSITE", "1")
            .env("PYTHONSAFEPATH", "1")
            // The installation is shared and complete, so it must not change.
            .env("PYTHONDONTWRITEBYTECODE", "1");
        // Settings of the developer that change how a program runs.
        for variable in ["PYTHONINSPECT", "PYTHONOPTIMIZE", "PYTHONWARNINGS", "PYTHONSTARTUP"] {
            command.env_remove(variable);
        }
        command
    }
}
