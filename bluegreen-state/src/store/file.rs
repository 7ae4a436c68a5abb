//! File store: atomic replacement, one writer at a time, consistent after a crash at any stage.

#[cfg(test)]
mod tests;

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Revision, Store, StoreError, StoreFuture, Stored};

/// A document in a file on a local disk.
///
/// A new document is written to `<name>.new`, synced, and renamed to its name, which is atomic within a file system.
/// Readers find the old document or the new one, also after a crash or a power failure. Writers exclude each other by
/// a lock on the file `<name>.lock`, which is never removed: the kernel releases the lock when its holder ends. A
/// partially written `<name>.new` is never read, and the next writer overwrites it.
///
/// The revision of a file is its contents, so manual changes are detected, and a change that was reverted is harmless.
///
/// The store protects against other writers that use it. Editors and some network file systems ignore the lock. The
/// futures are ready immediately: they block the thread for some milliseconds.
#[derive(Debug, Clone)]
pub struct FileStore {
    path: PathBuf,
    owner: String,
}

/// The stages of a save at which a crash has different results, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SaveStage {
    /// Before any change.
    Begun,
    /// The lock is held, and its file names the holder.
    Locked,
    /// The document has the expected revision.
    Compared,
    /// The new file exists and is empty.
    Created,
    /// The new file has half of the document.
    HalfWritten,
    /// The new file has the whole document.
    Written,
    /// The new file is synced.
    Synced,
    /// The new file is renamed.
    Renamed,
    /// The directory is synced.
    DirectorySynced,
}

impl FileStore {
    /// The document in this file. Its directory must exist. The default owner is the process id.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            owner: format!("process {}", std::process::id()),
        }
    }

    /// The name of the lock's holder in errors of other writers, such as `ci run 42`.
    #[must_use]
    pub fn with_owner(self, owner: impl Into<String>) -> Self {
        Self {
            owner: owner.into(),
            ..self
        }
    }

    /// Replaces the document. Calls `reached` at each stage; an error from it stops the save there, which lets tests
    /// simulate a crash.
    fn replace(
        &self,
        expected: Option<&Revision>,
        text: &str,
        reached: &mut dyn FnMut(SaveStage) -> io::Result<()>,
    ) -> Result<Revision, StoreError> {
        let failed = |operation| move |source: io::Error| self.failed(operation, source);
        let reached = &mut |stage| reached(stage).map_err(failed("saving it"));
        reached(SaveStage::Begun)?;
        // Released when dropped, on every return.
        let _lock = self.lock()?;
        reached(SaveStage::Locked)?;
        let found = self.read().map_err(failed("reading it"))?;
        if found.as_deref() != expected.map(Revision::as_str) {
            return Err(self.changed(found.as_deref(), expected));
        }
        reached(SaveStage::Compared)?;
        // Follow a symbolic link instead of replacing it.
        let path = match fs::canonicalize(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.path.clone(),
            other => other.map_err(failed("resolving its path"))?,
        };
        let new = with_suffix(&path, "new");
        let mut file = File::create(&new).map_err(failed("creating its .new file"))?;
        reached(SaveStage::Created)?;
        let (first, second) = text.as_bytes().split_at(text.len() / 2);
        file.write_all(first).map_err(failed("writing its .new file"))?;
        reached(SaveStage::HalfWritten)?;
        file.write_all(second).map_err(failed("writing its .new file"))?;
        if let Ok(old) = fs::metadata(&path) {
            file.set_permissions(old.permissions())
                .map_err(failed("copying its permissions"))?;
        }
        reached(SaveStage::Written)?;
        file.sync_all().map_err(failed("syncing its .new file"))?;
        reached(SaveStage::Synced)?;
        fs::rename(&new, &path).map_err(failed("replacing it"))?;
        reached(SaveStage::Renamed)?;
        sync_directory(&path).map_err(failed("syncing its directory"))?;
        reached(SaveStage::DirectorySynced)?;
        Ok(Revision::new(text))
    }

    fn read(&self) -> io::Result<Option<String>> {
        match fs::read_to_string(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        }
    }

    fn lock(&self) -> Result<File, StoreError> {
        let failed = |operation| move |source: io::Error| self.failed(operation, source);
        let path = with_suffix(&self.path, "lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failed("opening its lock file"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                // The holder may not have written its name yet.
                let holder = fs::read_to_string(&path).ok().filter(|holder| !holder.is_empty());
                return Err(StoreError::Locked {
                    location: self.location(),
                    holder: holder.unwrap_or_else(|| "an unnamed writer".to_owned()),
                });
            }
            Err(TryLockError::Error(source)) => return Err(self.failed("locking it", source)),
        }
        lock.set_len(0)
            .and_then(|()| (&lock).write_all(self.owner.as_bytes()))
            .map_err(failed("writing its lock file"))?;
        Ok(lock)
    }

    fn changed(&self, found: Option<&str>, expected: Option<&Revision>) -> StoreError {
        let found = match (found, expected) {
            (Some(found), Some(_)) => format!("it has changed since it was read and is now {found}"),
            (Some(found), None) => format!("there was no document and now there is {found}"),
            (None, _) => "it was removed since it was read".to_owned(),
        };
        StoreError::Changed {
            location: self.location(),
            found,
        }
    }

    fn failed(&self, operation: &'static str, source: io::Error) -> StoreError {
        StoreError::Failed {
            location: self.location(),
            operation,
            source: Box::new(source),
        }
    }

    fn location(&self) -> String {
        self.path.display().to_string()
    }
}

impl Store for FileStore {
    fn load(&self) -> StoreFuture<'_, Option<Stored>> {
        Box::pin(async move {
            let text = self.read().map_err(|source| self.failed("reading it", source))?;
            Ok(text.map(|text| Stored {
                revision: Revision::new(&text),
                text,
            }))
        })
    }

    fn save<'a>(&'a self, expected: Option<&'a Revision>, text: &'a str) -> StoreFuture<'a, Revision> {
        Box::pin(async move { self.replace(expected, text, &mut |_| Ok(())) })
    }
}

/// `<path>.<suffix>`.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// Syncs the directory of `path`. Not needed on Windows, where directories cannot be opened.
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    if cfg!(unix) {
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}
