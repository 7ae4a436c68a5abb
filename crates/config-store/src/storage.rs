//! Where a store keeps its objects: a folder, or a bucket of S3.

use std::error::Error;
use std::fmt;
use std::time::SystemTime;

/// The largest object that is read: larger than any configuration that Envoy accepts over gRPC by default.
pub(crate) const MAX_OBJECT: u64 = 64 << 20;

/// Objects by key. Keys have `/` between their parts.
///
/// An object appears as a whole or not at all, and several writers may use one storage at a time. Calls block.
pub trait Storage: fmt::Debug + Send + Sync {
    /// The objects below `folder`, at any depth, in no order; none if there is no such folder.
    ///
    /// # Errors
    ///
    /// If the storage cannot be read.
    fn list(&self, folder: &str) -> Result<Vec<Object>, StorageError>;

    /// The content of objects, each with its own error.
    fn read(&self, keys: &[String]) -> Vec<Result<Vec<u8>, StorageError>>;

    /// Writes an object, in place of one that is there.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    fn write(&self, key: &str, bytes: &[u8]) -> Result<(), StorageError>;

    /// Writes the objects that are not there with the same size.
    ///
    /// # Errors
    ///
    /// If one cannot be written.
    fn write_missing(&self, objects: &[(String, &[u8])]) -> Result<(), StorageError>;

    /// Removes an object, which another writer may have removed.
    ///
    /// # Errors
    ///
    /// If it cannot be removed.
    fn remove(&self, key: &str) -> Result<(), StorageError>;

    /// A path or URL, for messages.
    fn location(&self, key: &str) -> String;
}

/// An object in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// When it was written.
    pub modified: SystemTime,
}

/// An object that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {location}: {source}")]
#[non_exhaustive]
pub struct StorageError {
    /// What was tried.
    pub action: &'static str,
    /// The path or URL of the object.
    pub location: String,
    /// The cause.
    pub source: Box<dyn Error + Send + Sync>,
}

impl StorageError {
    /// An error of this cause.
    pub fn new(action: &'static str, location: String, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let source = source.into();
        Self {
            action,
            location,
            source,
        }
    }
}
