//! Meshes between their sources and their targets.

use std::collections::BTreeMap;

use mesh_model::app_mesh::{Assembly, ResourcePath, ResourceSpec, Topology};
use sidecar_contract::{Diagnostic, Diagnostics};

/// Mesh resources that were read from anywhere.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Meshes {
    /// The resources, by path.
    pub resources: BTreeMap<ResourcePath, MeshDocument>,
    /// What the sources contain and a mesh does not: each with its place and the reason.
    pub notes: Vec<Diagnostic>,
    /// Where each resource was read, for errors.
    locations: BTreeMap<ResourcePath, String>,
}

/// Equal meshes may come from different places.
impl PartialEq for Meshes {
    fn eq(&self, other: &Self) -> bool {
        self.resources == other.resources && self.notes == other.notes
    }
}

/// A mesh resource.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MeshDocument {
    /// Its spec.
    pub spec: ResourceSpec,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl MeshDocument {
    /// A resource with this spec and tags.
    #[must_use]
    pub fn new(spec: ResourceSpec, tags: BTreeMap<String, String>) -> Self {
        Self { spec, tags }
    }
}

impl Meshes {
    /// The specs, by path.
    pub fn specs(&self) -> impl Iterator<Item = (&ResourcePath, &ResourceSpec)> {
        self.resources.iter().map(|(path, document)| (path, &document.spec))
    }

    /// The meshes with resolved references, by name.
    ///
    /// # Errors
    ///
    /// References to resources that do not exist. App Mesh accepted some of them, such as a backend that is created
    /// later; requests to it fail.
    pub fn topologies(&self) -> Result<BTreeMap<String, Topology>, Diagnostics> {
        let mut assembly = Assembly::new();
        for (path, spec) in self.specs() {
            assembly.add_spec(path.clone(), Ok(spec.clone()), &path.to_string());
        }
        assembly.finish().map_err(Diagnostics::from)
    }

    /// Adds a resource. A second one with the same path is an error, unless it is equal.
    pub(crate) fn add(
        &mut self,
        path: ResourcePath,
        document: MeshDocument,
        location: &str,
        diagnostics: &mut Diagnostics,
    ) {
        match self.resources.get(&path) {
            Some(first) if *first == document => {}
            Some(_) => {
                let message = format!(
                    "describes the {}, which another document describes differently",
                    path.description()
                );
                diagnostics.add(location, message);
            }
            None => {
                self.locations.insert(path.clone(), location.to_owned());
                self.resources.insert(path, document);
            }
        }
    }

    /// The place of a resource in its source; its path if it was not read from one.
    pub(crate) fn location(&self, path: &ResourcePath) -> String {
        self.locations.get(path).cloned().unwrap_or_else(|| path.to_string())
    }

    pub(crate) fn note(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.notes.push(Diagnostic {
            path: path.into(),
            message: message.into(),
        });
    }
}
