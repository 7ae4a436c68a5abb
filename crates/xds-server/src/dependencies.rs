//! Dependencies: resources that an Envoy must keep because other resources refer to them. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::snapshot::{Resource, ResourceType};

/// Names that other resources of the client refer to.
#[derive(Debug, Default)]
pub(crate) struct Dependencies {
    names: BTreeSet<String>,
    /// The client has resources with unknown references.
    unknown: bool,
}

impl Dependencies {
    /// Adds the references of a resource to one type. `None` is a resource from an earlier stream, of which only name and
    /// version are known.
    pub(crate) fn add(&mut self, kind: ResourceType, resource: Option<&Arc<Resource>>) {
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
