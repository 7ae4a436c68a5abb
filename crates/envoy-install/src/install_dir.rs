//! Installs into a directory atomically: other processes see the complete installation or none.
//!
//! The subdirectories of a parent directory are complete installations. An incomplete one is beside them under a name
//! that is never looked up, and gets its final name by a rename, which is atomic within a file system. The installing
//! process holds a lock, which the kernel releases at its exit. So an incomplete installation without a lock holder was
//! interrupted, and is removed.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::cancel::{Cancel, Waited};
use crate::host_env::HostEnv;
use crate::progress::Progress;

/// Prefix of the names of incomplete installations.
const PARTIAL: &str = ".partial-";
/// How often to try to lock. The kernel could block until the lock is free, but then a cancellation could not end the
/// wait; an installation takes far longer than this interval.
const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The directory of one installation, which may not exist yet.
#[derive(Debug)]
pub(crate) struct InstallDir {
    /// The directory of all installations of one program.
    pub(crate) parent: PathBuf,
    /// The name of this installation's directory.
    pub(crate) name: String,
    /// A file inside the installation. A directory without it is incomplete and is replaced.
    pub(crate) marker: &'static str,
    /// Title for messages, such as `Envoy 1.40.0`.
    pub(crate) what: String,
}

/// Why the directory of an installation cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallDirError {
    /// There is no cache directory.
    #[error("no directory to install into: neither XDG_CACHE_HOME nor HOME is an absolute path")]
    NoCacheHome,
    /// The directory could not be written or locked.
    #[error("cannot install into {}: {reason}; set XDG_CACHE_HOME=/path/to/cache to use another directory", dir.display())]
    Io {
        /// The directory.
        dir: PathBuf,
        /// The operating system's error.
        reason: io::Error,
    },
    /// Waiting for another process was cancelled.
    #[error("interrupted")]
    Cancelled,
}

/// The directory for everything that this crate installs.
pub(crate) fn cache_dir(host_env: &HostEnv) -> Result<PathBuf, InstallDirError> {
    let cache_home = host_env.cache_home.as_ref().ok_or(InstallDirError::NoCacheHome)?;
    Ok(cache_home.join("meshwright"))
}

impl InstallDir {
    /// The path of the complete installation.
    pub(crate) fn path(&self) -> PathBuf {
        self.parent.join(&self.name)
    }

    /// True if the installation is complete.
    pub(crate) fn is_complete(&self) -> bool {
        self.path().join(self.marker).is_file()
    }

    /// Installs unless another process does so first. Returns true if this call installed.
    ///
    /// `install` gets an empty scratch directory and inside it the path `tree`, which it has to create: that becomes
    /// the installation, the rest is removed. It has to observe `cancel` itself.
    pub(crate) fn ensure<E: From<InstallDirError>>(
        &self,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Progress),
        install: impl FnOnce(&Path, &Path) -> Result<(), E>,
    ) -> Result<bool, E> {
        let in_parent = |reason| InstallDirError::Io {
            dir: self.parent.clone(),
            reason,
        };
        fs::create_dir_all(&self.parent).map_err(in_parent)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.parent.join(".lock"))
            .map_err(in_parent)?;
        if !try_lock(&lock).map_err(in_parent)? {
            progress(Progress::Waiting {
                what: self.what.clone(),
            });
            while !try_lock(&lock).map_err(in_parent)? {
                if cancel.wait(Some(Instant::now() + LOCK_POLL_INTERVAL), || false) == Waited::Cancelled {
                    return Err(InstallDirError::Cancelled.into());
                }
            }
        }
        if self.is_complete() {
            return Ok(false);
        }

        self.remove_interrupted().map_err(in_parent)?;
        progress(Progress::Installing {
            what: self.what.clone(),
            dir: self.path(),
        });
        let scratch = tempfile::Builder::new()
            .prefix(PARTIAL)
            .tempdir_in(&self.parent)
            .map_err(in_parent)?;
        let tree = scratch.path().join("tree");
        install(scratch.path(), &tree)?;
        // Without a sync, a power failure could leave the name on the disk without the contents.
        File::open(tree.join(self.marker))
            .and_then(|marker| marker.sync_all())
            .map_err(in_parent)?;
        remove_if_exists(&self.path()).map_err(in_parent)?;
        fs::rename(&tree, self.path()).map_err(in_parent)?;
        Ok(true)
    }

    /// Removes interrupted installations. The caller holds the lock.
    fn remove_interrupted(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.parent)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
                // A pip that outlived its killed parent may still be writing here. The directory is never looked up,
                // so the next installation may remove what remains.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Ok(())
    }
}

/// True if the lock was acquired, false if another process holds it.
fn try_lock(lock: &File) -> io::Result<bool> {
    match lock.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(reason)) => Err(reason),
    }
}

fn remove_if_exists(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install_dir(temp: &Path) -> InstallDir {
        InstallDir {
            parent: temp.join("parent"),
            name: "1".to_owned(),
            marker: "program",
            what: "Program 1".to_owned(),
        }
    }

    fn install(_: &Path, tree: &Path) -> Result<(), InstallDirError> {
        fs::create_dir(tree).unwrap();
        fs::write(tree.join("program"), "complete").unwrap();
        Ok(())
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn an_installation_happens_once() {
        let temp = tempfile::tempdir().unwrap();
        let dir = install_dir(temp.path());
        assert!(!dir.is_complete());
        let mut reports = Vec::new();
        assert!(
            dir.ensure(&Cancel::new(), &mut |report| reports.push(report), install)
                .unwrap()
        );
        assert!(dir.is_complete());
        let again = dir.ensure(
            &Cancel::new(),
            &mut |_| unreachable!(),
            |_, _| -> Result<(), InstallDirError> { unreachable!("complete already") },
        );
        assert!(!again.unwrap());
        assert_eq!(
            reports,
            [Progress::Installing {
                what: "Program 1".to_owned(),
                dir: dir.path()
            }]
        );
        assert_eq!(names(&dir.parent), [".lock", "1"]);
    }

    #[test]
    fn a_failed_installation_leaves_no_files() {
        let temp = tempfile::tempdir().unwrap();
        let dir = install_dir(temp.path());
        let failed = dir.ensure(&Cancel::new(), &mut |_| {}, |scratch, tree| {
            install(scratch, tree)?;
            Err(InstallDirError::NoCacheHome)
        });
        assert!(matches!(failed, Err(InstallDirError::NoCacheHome)));
        assert_eq!(names(&dir.parent), [".lock"]);
    }

    #[test]
    fn interrupted_and_incomplete_installations_are_replaced() {
        let temp = tempfile::tempdir().unwrap();
        let dir = install_dir(temp.path());
        fs::create_dir_all(dir.parent.join(".partial-abc/tree")).unwrap();
        fs::write(dir.parent.join(".partial-abc/tree/program"), "half").unwrap();
        fs::create_dir_all(dir.path().join("other")).unwrap();
        assert!(dir.ensure(&Cancel::new(), &mut |_| {}, install).unwrap());
        assert_eq!(names(&dir.parent), [".lock", "1"]);
        assert_eq!(names(&dir.path()), ["program"]);
    }
}
