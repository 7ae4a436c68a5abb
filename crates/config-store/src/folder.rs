//! The files of a store.
//!
//! ```text
//! FOLDER/resources/SHA256                         the message of one resource
//! FOLDER/views/VIEW/00001764579600000.json        a manifest, named by its time; the newest three are kept
//! ```
//!
//! Files are written under another name, flushed and renamed, so a reader sees whole files only. Several replicas may write
//! to one folder.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::view_key::{ViewKey, hex};

/// The manifests of a view that are kept.
pub const KEPT_MANIFESTS: usize = 3;

/// The largest file that is read: larger than any configuration that Envoy accepts over gRPC by default.
const MAX_FILE: u64 = 64 << 20;

/// A resource without a manifest is kept for this time: its manifest may be about to be written.
const UNREFERENCED: Duration = Duration::from_secs(3600);

/// A folder of stored configurations.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

/// A file of the store that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
#[non_exhaustive]
pub struct FolderError {
    /// What was tried.
    pub action: &'static str,
    /// The file.
    pub path: PathBuf,
    /// The cause.
    pub source: io::Error,
}

impl Folder {
    /// A folder, which need not exist.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The manifests of a view, the newest first.
    ///
    /// # Errors
    ///
    /// If the folder exists and cannot be read.
    pub fn manifests(&self, view: &ViewKey) -> Result<Vec<PathBuf>, FolderError> {
        let mut manifests: Vec<PathBuf> = files(&self.view(view))?
            .into_iter()
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .collect();
        manifests.sort();
        manifests.reverse();
        Ok(manifests)
    }

    /// Writes a manifest, and removes those that are too many.
    ///
    /// # Errors
    ///
    /// If a file cannot be written or removed.
    pub fn put_manifest(&self, view: &ViewKey, accepted_ms: u64, bytes: &[u8]) -> Result<(), FolderError> {
        write(&self.view(view).join(format!("{accepted_ms:017}.json")), bytes)?;
        for old in self.manifests(view)?.into_iter().skip(KEPT_MANIFESTS) {
            remove(&old)?;
        }
        Ok(())
    }

    /// Writes a resource, unless it is there. Returns its hash.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn put_resource(&self, message: &[u8]) -> Result<String, FolderError> {
        let hash = hex(&Sha256::digest(message));
        let path = self.resource_path(&hash);
        let is_there = fs::metadata(&path).is_ok_and(|file| file.len() == message.len() as u64);
        if !is_there {
            write(&path, message)?;
        }
        Ok(hash)
    }

    /// Reads a resource. Its content is not checked.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn resource(&self, hash: &str) -> Result<Vec<u8>, FolderError> {
        read(&self.resource_path(hash))
    }

    /// Removes the resources without a manifest. `references` gives the hashes of a manifest's bytes; a manifest that it
    /// cannot read has none.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or removed.
    pub fn collect(&self, now: SystemTime, references: impl Fn(&[u8]) -> Vec<String>) -> Result<usize, FolderError> {
        let mut used = BTreeSet::new();
        for view in files(&self.path.join("views"))? {
            for manifest in files(&view)? {
                used.extend(references(&read(&manifest)?));
            }
        }
        let mut removed = 0;
        for resource in files(&self.path.join("resources"))? {
            let name = resource.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let modified = fs::metadata(&resource).and_then(|file| file.modified());
            let is_old = modified.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age > UNREFERENCED));
            if is_old && !used.contains(name) {
                remove(&resource)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn view(&self, view: &ViewKey) -> PathBuf {
        self.path.join("views").join(view.as_str())
    }

    fn resource_path(&self, hash: &str) -> PathBuf {
        // A hash of a manifest that is signed, but not necessarily of this version.
        let is_hash = hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
        self.path.join("resources").join(if is_hash { hash } else { "invalid" })
    }
}

/// The files of a folder; none if it does not exist.
fn files(folder: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let error = |source| FolderError {
        action: "read folder",
        path: folder.to_owned(),
        source,
    };
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry.map_err(error)?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(error(source)),
    }
}

/// Reads a file of limited size.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FolderError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(bytes),
        Err(source) => Err(FolderError {
            action: "read",
            path: path.to_owned(),
            source,
        }),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    let written = || {
        let folder = path.parent().unwrap_or(path);
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    };
    written().map_err(|source| FolderError {
        action: "write",
        path: path.to_owned(),
        source,
    })
}

fn remove(path: &Path) -> Result<(), FolderError> {
    match fs::remove_file(path) {
        // Another replica was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(FolderError {
            action: "remove",
            path: path.to_owned(),
            source,
        }),
        Ok(()) => Ok(()),
    }
}
