//! A store in one file, crash-safe, for one process.
//!
//! The file is a redb database. Each commit is one transaction, synced to disk before it is acknowledged; a process that
//! is killed at any moment leaves a file with all acknowledged commits and without parts of others.
//!
//! | file | content |
//! |---|---|
//! | `FILE` | the database |
//! | `FILE.last-good` | a complete copy: made at each opening, and within a minute after a commit. It is a state file itself |
//! | `FILE.lock` | locked while a process uses the file |
//! | `FILE.new`, `FILE.check` | unfinished work of a process that ended; removed at the next opening |
//!
//! Opening verifies all pages and records on a copy, which then becomes `FILE.last-good`. If that fails, nothing is
//! written: the error has the reason, and the name of the copy that was made before.

mod database;
mod error;

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use self::database::Database;
pub use self::error::FileStoreError;
use super::{CommitError, Loaded, Store, StoreError};
use crate::registry::Change;
use crate::settings::Environment;

/// Time from a commit to the copy that contains it.
const COPY_DELAY: Duration = Duration::from_secs(60);

/// A store in one file. One process can use it at a time.
#[derive(Debug)]
pub struct FileStore {
    inner: Arc<Inner>,
}

/// The beginning of every redb database. Source: redb's design document (read 2026-12-01).
const MAGIC: &[u8] = b"redb\x1a\x0a\xa9\x0d\x0a";

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// The file that was opened, which stays the same as long as it is at its path.
    identity: Option<Identity>,
    /// `None` after a failure, until it is opened again: redb accepts nothing more after one.
    database: Mutex<Option<Arc<Database>>>,
    /// The records as verified at the opening, for the first load.
    verified: Mutex<Option<Loaded>>,
    is_copy_planned: AtomicBool,
    /// Held until the end.
    _lock: File,
}

impl FileStore {
    /// Opens a state file, or creates it. Blocking: it reads the whole file.
    ///
    /// # Errors
    ///
    /// If another process uses the file, it is damaged or has another format, or it cannot be read or written.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, FileStoreError> {
        let path = path.into();
        if path.is_dir() {
            return Err(FileStoreError::Directory { file: path });
        }
        let lock = lock(&path)?;
        for unfinished in ["new", "check"] {
            remove_if_exists(&beside(&path, unfinished)).map_err(|source| FileStoreError::io(&path, source))?;
        }
        let is_new = match fs::metadata(&path) {
            Ok(metadata) => metadata.len() == 0,
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(source) => return Err(FileStoreError::io(&path, source)),
        };
        if !is_new && !Self::last_good_copy(&path).exists() && !is_database(&path)? {
            return Err(FileStoreError::OtherFile { file: path });
        }
        let verified = if is_new {
            create(&path)?;
            Loaded::default()
        } else {
            verify(&path)?
        };
        let database = Database::open(&path).map_err(|reason| damaged(&path, reason))?;
        Ok(Self {
            inner: Arc::new(Inner {
                identity: identity(&path).map_err(|source| FileStoreError::io(&path, source))?,
                path,
                database: Mutex::new(Some(Arc::new(database))),
                verified: Mutex::new(Some(verified)),
                is_copy_planned: AtomicBool::new(false),
                _lock: lock,
            }),
        })
    }

    /// The path of the last good copy of a state file.
    #[must_use]
    pub fn last_good_copy(path: &Path) -> PathBuf {
        beside(path, "last-good")
    }

    fn plan_copy(&self) {
        if self.inner.is_copy_planned.swap(true, Ordering::AcqRel) {
            return;
        }
        let inner = Arc::downgrade(&self.inner);
        tokio::spawn(async move {
            tokio::time::sleep(COPY_DELAY).await;
            let Some(inner) = inner.upgrade() else { return };
            let copied = tokio::task::spawn_blocking(move || {
                // Before the copy is made: a commit from now on plans the next one.
                inner.is_copy_planned.store(false, Ordering::Release);
                inner.copy()
            });
            match copied.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!("{error}"),
                Err(error) => tracing::warn!("the copy of the state file was not finished: {error}"),
            }
        });
    }
}

impl Inner {
    /// Runs work on the database, which is opened again if the work before failed.
    fn with_database<T>(&self, work: impl FnOnce(&Database) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let current = || self.database.lock().unwrap_or_else(PoisonError::into_inner);
        let database = {
            let mut current = current();
            match &*current {
                Some(database) => Arc::clone(database),
                None => Arc::clone(current.insert(Arc::new(Database::open(&self.path)?))),
            }
        };
        let result = work(&database);
        if result.is_err() {
            // Unless another thread has opened a new one.
            drop(current().take_if(|current| Arc::ptr_eq(current, &database)));
        }
        result
    }

