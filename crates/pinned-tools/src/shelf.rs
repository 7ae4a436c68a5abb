//! How an installation becomes visible: all at once or not at all, whoever else is installing, and whatever
//! interrupts it.
//!
//! A shelf is a folder whose subfolders are complete installations. One that is being filled lives beside them
//! under a name that nobody looks for, and gets its own by a rename, which is atomic within a file system. Who
//! fills holds a lock that the kernel lifts when the process ends, however it ends; so whatever is half filled
//! while nobody holds the lock was interrupted, and is removed.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::{Failure, Unfinished};
use crate::step::Step;
use crate::stop::{Stop, Waited};

/// The beginning of the names of folders that are being filled.
const PARTIAL: &str = ".partial-";
/// How often to look whether another process is done. The kernel would wake us, but nobody could stop us then; and
/// this is little beside an installation.
const LOOKING: Duration = Duration::from_millis(50);

/// One installation's place: there, or still to be filled.
#[derive(Debug)]
pub(crate) struct Place {
    /// The folder with all installations of a kind.
    pub(crate) shelf: PathBuf,
    /// The name of this one's folder there.
    pub(crate) name: String,
    /// A path inside the installation. A folder without it was tampered with, and is filled anew.
    pub(crate) proof: &'static str,
    /// What is installed, for the user.
    pub(crate) what: String,
}

impl Place {
    /// The folder of the complete installation.
    pub(crate) fn folder(&self) -> PathBuf {
        self.shelf.join(&self.name)
    }

    /// True if the installation is there.
    pub(crate) fn is_filled(&self) -> bool {
        self.folder().join(self.proof).is_file()
    }

    /// Fills the place, unless another process does so first. True if it was filled here.
    ///
    /// `fill` gets an empty scratch folder and creates `tree`, a path that does not exist yet, inside it: that
    /// becomes the installation, the rest is removed. It has to heed `stop` itself.
    pub(crate) fn ensure(
        &self,
        stop: &Stop,
        notice: &mut dyn FnMut(Step),
        fill: impl FnOnce(&Path, &Path) -> Result<(), Unfinished>,
    ) -> Result<bool, Unfinished> {
        let cannot = |reason| Failure::Cache {
            folder: self.shelf.clone(),
            reason,
        };
        fs::create_dir_all(&self.shelf).map_err(cannot)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.shelf.join(".lock"))
            .map_err(cannot)?;
        if !locked(&lock).map_err(cannot)? {
            notice(Step::Waiting {
                what: self.what.clone(),
            });
            while !locked(&lock).map_err(cannot)? {
                if stop.wait(Some(Instant::now() + LOOKING), || false) == Waited::Stopped {
                    return Err(Unfinished::Stopped);
                }
            }
        }
        if self.is_filled() {
            return Ok(false);
        }

        self.remove_interrupted().map_err(cannot)?;
        notice(Step::Installing {
            what: self.what.clone(),
            into: self.folder(),
        });
        let scratch = tempfile::Builder::new()
            .prefix(PARTIAL)
            .tempdir_in(&self.shelf)
            .map_err(cannot)?;
        let tree = scratch.path().join("tree");
        fill(scratch.path(), &tree)?;
        // After a power failure the name may be on the disk before the contents are, unless they are sent first.
        File::open(tree.join(self.proof))
            .and_then(|proof| proof.sync_all())
            .map_err(cannot)?;
        remove_if_there(&self.folder()).map_err(cannot)?;
        fs::rename(&tree, self.folder()).map_err(cannot)?;
        Ok(true)
    }

    /// Removes what interrupted installations left. To be called with the lock held.
    fn remove_interrupted(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.shelf)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
                // A pip that outlived its killed parent may still be writing here. Nobody looks for its folder,
                // so what resists now is left to the next installation.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Ok(())
    }
}

/// True if the lock is ours now, false if it is another's.
fn locked(lock: &File) -> io::Result<bool> {
    match lock.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(reason)) => Err(reason),
    }
}

fn remove_if_there(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(shelf: &Path) -> Place {
        Place {
            shelf: shelf.join("shelf"),
            name: "1".to_owned(),
            proof: "program",
            what: "Program 1".to_owned(),
        }
    }

    fn fill(_: &Path, tree: &Path) -> Result<(), Unfinished> {
        fs::create_dir(tree).unwrap();
        fs::write(tree.join("program"), "complete").unwrap();
        Ok(())
    }

    fn names(shelf: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(shelf)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_place_is_filled_once() {
        let temp = tempfile::tempdir().unwrap();
        let place = place(temp.path());
        assert!(!place.is_filled());
        let mut steps = Vec::new();
        assert!(place.ensure(&Stop::new(), &mut |step| steps.push(step), fill).unwrap());
        assert!(place.is_filled());
        assert!(
            !place
                .ensure(&Stop::new(), &mut |_| unreachable!(), |_, _| unreachable!(
                    "filled already"
                ))
                .unwrap()
        );
        assert_eq!(
            steps,
            [Step::Installing {
                what: "Program 1".to_owned(),
                into: place.folder()
            }]
        );
        assert_eq!(names(&place.shelf), [".lock", "1"]);
    }

    #[test]
    fn a_failure_leaves_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let place = place(temp.path());
        let failed = place.ensure(&Stop::new(), &mut |_| {}, |scratch, tree| {
            fill(scratch, tree)?;
            Err(Failure::NoCacheHome.into())
        });
        assert!(matches!(failed, Err(Unfinished::Failed(Failure::NoCacheHome))));
        assert_eq!(names(&place.shelf), [".lock"]);
    }

    #[test]
    fn what_was_interrupted_is_removed_and_what_lost_its_proof_is_filled_anew() {
        let temp = tempfile::tempdir().unwrap();
        let place = place(temp.path());
        fs::create_dir_all(place.shelf.join(".partial-abc/tree")).unwrap();
        fs::write(place.shelf.join(".partial-abc/tree/program"), "half").unwrap();
        fs::create_dir_all(place.folder().join("other")).unwrap();
        assert!(place.ensure(&Stop::new(), &mut |_| {}, fill).unwrap());
        assert_eq!(names(&place.shelf), [".lock", "1"]);
        assert_eq!(names(&place.folder()), ["program"]);
    }
}
