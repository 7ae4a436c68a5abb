//! The layout of a store.
//!
//! ```text
//! resources/SHA256                         the message of one resource
//! views/VIEW/00001764579600000.json        a manifest, named by its time; the newest three are kept
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::folder::Folder;
use crate::storage::{Storage, StorageError};
use crate::view_key::{ViewKey, hex};

/// The manifests of a view that are kept.
pub const KEPT_MANIFESTS: usize = 3;

/// A resource without a manifest is kept for this time: its manifest may be about to be written.
const UNREFERENCED: Duration = Duration::from_secs(3600);

/// Manifests and resources in a storage.
#[derive(Debug, Clone)]
pub struct Store {
    storage: Arc<dyn Storage>,
}

impl<S: Storage + 'static> From<S> for Store {
    fn from(storage: S) -> Self {
        Self {
            storage: Arc::new(storage),
        }
    }
}

impl Store {
    /// A folder, which need not exist.
    #[must_use]
    pub fn folder(path: impl Into<std::path::PathBuf>) -> Self {
        Folder::new(path).into()
    }

    /// The path or URL of an object, for messages.
    #[must_use]
    pub fn location(&self, key: &str) -> String {
        self.storage.location(key)
    }

    /// The keys of the manifests of a view, the newest first.
    ///
    /// # Errors
    ///
    /// If the storage cannot be read.
    pub fn manifests(&self, view: &ViewKey) -> Result<Vec<String>, StorageError> {
        let objects = self.storage.list(&view_folder(view))?;
        let mut manifests: Vec<String> = objects.into_iter().map(|object| object.key).collect();
        manifests.retain(|key| is_manifest(key));
        manifests.sort();
        manifests.reverse();
        Ok(manifests)
    }

    /// Reads an object by its key. Its content is not checked.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn read(&self, key: &str) -> Result<Vec<u8>, StorageError> {
        let read = self.storage.read(&[key.to_owned()]).pop();
        read.unwrap_or_else(|| Err(StorageError::new("read", self.location(key), "no answer")))
    }

    /// Writes a manifest, and removes those that are too many.
    ///
    /// # Errors
    ///
    /// If an object cannot be written or removed.
    pub fn put_manifest(&self, view: &ViewKey, accepted_ms: u64, bytes: &[u8]) -> Result<(), StorageError> {
        let key = format!("{}/{accepted_ms:017}.json", view_folder(view));
        self.storage.write(&key, bytes)?;
        for old in self.manifests(view)?.into_iter().skip(KEPT_MANIFESTS) {
            self.storage.remove(&old)?;
        }
        Ok(())
    }

    /// Writes the resources that are not there. Returns their hashes, in the same order.
    ///
    /// # Errors
    ///
    /// If one cannot be written.
    pub fn put_resources(&self, messages: &[&[u8]]) -> Result<Vec<String>, StorageError> {
        let hashes: Vec<String> = messages.iter().map(|message| hex(&Sha256::digest(message))).collect();
        let keys = hashes.iter().map(|hash| resource_key(hash));
        let objects: Vec<(String, &[u8])> = keys.zip(messages.iter().copied()).collect();
        self.storage.write_missing(&objects)?;
        Ok(hashes)
    }

    /// Reads resources by their hashes. Their content is not checked.
    pub fn resources<'a>(&self, hashes: impl IntoIterator<Item = &'a str>) -> Vec<Result<Vec<u8>, StorageError>> {
        let keys: Vec<String> = hashes.into_iter().map(resource_key).collect();
        self.storage.read(&keys)
    }

    /// Removes the resources without a manifest. `references` gives the hashes of a manifest's bytes; a manifest that it
    /// cannot read has none.
    ///
    /// # Errors
    ///
    /// If an object cannot be read or removed.
    pub fn collect(&self, now: SystemTime, references: impl Fn(&[u8]) -> Vec<String>) -> Result<usize, StorageError> {
        let is_old = |modified| now.duration_since(modified).is_ok_and(|age| age > UNREFERENCED);
        let mut old = self.storage.list("resources")?;
        old.retain(|resource| is_old(resource.modified));
        if old.is_empty() {
            return Ok(0);
        }
        let manifests = self.storage.list("views")?.into_iter().map(|object| object.key);
        let manifests: Vec<String> = manifests.filter(|key| is_manifest(key)).collect();
        let mut used = BTreeSet::new();
        for manifest in self.storage.read(&manifests) {
            used.extend(references(&manifest?).iter().map(|hash| resource_key(hash)));
        }
        old.retain(|resource| !used.contains(&resource.key));
        for resource in &old {
            self.storage.remove(&resource.key)?;
        }
        Ok(old.len())
    }
}

fn view_folder(view: &ViewKey) -> String {
    format!("views/{view}")
}

/// Whether it is the key of a manifest, and not of a file that is being written.
fn is_manifest(key: &str) -> bool {
    key.ends_with(".json")
}

fn resource_key(hash: &str) -> String {
    // A hash of a manifest that is signed, but not necessarily of this version.
    let is_hash = hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
    format!("resources/{}", if is_hash { hash } else { "invalid" })
}
