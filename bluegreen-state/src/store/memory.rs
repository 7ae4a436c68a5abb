//! In-memory store, for tests and for tools that need no persistence.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Revision, Store, StoreError, StoreFuture, Stored};

/// A document in memory. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    /// The document and the number of its revision.
    document: Arc<Mutex<(Option<String>, u64)>>,
}

impl MemoryStore {
    /// A store without a document.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A store with this document, valid or not.
    #[must_use]
    pub fn with_document(text: impl Into<String>) -> Self {
        Self {
            document: Arc::new(Mutex::new((Some(text.into()), 1))),
        }
    }

    /// The document, if there is one.
    #[must_use]
    pub fn document(&self) -> Option<String> {
        self.with(|(text, _)| text.clone())
    }

    fn with<T>(&self, change: impl FnOnce(&mut (Option<String>, u64)) -> T) -> T {
        // No change panics midway, so the document is consistent even if the lock is poisoned.
        change(&mut self.document.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, expected: Option<&Revision>, text: &str) -> Result<Revision, StoreError> {
        self.with(|(document, count)| {
            let found = document.as_ref().map(|_| Revision::new(count.to_string()));
            if found.as_ref() != expected {
                let name = |revision: Option<&Revision>| {
                    revision.map_or_else(|| "no document".to_owned(), |name| format!("revision {name}"))
                };
                return Err(StoreError::Changed {
                    location: "in-memory state".to_owned(),
                    found: format!("found {}, expected {}", name(found.as_ref()), name(expected)),
                });
            }
            *count += 1;
            *document = Some(text.to_owned());
            Ok(Revision::new(count.to_string()))
        })
    }
}

impl Store for MemoryStore {
    fn load(&self) -> StoreFuture<'_, Option<Stored>> {
        Box::pin(async move {
            Ok(self.with(|(text, count)| {
                let text = text.clone()?;
                let revision = Revision::new(count.to_string());
                Some(Stored { text, revision })
            }))
        })
    }

    fn save<'a>(&'a self, expected: Option<&'a Revision>, text: &'a str) -> StoreFuture<'a, Revision> {
        Box::pin(async move { self.replace(expected, text) })
    }
}
