//! Durable storage of the resources.
//!
//! A store holds records and a revision, a number that each commit increases. A service computes changes from the
//! records that it has, and commits them on condition that the revision is still the one that it has read; otherwise it
//! loads again and repeats the computation. So several replicas can share one store, and none overwrites a change that
//! it has not seen.
//!
//! - [`MemoryStore`]: nothing is durable;
//! - [`FileStore`]: one file, crash-safe, one process;
//! - `DynamoDbStore`, with the feature `aws`: a DynamoDB table, several replicas.

#[cfg(feature = "aws")]
pub mod dynamodb;
mod file;
mod memory;

use async_trait::async_trait;
use mesh_model::app_mesh::ResourcePath;

#[cfg(feature = "aws")]
pub use dynamodb::DynamoDbStore;
pub use file::{FileStore, FileStoreError};
pub use memory::MemoryStore;

use crate::registry::{Change, Record};
use crate::settings::Environment;

/// Durable storage of the resources.
///
/// A commit is all or nothing. It has been stored durably when [`commit`](Self::commit) returns.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// All records, and the revision of which they are.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    async fn load(&self) -> Result<Loaded, StoreError>;

    /// The changes between a revision and now. `None` if the store cannot tell; then the service loads everything.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    async fn changes_since(&self, _revision: u64) -> Result<Option<Delta>, StoreError> {
        Ok(None)
    }

    /// Stores changes of different resources, and returns the new revision. There are at most
    /// [`max_changes`](Self::max_changes), and at least one.
    ///
    /// Once polled, it must run to its end even if the future is dropped, or have no effect.
    ///
    /// # Errors
    ///
    /// [`CommitError::Conflict`] if the revision is another than `expected`: nothing was stored.
    /// [`CommitError::Failed`] if it is not known whether the changes were stored; the service then loads again.
    async fn commit(&self, expected: u64, changes: &[Change]) -> Result<u64, CommitError>;

    /// Returns when the store may have another revision than this one, because another process has written.
    ///
    /// Must be cancel-safe: the service drops the future at each of its own commits. Default: never, for stores of a
    /// single process.
    async fn changed(&self, _revision: u64) {
        std::future::pending::<()>().await;
    }

    /// True if no other process has written since this revision. Before the service rejects a write, it asks: what the write
    /// needs may be there meanwhile. Default: true, for stores of a single process.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    async fn is_current(&self, _revision: u64) -> Result<bool, StoreError> {
        Ok(true)
    }

    /// The account and region of the records, if the store knows them. Default: it does not.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    async fn environment(&self) -> Result<Option<Environment>, StoreError> {
        Ok(None)
    }

    /// Stores the account and region of the records. Default: does nothing.
    ///
    /// # Errors
    ///
    /// If they cannot be written.
    async fn set_environment(&self, _environment: &Environment) -> Result<(), StoreError> {
        Ok(())
    }

    /// Maximum number of changes in one commit; at least 90, the number of resources that an import writes together.
    /// Default: 1000.
    fn max_changes(&self) -> usize {
        1000
    }

    /// Maximum number of bytes in one commit: of encoded records and their paths. At least 2.5 MB, so that an import fits.
    /// Default: any.
    fn max_commit_bytes(&self) -> usize {
        usize::MAX
    }
}

/// All records of a store.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loaded {
    /// The revision.
    pub revision: u64,
    /// The records, in any order.
    pub records: Vec<Record>,
}

/// The changes of a store between two revisions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Delta {
    /// The revision after them.
    pub revision: u64,
    /// The resources that were changed, as they are now. `None`: deleted.
    pub records: Vec<(ResourcePath, Option<Record>)>,
}

/// A store cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A commit that was not, or may not have been, stored.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The store has another revision. Nothing was stored.
    #[error("another process has changed the resources")]
    Conflict,
    /// It is not known whether the changes were stored.
    #[error(transparent)]
    Failed(#[from] StoreError),
}

impl StoreError {
    /// What failed, on which object, and what to do.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    /// With the error that led to it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}
