//! Folders of temporary files, such as a mesh's logs and sockets, and those that programs left behind which were killed
//! outright.
//!
//! A program holds a lock on a file in its folder for as long as it lives; the kernel takes it away with the process.
//! So a folder with a lock file that is not locked belongs to nobody. [`crate::LocalMesh::start`] removes those that it
//! finds among the temporary files.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use tempfile::TempDir;

const PREFIX: &str = "meshwright-";
const LOCK: &str = "lock";

/// A folder that only this user can look into, in use as long as this exists and then gone; if this program is killed
/// before, with the start of the next mesh that has the same folder of temporary files. With [`DirAccess::PassThrough`], what
/// lies in it has to be closed as well, unless it is for others.
///
/// There is one file in it, `lock`, which is not to be touched.
#[derive(Debug)]
pub struct RunDir {
    folder: TempDir,
    _lock: File,
}

/// Who else may pass through a state folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirAccess {
    /// Nobody.
    Owner,
    /// Everybody, to what lies in it and is open to them; they cannot see what that is.
    PassThrough,
}

impl RunDir {
    /// Makes a folder in `parent`.
    ///
    /// # Errors
    ///
    /// If the machine refuses.
    pub fn create(parent: &Path, access: DirAccess) -> io::Result<Self> {
        let mode = match access {
            DirAccess::Owner => 0o700,
            DirAccess::PassThrough => 0o711,
        };
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
        // Not when it is made, as a process's `umask` may forbid it.
        fs::set_permissions(folder.path(), Permissions::from_mode(mode))?;
        // Locked under another name first: there is no moment at which it is there and not locked.
        let new = folder.path().join("lock.new");
        // Whoever could open it could lock it, and keep the folder from being swept.
        let lock = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        lock.lock()?;
        fs::rename(&new, folder.path().join(LOCK))?;
        Ok(Self { folder, _lock: lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        // Still locked: until it is gone it must not be anybody's to remove_stale.
        if let Err(error) = remove(self.path()) {
            tracing::warn!("{} stays until the next run: {error}", self.path().display());
        }
        // It would take away the lock of what stays.
        self.folder.disable_cleanup(true);
    }
}

/// Removes from `parent` all state folders of this user that nobody uses any more. What cannot be removed stays.
pub(crate) fn remove_stale(parent: &Path) {
    let user = rustix::process::geteuid().as_raw();
    for entry in parent.read_dir().into_iter().flatten().flatten() {
        let of_a_runner = entry.file_name().to_string_lossy().starts_with(PREFIX);
        // Not through a symbolic link: anybody can put one into a folder that is everybody's.
        let ours = |folder: &fs::Metadata| folder.is_dir() && folder.uid() == user;
        if of_a_runner && entry.metadata().is_ok_and(|folder| ours(&folder)) {
            remove_unless_used(&entry.path());
        }
    }
}

fn remove_unless_used(folder: &Path) {
    // One without is not ours, or is being made at this moment.
    let Ok(lock) = File::open(folder.join(LOCK)) else {
        return;
    };
    match lock.try_lock() {
        Ok(()) => {
            if let Err(error) = remove(folder) {
                tracing::warn!(
                    "{}, which a killed runner left behind, stays: {error}",
                    folder.display()
                );
            }
        }
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => {
            tracing::warn!("{} cannot be told from one in use: {error}", folder.display());
        }
    }
}

/// Removes a state folder, its lock last: as long as something else is left, the next runner can tell whose it is and
/// try again.
fn remove(folder: &Path) -> io::Result<()> {
    for entry in folder.read_dir()? {
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
    fs::remove_file(folder.join(LOCK))?;
    fs::remove_dir(folder)
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
    fn a_folder_is_closed_in_use_and_then_gone() {
        let parent = tempfile::tempdir().expect("a folder");
        for (access, mode) in [(DirAccess::Owner, 0o700), (DirAccess::PassThrough, 0o711)] {
            let state = RunDir::create(parent.path(), access).expect("a folder");
            assert_eq!(state.path().metadata().expect("it is there").mode() & 0o777, mode);
            let lock = state.path().join(LOCK);
            assert_eq!(lock.metadata().expect("it is there").mode() & 0o777, 0o600);
            fs::write(state.path().join("log"), "words").expect("it is ours");
            remove_stale(parent.path());
            assert!(state.path().join("log").exists());
            drop(state);
            assert_eq!(names(parent.path()), [""; 0]);
        }
    }

    #[test]
    fn only_what_a_killed_runner_left_is_swept() {
        let parent = tempfile::tempdir().expect("a folder");
        let path = |name: &str| parent.path().join(name);
        let left = RunDir::create(parent.path(), DirAccess::Owner).expect("a folder");
        fs::create_dir(left.path().join("blue-1")).expect("it is ours");
        // The kernel takes the lock away from a killed runner, and nobody removes the folder.
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
