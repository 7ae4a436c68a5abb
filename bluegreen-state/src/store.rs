//! Where documents are kept, and what happens when two want to change one: one of them does, and the other is told.

mod file;
mod memory;
#[cfg(feature = "ssm")]
mod ssm;

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;

pub use file::FileStore;
pub use memory::MemoryStore;
#[cfg(feature = "ssm")]
pub use ssm::SsmStore;

/// A place for one document, which changes only if it is still what the writer read.
///
/// The two methods are all that a store of one's own needs; write them as `async fn`. They are asynchronous for the
/// sake of stores behind a network. A tool without an async runtime can use stores whose futures are ready at once
/// through any `block_on`, such as `pollster`'s.
pub trait Store {
    /// The document, or `None` if there is none. Reads whatever is there and does not judge it.
    ///
    /// Cancelling it has no effect.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`] if that cannot be found out.
    fn load(&self) -> impl Future<Output = Result<Option<Stored>, StoreError>> + Send;

    /// Replaces the document of revision `expected` by `text`, or makes it if `expected` is `None` and there is
    /// none; and gives the new revision. The whole text is there afterwards or none of it.
    ///
    /// Cancelling it leaves open whether the document was replaced, as [`StoreError::Failed`] does.
    ///
    /// # Errors
    ///
    /// [`StoreError::Changed`] and [`StoreError::Held`] if somebody else was first.
    /// [`StoreError::Failed`] leaves open whether the document was replaced: load it to know.
    fn save(
        &self,
        expected: Option<&Revision>,
        text: &str,
    ) -> impl Future<Output = Result<Revision, StoreError>> + Send;
}

impl<S: Store> Store for &S {
    fn load(&self) -> impl Future<Output = Result<Option<Stored>, StoreError>> + Send {
        S::load(self)
    }

    fn save(
        &self,
        expected: Option<&Revision>,
        text: &str,
    ) -> impl Future<Output = Result<Revision, StoreError>> + Send {
        S::save(self, expected, text)
    }
}

/// A document as a store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The document.
    pub text: String,
    /// What tells this document from those before and after it.
    pub revision: Revision,
}

/// What a store tells its documents apart by: a version number, say. Its meaning is the store's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Revision(String);

impl Revision {
    /// The revision that a store calls this.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// What the store calls it.
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
pub enum StoreError {
    /// Somebody else has changed, made or removed the document since it was read.
    #[error("{place}: {what}: somebody else is deploying too; read the state again before doing anything more")]
    Changed {
        /// Which document.
        place: String,
        /// What was found instead.
        what: String,
    },
    /// Somebody else is changing the document at this moment.
    #[error("{place} is being changed by {holder}: somebody else is deploying too; read the state again in a moment")]
    Held {
        /// Which document.
        place: String,
        /// Who, as they call themselves, and for how long at most, where that is known.
        holder: String,
    },
    /// The store does not take documents of this length.
    #[error(
        "{place} takes {limit} bytes and the state has {length}: use shorter names of versions, or fewer steps by hand"
    )]
    TooLong {
        /// Which document.
        place: String,
        /// The document's length in bytes.
        length: usize,
        /// How long it may be.
        limit: usize,
    },
    /// The store did not do it, or did not say so.
    #[error("{place}: {doing} failed; whether the state was changed is unknown until it is read again")]
    Failed {
        /// Which document.
        place: String,
        /// What was being done.
        doing: &'static str,
        /// What went wrong.
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl StoreError {
    /// True if somebody else was first.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Changed { .. } | Self::Held { .. })
    }
}
