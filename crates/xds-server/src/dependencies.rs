//! Dependencies: resources that an Envoy must keep because other resources refer to them. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::snapshot::{Resource, ResourceType};

/// Names to be removed that other resources of the client refer to.
#[derive(Debug, Default)]
pub(crate) struct Dependencies {
    names: BTreeSet<Arc<str>>,
    /// The client has resources with unknown references.
    is_unknown: bool,
}

impl Dependencies {
    /// Adds those of `candidates`, of the type `kind`, to which this resource refers.
    pub(crate) fn add(&mut self, kind: ResourceType, candidates: &BTreeSet<Arc<str>>, resource: &Resource) {
        let references = resource.references().iter().filter(|reference| reference.kind == kind);
        let used = references.filter_map(|reference| candidates.get(reference.name.as_str()));
        self.names.extend(used.cloned());
    }

    /// The client has a resource from an earlier stream, of which only name and version are known.
    pub(crate) fn set_unknown(&mut self) {
        self.is_unknown = true;
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.is_unknown || self.names.contains(name)
    }
}
