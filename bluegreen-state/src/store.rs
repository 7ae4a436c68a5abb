//! Stores: where state documents are kept, with compare-and-swap between concurrent writers.

mod file;
mod memory;
#[cfg(feature = "ssm")]
mod ssm;

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

pub use file::FileStore;
pub use memory::MemoryStore;
#[cfg(feature = "ssm")]
pub use ssm::SsmStore;

/// The future of a [`Store`] method, boxed so that `dyn Store` works.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A store of one document that is replaced only if it is still the one that the writer read.
///
/// A store of your own implements the two methods with `Box::pin(async move { … })`. The trait is object-safe: a tool
/// that selects its store at runtime uses `Box<dyn Store>`. The methods are asynchronous for stores behind a network.
/// Without an async runtime, stores with futures that are ready immediately work with any `block_on`, such as
/// `pollster`'s.
pub trait Store {
    /// Reads the document, or `None` if there is none. Does not validate it.
    ///
    /// Cancelling it has no effect.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`] if the document cannot be read.
    fn load(&self) -> StoreFuture<'_, Option<Stored>>;

    /// Replaces the document of revision `expected` by `text`, or creates it if `expected` is `None` and there is
    /// none. Returns the new revision. The write is atomic.
    ///
    /// Cancelling it leaves open whether the document was replaced, as [`StoreError::Failed`] does.
    ///
    /// # Errors
    ///
    /// [`StoreError::Changed`] and [`StoreError::Locked`] if there is another writer. [`StoreError::Failed`] leaves
    /// open whether the document was replaced: load it to find out.
    fn save<'a>(&'a self, expected: Option<&'a Revision>, text: &'a str) -> StoreFuture<'a, Revision>;
}

macro_rules! delegate_store {
    ($($pointer:ty),*) => {$(
        impl<S: Store + ?Sized> Store for $pointer {
            fn load(&self) -> StoreFuture<'_, Option<Stored>> {
                (**self).load()
            }

            fn save<'a>(&'a self, expected: Option<&'a Revision>, text: &'a str) -> StoreFuture<'a, Revision> {
                (**self).save(expected, text)
            }
        }
    )*};
}

delegate_store!(&S, Box<S>, Arc<S>);

/// A document and its revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The document.
    pub text: String,
    /// The revision of this document.
    pub revision: Revision,
}

/// Identifies one revision of a document, such as a version number. Its meaning is internal to the store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Revision(String);

impl Revision {
    /// The revision with this identifier.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Its identifier.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a document was not read or not replaced.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another writer has changed, created or removed the document since it was read.
    #[error("{location}: {found}: another deployment is running; read the state again before you continue")]
    Changed {
        /// The document's location.
        location: String,
        /// What was found instead of the expected revision.
        found: String,
    },
    /// Another writer is changing the document at this moment.
    #[error("{location} is locked by {holder}: another deployment is running; read the state again in a moment")]
    Locked {
        /// The document's location.
        location: String,
        /// The name of the lock's holder, and the maximum time left where it is known.
        holder: String,
    },
    /// The document is too long for the store.
    #[error(
        "{location} is limited to {limit} bytes, and the state has {length}: use shorter version names or fewer custom \
         steps"
    )]
    TooLong {
        /// The document's location.
        location: String,
        /// The document's length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// An operation failed, or its result was lost. Whether a save replaced the document is unknown until it is read again.
    #[error("{location}: {operation} failed")]
    Failed {
        /// The document's location.
        location: String,
        /// The operation.
        operation: &'static str,
        /// The cause.
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl StoreError {
    /// True if there is another writer.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Changed { .. } | Self::Locked { .. })
    }
}
