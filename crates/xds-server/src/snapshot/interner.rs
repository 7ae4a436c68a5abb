//! Equal resources of different snapshots as one value.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Snapshot;
use super::resource::{Resource, ResourceType};

/// Resources by type and name. It keeps none alive.
///
/// A source that passes each snapshot through [`Snapshot::intern`] keeps one copy of what many Envoys have in common, and a
/// stream finds what changed by comparing addresses.
#[derive(Default)]
pub struct Interner {
    resources: Mutex<Resources>,
}

#[derive(Default)]
struct Resources {
    by_name: HashMap<(ResourceType, Arc<str>), Vec<Weak<Resource>>>,
    /// Names at which dropped resources are removed.
    sweep_at: usize,
}

/// Names up to which nothing is swept.
const MIN_SWEEP: usize = 1024;

impl Interner {
    /// The known resource that is equal, or this one.
    #[must_use]
    pub fn resource(&self, resource: Resource) -> Arc<Resource> {
        let mut resources = self.resources.lock().unwrap_or_else(PoisonError::into_inner);
        let interned = resources.intern(&Arc::new(resource));
        resources.sweep();
        interned
    }

    pub(super) fn intern(&self, snapshot: &Snapshot) -> Snapshot {
        let mut resources = self.resources.lock().unwrap_or_else(PoisonError::into_inner);
        let interned = snapshot.map(|resource| resources.intern(resource));
        resources.sweep();
        interned
    }
}

impl Resources {
    fn intern(&mut self, resource: &Arc<Resource>) -> Arc<Resource> {
        let key = (resource.kind(), Arc::clone(resource.shared_name()));
        let known = self.by_name.entry(key).or_default();
        let mut same = known.iter().filter_map(Weak::upgrade);
        if let Some(same) = same.find(|known| known == resource) {
            return same;
        }
        known.retain(|known| known.strong_count() > 0);
        known.push(Arc::downgrade(resource));
        Arc::clone(resource)
    }

    fn sweep(&mut self) {
        if self.by_name.len() < self.sweep_at.max(MIN_SWEEP) {
            return;
        }
        self.by_name
            .retain(|_, known| known.iter().any(|known| known.strong_count() > 0));
        self.sweep_at = self.by_name.len() * 2;
    }
}

impl fmt::Debug for Interner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interner").finish_non_exhaustive()
    }
}