    /// Checks that the file is still at its path: what is written to a removed file is lost when the process ends.
    fn check_path(&self) -> Result<(), StoreError> {
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            return Ok(());
        }
        Err(StoreError::new(format!(
            "the state file {} was removed or replaced while it was in use; put it back, or restart to begin with what is there",
            self.path.display()
        )))
    }

    /// Replaces the last good copy by the current content.
    fn copy(&self) -> Result<(), FileStoreError> {
        let (new, copy) = (beside(&self.path, "new"), FileStore::last_good_copy(&self.path));
        let write = || {
            remove_if_exists(&new).map_err(failed)?;
            self.with_database(|database| database.copy_to(&new))?;
            replace(&new, &copy).map_err(failed)
        };
        write().map_err(|source| FileStoreError::Copy { copy, source })
    }
}

#[async_trait]
impl Store for FileStore {
    async fn load(&self) -> Result<Loaded, StoreError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            let verified = inner.verified.lock().unwrap_or_else(PoisonError::into_inner).take();
            inner.with_database(|database| match verified {
                // Only the first time, before any commit.
                Some(loaded) if loaded.revision == database.revision()? => Ok(loaded),
                _ => database.load(),
            })
        })
        .await
    }

    async fn environment(&self) -> Result<Option<Environment>, StoreError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || inner.with_database(Database::environment)).await
    }

    async fn set_environment(&self, environment: &Environment) -> Result<(), StoreError> {
        let (inner, environment) = (Arc::clone(&self.inner), environment.clone());
        blocking(move || inner.with_database(|database| database.set_environment(&environment))).await
    }

    async fn commit(&self, expected: u64, changes: &[Change]) -> Result<u64, CommitError> {
        let inner = Arc::clone(&self.inner);
        // Encoded here, so that the blocking part owns what it needs.
        let changes: Vec<(String, Option<Vec<u8>>)> = changes
            .iter()
            .map(|change| {
                let record = change.after.as_ref().map(|record| record.encode());
                (change.path.to_string(), record)
            })
            .collect();
        let commit = move || {
            inner.check_path()?;
            inner.with_database(|database| database.commit(expected, &changes))
        };
        let revision = blocking(commit).await?;
        let revision = revision.ok_or(CommitError::Conflict)?;
        self.plan_copy();
        Ok(revision)
    }
}

/// Runs blocking work to its end, even if the future is dropped.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(StoreError::new("the state file's thread ended early").with_source(error)))
}

/// The device and inode of a file.
type Identity = (u64, u64);

/// The identity of a file. `None` where the operating system has none that is known here.
#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Option<Identity>> {
    use std::os::unix::fs::MetadataExt;

    let metadata = fs::metadata(path)?;
    Ok(Some((metadata.dev(), metadata.ino())))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Option<Identity>> {
    fs::metadata(path).map(|_| None)
}

/// Whether a file begins as a database does.
fn is_database(path: &Path) -> Result<bool, FileStoreError> {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut start));
    read.map_err(|source| FileStoreError::io(path, source))?;
    Ok(start == MAGIC)
}

fn lock(path: &Path) -> Result<File, FileStoreError> {
    let lock = beside(path, "lock");
    let io = |source| FileStoreError::Lock {
        file: path.to_owned(),
        lock: lock.clone(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock)
        .map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FileStoreError::InUse { file: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

/// Creates an empty state file, as a whole: a process that is killed meanwhile leaves none.
fn create(path: &Path) -> Result<(), FileStoreError> {
    let copy = FileStore::last_good_copy(path);
    if copy.exists() {
        return Err(FileStoreError::Missing {
            file: path.to_owned(),
            copy,
        });
    }
    let new = beside(path, "new");
    Database::create(&new).map_err(|source| FileStoreError::Create {
        file: path.to_owned(),
        source,
    })?;
    replace(&new, path).map_err(|source| FileStoreError::io(path, source))
}

/// Verifies a copy of a state file, which becomes the last good one.
fn verify(path: &Path) -> Result<Loaded, FileStoreError> {
    let (check, copy) = (beside(path, "check"), FileStore::last_good_copy(path));
    fs::copy(path, &check).map_err(|source| FileStoreError::io(&check, source))?;
    match Database::verify(&check) {
        Ok(loaded) => {
            replace(&check, &copy).map_err(|source| FileStoreError::io(&copy, source))?;
            Ok(loaded)
        }
        Err(reason) => {
            remove_if_exists(&check).map_err(|source| FileStoreError::io(&check, source))?;
            Err(damaged(path, reason))
        }
    }
}

fn damaged(path: &Path, reason: StoreError) -> FileStoreError {
    let copy = FileStore::last_good_copy(path);
    FileStoreError::Damaged {
        file: path.to_owned(),
        copy: copy.exists().then_some(copy),
        reason,
    }
}

/// Renames a complete file, durably.
fn replace(from: &Path, to: &Path) -> io::Result<()> {
    File::open(from)?.sync_all()?;
    fs::rename(from, to)?;
    let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

fn remove_if_exists(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn failed(error: io::Error) -> StoreError {
    StoreError::new(error.to_string())
}

fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    PathBuf::from(name)
}
