//! A document in a file: replaced as a whole, by one writer at a time, and there after a crash at any moment.

#[cfg(test)]
mod tests;

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Revision, Store, StoreError, Stored};

/// A document in a file on a local disk.
///
/// A new document is written beside the old one, sent to the disk, and takes its name by a rename, which is atomic
/// within a file system. So a reader finds the old document or the new one, and so does whoever comes after a crash
/// or a power failure. Writers exclude each other by a lock on a file beside it, `<name>.lock`, which stays there: the
/// kernel lifts the lock when its holder ends, however it ends. A document that is half written is called
/// `<name>.new`; nobody reads it, and the next writer writes over it.
///
/// A file's revision is its contents. So a change made by hand is noticed, and one that was undone does no harm.
///
/// It protects against every writer that uses this store. An editor does not heed the lock, nor do network file
/// systems everywhere. Its futures are ready at once: they block the thread meanwhile, for some milliseconds.
#[derive(Debug, Clone)]
pub struct FileStore {
    path: PathBuf,
    owner: String,
}

/// The moments at which a crash leaves something different behind, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// Before anything was touched.
    Begun,
    /// The lock is held, and says by whom.
    Locked,
    /// The document was compared with what was expected.
    Compared,
    /// The new file is there, and empty.
    Created,
    /// Half of the new document is in the new file.
    HalfWritten,
    /// All of it is.
    Written,
    /// And on the disk.
    Synced,
    /// The new file has the name.
    Renamed,
    /// And the disk knows it.
    FolderSynced,
}

impl FileStore {
    /// The document in this file, whose folder has to be there. The lock's holder is called by the number of this
    /// process.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            owner: format!("process {}", std::process::id()),
        }
    }

    /// What others are told who find the document locked: a name that says whom to ask.
    #[must_use]
    pub fn with_owner(self, owner: impl Into<String>) -> Self {
        Self {
            owner: owner.into(),
            ..self
        }
    }

    /// Replaces the document. `reached` hears of each moment, and stops it there with an error: so tests look at
    /// what a crash leaves.
    fn replace(
        &self,
        expected: Option<&Revision>,
        text: &str,
        reached: &mut dyn FnMut(Moment) -> io::Result<()>,
    ) -> Result<Revision, StoreError> {
        let failed = |doing| move |source: io::Error| self.failed(doing, source);
        let reached = &mut |moment| reached(moment).map_err(failed("being interrupted"));
        reached(Moment::Begun)?;
        // Held until it is dropped, on every way out.
        let _lock = self.lock()?;
        reached(Moment::Locked)?;
        let found = self.read().map_err(failed("reading it"))?;
        if found.as_deref() != expected.map(Revision::as_str) {
            return Err(self.changed(found.as_deref(), expected));
        }
        reached(Moment::Compared)?;
        // A link to the document stays a link.
        let path = match fs::canonicalize(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.path.clone(),
            other => other.map_err(failed("following its path"))?,
        };
        let new = beside(&path, "new");
        let mut file = File::create(&new).map_err(failed("making a file beside it"))?;
        reached(Moment::Created)?;
        let (first, second) = text.as_bytes().split_at(text.len() / 2);
        file.write_all(first).map_err(failed("writing beside it"))?;
        reached(Moment::HalfWritten)?;
        file.write_all(second).map_err(failed("writing beside it"))?;
        if let Ok(old) = fs::metadata(&path) {
            file.set_permissions(old.permissions())
                .map_err(failed("keeping its permissions"))?;
        }
        reached(Moment::Written)?;
        file.sync_all().map_err(failed("sending it to the disk"))?;
        reached(Moment::Synced)?;
        fs::rename(&new, &path).map_err(failed("replacing it"))?;
        reached(Moment::Renamed)?;
        sync_folder(&path).map_err(failed("sending its name to the disk"))?;
        reached(Moment::FolderSynced)?;
        Ok(Revision::new(text))
    }

    fn read(&self) -> io::Result<Option<String>> {
        match fs::read_to_string(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        }
    }

    fn lock(&self) -> Result<File, StoreError> {
        let failed = |doing| move |source: io::Error| self.failed(doing, source);
        let path = beside(&self.path, "lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failed("opening its lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                // What cannot be read now was perhaps not written yet.
                let holder = fs::read_to_string(&path).ok().filter(|holder| !holder.is_empty());
                return Err(StoreError::Held {
                    place: self.place(),
                    holder: holder.unwrap_or_else(|| "somebody who has not given a name yet".to_owned()),
                });
            }
            Err(TryLockError::Error(source)) => return Err(self.failed("locking it", source)),
        }
        lock.set_len(0)
            .and_then(|()| (&lock).write_all(self.owner.as_bytes()))
            .map_err(failed("writing its lock"))?;
        Ok(lock)
    }

    fn changed(&self, found: Option<&str>, expected: Option<&Revision>) -> StoreError {
        let what = match (found, expected) {
            (Some(found), Some(_)) => format!("it has changed since it was read, and is now {found}"),
            (Some(found), None) => format!("there was no document, and now there is {found}"),
            (None, _) => "it was removed since it was read".to_owned(),
        };
        StoreError::Changed {
            place: self.place(),
            what,
        }
    }

    fn failed(&self, doing: &'static str, source: io::Error) -> StoreError {
        StoreError::Failed {
            place: self.place(),
            doing,
            source: Box::new(source),
        }
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }
}

impl Store for FileStore {
    async fn load(&self) -> Result<Option<Stored>, StoreError> {
        let text = self.read().map_err(|source| self.failed("reading it", source))?;
        Ok(text.map(|text| Stored {
            revision: Revision::new(&text),
            text,
        }))
    }

    async fn save(&self, expected: Option<&Revision>, text: &str) -> Result<Revision, StoreError> {
        self.replace(expected, text, &mut |_| Ok(()))
    }
}

/// The path of a file that belongs to the one at `path`.
fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    PathBuf::from(name)
}

/// Sends a folder's names to the disk, where folders can be opened: on Windows they cannot, and need not.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if cfg!(unix) {
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}
