//! Pinned Python distributions in a directory of their own. This workspace's tests use it for their tools.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::error::InstallError;
use crate::host_env::HostEnv;
use crate::install_dir::{InstallDir, InstallDirError, cache_dir};
use crate::pip;
use crate::progress::Progress;
use crate::python::Interpreter;
use crate::requirements;

/// The installed requirements, stored in the installation. It marks the installation as complete.
const REQUIREMENTS_FILE: &str = "requirements.txt";

/// An installation of everything in `requirements.txt` except Envoy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wheels {
    python: Interpreter,
    dir: PathBuf,
}

impl Wheels {
    /// Finds the installation in `<cache>/meshwright/<name>/`, or installs it there with `python -m pip` and checked
    /// hashes. Envoy is excluded because it has its own directory, and no wheel for every platform of the others.
    ///
    /// The name of the directory contains a digest of the requirements and the ABI of Python's compiled modules, so
    /// another Python and other requirements get installations of their own. `what` is the title in
    /// [`Progress`].
    ///
    /// # Errors
    ///
    /// [`InstallError`].
    pub fn install(
        host_env: &HostEnv,
        name: &str,
        what: &str,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, InstallError> {
        let cancel = Cancel::never();
        let cache_dir = cache_dir(host_env)?;
        let python = Interpreter::find(host_env, &cancel)?;
        let requirements = requirements::select(requirements::PINNED, |name| name != requirements::ENVOY);
        let install_dir = InstallDir {
            parent: cache_dir.join(name),
            name: format!("{:016x}-{}", fnv1a(&requirements), python.abi),
            marker: REQUIREMENTS_FILE,
            what: what.to_owned(),
        };
        if !install_dir.is_complete() {
            install_dir.ensure(&cancel, progress, |scratch, tree| {
                pip::install(&python, &requirements, pip::Compile::Yes, scratch, tree, &cancel)?;
                fs::write(tree.join(REQUIREMENTS_FILE), &requirements).map_err(|reason| InstallDirError::Io {
                    dir: tree.to_owned(),
                    reason,
                })?;
                Ok::<(), InstallError>(())
            })?;
        }
        Ok(Self {
            python,
            dir: install_dir.path(),
        })
    }

    /// The Python that they were installed with.
    #[must_use]
    pub fn python(&self) -> &Interpreter {
        &self.python
    }

    /// The directory that contains their modules.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// FNV-1a: distinguishes lists of requirements and is stable across builds. It is not used for security; pip checks
/// the hashes of the files.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |digest, byte| {
        (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_is_fnv_1a() {
        assert_eq!(fnv1a(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a("foobar"), 0x8594_4171_f739_67e8);
    }
}
