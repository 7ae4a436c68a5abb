//! Run directories for temporary files, such as a mesh's logs and sockets, and removal of stale ones.
//!
//! A program holds a lock on a file in its directory as long as it lives; the kernel releases it with the process. So a
//! directory with an unlocked lock file is stale. [`crate::LocalMesh::start`] removes stale ones below `TMPDIR`.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

const PREFIX: &str = "meshwright-";
const LOCK: &str = "lock";

/// A private directory that is removed on drop; after a kill, by the next [`crate::LocalMesh::start`] with the same
/// `TMPDIR`. With [`DirAccess::PassThrough`], private contents need permissions of their own.
///
/// It contains one reserved file, `lock`.
#[derive(Debug)]
pub struct RunDir {
    dir: TempDir,
    _lock: File,
}

/// DirAccess of other users to a run directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirAccess {
    /// None.
    Owner,
    /// Traversal, to contents that are open to them; they cannot list it.
    PassThrough,
}

impl RunDir {
    /// Creates a directory in `parent`.
    ///
    /// # Errors
    ///
    /// If it cannot be created.
    pub fn create(parent: &Path, access: DirAccess) -> io::Result<Self> {
        let mode = match access {
            DirAccess::Owner => 0o700,
            DirAccess::PassThrough => 0o711,
        };
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
        // Not at creation, which is subject to the process's `umask`.
        fs::set_permissions(dir.path(), Permissions::from_mode(mode))?;
        // Locked under another name first, so that it is never visible unlocked.
        let new = dir.path().join("lock.new");
        // Only for this user: others could lock it, and prevent its removal.
        let lock = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        lock.lock()?;
        fs::rename(&new, dir.path().join(LOCK))?;
        Ok(Self { dir, _lock: lock })
    }

    /// This user's run directories in `parent` that a running program has locked.
    #[must_use]
    pub fn in_use(parent: &Path) -> Vec<PathBuf> {
        let used = directories(parent).filter(|dir| Self::is_in_use(dir));
        used.collect()
    }

    /// Whether the program of a run directory is running.
    #[must_use]
    pub fn is_in_use(dir: &Path) -> bool {
        let lock = File::open(dir.join(LOCK));
        // Unlocked again when it is closed.
        lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        // Still locked: another process must not remove it at the same time.
        if let Err(error) = remove(self.path()) {
            tracing::warn!(
                "cannot remove {}: {error}; the next run will try again",
                self.path().display()
            );
        }
        // It would also remove the lock of a directory that could not be removed.
        self.dir.disable_cleanup(true);
    }
}

/// Removes this user's stale run directories from `parent`. Failures are logged.
pub(crate) fn remove_stale(parent: &Path) {
    for dir in directories(parent) {
        remove_if_stale(&dir);
    }
}

/// This user's directories in `parent` with the name of a run directory.
fn directories(parent: &Path) -> impl Iterator<Item = PathBuf> {
    let user = rustix::process::geteuid().as_raw();
    let entries = parent.read_dir().into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    // Symbolic links are not followed: any user can create one in a shared directory.
    let ours = move |dir: &fs::Metadata| dir.is_dir() && dir.uid() == user;
    let ours = named.filter(move |entry| entry.metadata().is_ok_and(|dir| ours(&dir)));
    ours.map(|entry| entry.path())
}

fn remove_if_stale(dir: &Path) {
    // Without a lock file, it is not a run directory, or is being created.
    let Ok(lock) = File::open(dir.join(LOCK)) else {
        return;
    };
    match lock.try_lock() {
        Ok(()) => {
            if let Err(error) = remove(dir) {
                tracing::warn!("cannot remove stale run directory {}: {error}", dir.display());
            }
        }
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => {
            tracing::warn!("cannot check the lock of {}: {error}", dir.display());
        }
    }
}

/// Removes a run directory, its lock last: if another file remains, the next run can still detect and remove it.
fn remove(dir: &Path) -> io::Result<()> {
    for entry in dir.read_dir()? {
        let entry = entry?;
        if entry.file_name() == LOCK {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    fs::remove_file(dir.join(LOCK))?;
    fs::remove_dir(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(parent: &Path) -> Vec<String> {
        let entries = parent.read_dir().expect("it is there");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_directory_is_private_and_kept_while_in_use() {
        let parent = tempfile::tempdir().expect("a directory");
        for (access, mode) in [(DirAccess::Owner, 0o700), (DirAccess::PassThrough, 0o711)] {
            let dir = RunDir::create(parent.path(), access).expect("a directory");
            assert_eq!(dir.path().metadata().expect("it is there").mode() & 0o777, mode);
            let lock = dir.path().join(LOCK);
            assert_eq!(lock.metadata().expect("it is there").mode() & 0o777, 0o600);
            fs::write(dir.path().join("log"), "text").expect("it is ours");
            remove_stale(parent.path());
            assert!(dir.path().join("log").exists());
            drop(dir);
            assert_eq!(names(parent.path()), [""; 0]);
        }
    }

    #[test]
    fn only_stale_directories_are_removed() {
        let parent = tempfile::tempdir().expect("a directory");
        let path = |name: &str| parent.path().join(name);
        let left = RunDir::create(parent.path(), DirAccess::Owner).expect("a directory");
        fs::create_dir(left.path().join("blue-1")).expect("it is ours");
        // As after a kill: the kernel releases the lock, and the directory remains.
        left._lock.unlock().expect("it was locked");
        std::mem::forget(left);
        for other in ["meshwright-without-lock", "another", "meshwright-"] {
            fs::create_dir(path(other)).expect("it is ours");
        }
        fs::write(path("another").join(LOCK), "").expect("it is ours");
        std::os::unix::fs::symlink(path("another"), path("meshwright-link")).expect("it is ours");
        fs::write(path("meshwright-file"), "").expect("it is ours");
        assert_eq!(names(parent.path()).len(), 6);

        remove_stale(parent.path());
        assert_eq!(
            names(parent.path()),
            [
                "another",
                "meshwright-",
                "meshwright-file",
                "meshwright-link",
                "meshwright-without-lock"
            ]
        );
    }
}
