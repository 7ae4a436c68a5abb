//! Equal resources of different snapshots as one value.

use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Snapshot;
use super::resource::Resource;

/// The resources in use. It keeps none alive.
///
/// A source that passes each snapshot through [`Snapshot::intern`] keeps one copy of what many Envoys have in common, and a
/// stream finds what changed by comparing addresses.
#[derive(Default)]
pub struct Interner {
    resources: Mutex<Resources>,
}

#[derive(Default)]
struct Resources {
    /// By a hash of the content: many Envoys have different resources of the same name.
    by_content: HashMap<u64, Vec<Weak<Resource>>>,
    /// Entries at which dropped resources are removed.
    sweep_at: usize,
}

/// Entries up to which nothing is swept.
const MIN_SWEEP: usize = 1024;

impl Interner {
    /// The known resource that is equal, or this one.
    #[must_use]
    pub fn resource(&self, resource: Resource) -> Arc<Resource> {
        self.shared(&Arc::new(resource))
    }

    fn shared(&self, resource: &Arc<Resource>) -> Arc<Resource> {
        let hash = hash_of(resource);
        let mut resources = self.resources.lock().unwrap_or_else(PoisonError::into_inner);
        resources.intern(hash, resource)
    }

    pub(super) fn intern(&self, snapshot: &Snapshot) -> Snapshot {
        snapshot.map(|resource| self.shared(resource))
    }
}

/// A hash of type, name and message.
fn hash_of(resource: &Resource) -> u64 {
    let mut hasher = DefaultHasher::new();
    resource.encoded().hash(&mut hasher);
    hasher.finish()
}

impl Resources {
    fn intern(&mut self, hash: u64, resource: &Arc<Resource>) -> Arc<Resource> {
        let known = self.by_content.entry(hash).or_default();
        let mut same = known.iter().filter_map(Weak::upgrade);
        if let Some(same) = same.find(|known| known == resource) {
            return same;
        }
        known.retain(|known| known.strong_count() > 0);
        known.push(Arc::downgrade(resource));
        self.sweep();
        Arc::clone(resource)
    }

    fn sweep(&mut self) {
        if self.by_content.len() < self.sweep_at.max(MIN_SWEEP) {
            return;
        }
        self.by_content
            .retain(|_, known| known.iter().any(|known| known.strong_count() > 0));
        self.sweep_at = self.by_content.len() * 2;
    }
}

impl fmt::Debug for Interner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interner").finish_non_exhaustive()
    }
}
