//! A document in memory: for tests, and for tools that deploy once and are done.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Revision, Store, StoreError, Stored};

/// A document in memory. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    /// The document, and how often there has been one.
    kept: Arc<Mutex<(Option<String>, u64)>>,
}

impl MemoryStore {
    /// No document yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// This document, of whatever form.
    #[must_use]
    pub fn with_document(text: impl Into<String>) -> Self {
        Self {
            kept: Arc::new(Mutex::new((Some(text.into()), 1))),
        }
    }

    /// The document, if there is one.
    #[must_use]
    pub fn document(&self) -> Option<String> {
        self.with(|(text, _)| text.clone())
    }

    fn with<T>(&self, change: impl FnOnce(&mut (Option<String>, u64)) -> T) -> T {
        // No change panics half way, so what another thread left is whole.
        change(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store for MemoryStore {
    async fn load(&self) -> Result<Option<Stored>, StoreError> {
        Ok(self.with(|(text, count)| {
            let text = text.clone()?;
            let revision = Revision::new(count.to_string());
            Some(Stored { text, revision })
        }))
    }

    async fn save(&self, expected: Option<&Revision>, text: &str) -> Result<Revision, StoreError> {
        self.with(|(kept, count)| {
            let found = kept.as_ref().map(|_| Revision::new(count.to_string()));
            if found.as_ref() != expected {
                let name = |revision: Option<&Revision>| {
                    revision.map_or_else(|| "no document".to_owned(), |name| format!("revision {name}"))
                };
                return Err(StoreError::Changed {
                    place: "the state in memory".to_owned(),
                    what: format!("found {}, expected {}", name(found.as_ref()), name(expected)),
                });
            }
            *count += 1;
            *kept = Some(text.to_owned());
            Ok(Revision::new(count.to_string()))
        })
    }
}
