//! A folder as storage.
//!
//! Files are written under another name, flushed and renamed, so a reader sees whole files only. Several replicas may write
//! to one folder.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::storage::{MAX_OBJECT, Object, Storage, StorageError};

/// A folder of stored configurations.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// A folder, which need not exist.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The files below a folder, by key.
    fn files(&self, key: &str, found: &mut Vec<Object>) -> Result<(), StorageError> {
        let error = |source| StorageError::new("read folder", self.location(key), source);
        let entries = match fs::read_dir(self.path.join(key)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(error)?,
        };
        for entry in entries {
            let entry = entry.map_err(error)?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let key = format!("{key}/{name}");
            if entry.file_type().map_err(error)?.is_dir() {
                self.files(&key, found)?;
                continue;
            }
            // A file without a time, or one that another replica has just removed, counts as old.
            let modified = entry.metadata().and_then(|file| file.modified());
            found.push(Object {
                key,
                modified: modified.unwrap_or(UNIX_EPOCH),
            });
        }
        Ok(())
    }
}

impl Storage for Folder {
    fn list(&self, folder: &str) -> Result<Vec<Object>, StorageError> {
        let mut found = Vec::new();
        self.files(folder, &mut found)?;
        Ok(found)
    }

    fn read(&self, keys: &[String]) -> Vec<Result<Vec<u8>, StorageError>> {
        let read = |key: &String| {
            let mut bytes = Vec::new();
            File::open(self.path.join(key))
                .and_then(|file| file.take(MAX_OBJECT).read_to_end(&mut bytes))
                .map(|_| bytes)
                .map_err(|source| StorageError::new("read", self.location(key), source))
        };
        keys.iter().map(read).collect()
    }

    fn write(&self, key: &str, bytes: &[u8]) -> Result<(), StorageError> {
        write(&self.path.join(key), bytes).map_err(|source| StorageError::new("write", self.location(key), source))
    }

    fn write_missing(&self, objects: &[(String, &[u8])]) -> Result<(), StorageError> {
        for (key, bytes) in objects {
            let is_there = fs::metadata(self.path.join(key)).is_ok_and(|file| file.len() == bytes.len() as u64);
            if !is_there {
                self.write(key, bytes)?;
            }
        }
        Ok(())
    }

    fn remove(&self, key: &str) -> Result<(), StorageError> {
        match fs::remove_file(self.path.join(key)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StorageError::new("remove", self.location(key), error))
            }
            _ => Ok(()),
        }
    }

    fn location(&self, key: &str) -> String {
        self.path.join(key).display().to_string()
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}
