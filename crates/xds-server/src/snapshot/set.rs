//! The resources of one type, sorted by name. Immutable once shared: equal snapshots and streams refer to the same set.

use std::cmp::Ordering;
use std::sync::{Arc, OnceLock};

use super::resource::{Resource, version_of};

/// Resources of one type.
#[derive(Debug, Default)]
pub(crate) struct ResourceSet {
    /// Sorted by name, without duplicates.
    sorted: Vec<Arc<Resource>>,
    version: OnceLock<String>,
}

impl Clone for ResourceSet {
    /// Without the version: a clone is made to be changed.
    fn clone(&self) -> Self {
        Self {
            sorted: self.sorted.clone(),
            version: OnceLock::new(),
        }
    }
}

impl PartialEq for ResourceSet {
    fn eq(&self, other: &Self) -> bool {
        self.sorted == other.sorted
    }
}

impl ResourceSet {
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Arc<Resource>> {
        self.sorted.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.sorted.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Resource>> {
        let position = self.position(name).ok()?;
        self.sorted.get(position)
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        self.sorted.binary_search_by(|resource| resource.name().cmp(name))
    }

    /// A hash of all names and versions.
    pub(crate) fn version(&self) -> &str {
        self.version.get_or_init(|| {
            let resources = self.sorted.iter();
            version_of(resources.flat_map(|resource| [resource.name().as_bytes(), resource.version().as_bytes()]))
        })
    }

    /// Adds a resource, or replaces the one of the same name.
    pub(super) fn put(&mut self, resource: Arc<Resource>) {
        // In ascending order, each addition is at the end.
        if self.sorted.last().is_none_or(|last| last.name() < resource.name()) {
            self.sorted.push(resource);
            return;
        }
        match self.position(resource.name()) {
            Ok(position) => self.sorted[position] = resource,
            Err(position) => self.sorted.insert(position, resource),
        }
    }

    /// All resources of both; of those with the same name, the second one.
    pub(super) fn union(first: &Arc<Self>, second: &Arc<Self>) -> Arc<Self> {
        if second.is_empty() {
            return Arc::clone(first);
        }
        if first.is_empty() {
            return Arc::clone(second);
        }
        let mut sorted = Vec::with_capacity(first.len() + second.len());
        let (mut left, mut right) = (first.iter().peekable(), second.iter().peekable());
        loop {
            let next = match (left.peek(), right.peek()) {
                (Some(a), Some(b)) => match a.name().cmp(b.name()) {
                    Ordering::Less => left.next(),
                    Ordering::Equal => {
                        left.next();
                        right.next()
                    }
                    Ordering::Greater => right.next(),
                },
                (Some(_), None) => left.next(),
                (None, _) => right.next(),
            };
            match next {
                Some(resource) => sorted.push(Arc::clone(resource)),
                None => break,
            }
        }
        Arc::new(Self {
            sorted,
            version: OnceLock::new(),
        })
    }

    /// The set with these resources besides; the set itself if there are none.
    pub(crate) fn with_all<'a>(set: &Arc<Self>, resources: impl IntoIterator<Item = &'a Arc<Resource>>) -> Arc<Self> {
        let mut with_all = Arc::clone(set);
        for resource in resources {
            Arc::make_mut(&mut with_all).put(Arc::clone(resource));
        }
        with_all
    }

    /// The set with each resource replaced.
    pub(super) fn map(&self, replace: impl FnMut(&Arc<Resource>) -> Arc<Resource>) -> Self {
        Self {
            sorted: self.sorted.iter().map(replace).collect(),
            version: OnceLock::new(),
        }
    }

    /// The names of resources that are in one set only, or not the same in both. A comparison of addresses for those that
    /// are shared, so the cost per unchanged resource is about a nanosecond.
    pub(crate) fn changed_names(before: &Self, after: &Self) -> Vec<Arc<str>> {
        let mut changed = Vec::new();
        let (mut old, mut new) = (before.iter().peekable(), after.iter().peekable());
        loop {
            let (is_old, is_new) = match (old.peek(), new.peek()) {
                (None, None) => return changed,
                (Some(_), None) => (true, false),
                (None, Some(_)) => (false, true),
                (Some(a), Some(b)) if Arc::ptr_eq(a, b) => {
                    old.next();
                    new.next();
                    continue;
                }
                (Some(a), Some(b)) => {
                    let order = a.name().cmp(b.name());
                    (order.is_le(), order.is_ge())
                }
            };
            let removed = old.next_if(|_| is_old);
            let added = new.next_if(|_| is_new);
            let is_same = matches!((removed, added), (Some(a), Some(b)) if a == b);
            if let (false, Some(resource)) = (is_same, added.or(removed)) {
                changed.push(Arc::clone(resource.shared_name()));
            }
        }
    }
}
