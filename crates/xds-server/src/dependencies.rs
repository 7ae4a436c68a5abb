//! What an Envoy must not lose yet, since something else that it has refers to it. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::snapshot::{Resource, ResourceType};

/// Names that other resources of the client refer to.
#[derive(Debug, Default)]
pub(crate) struct InUse {
    names: BTreeSet<String>,
    /// The client has resources of which nobody knows what they refer to.
    unknown: bool,
}

impl InUse {
    /// Takes note of what a resource refers to of one kind. `None` is a resource that the client brought along from
    /// an earlier stream, of which only name and version are known.
    pub(crate) fn note(&mut self, kind: ResourceType, resource: Option<&Arc<Resource>>) {
        let Some(resource) = resource else {
            self.unknown = true;
            return;
        };
        let references = resource.references.iter().filter(|reference| reference.kind == kind);
        self.names.extend(references.map(|reference| reference.name.clone()));
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.unknown || self.names.contains(name)
    }
}
