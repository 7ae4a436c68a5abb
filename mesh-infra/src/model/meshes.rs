//! The meshes of a template, validated once.
//!
//! References between resources are validated only in a mesh that the template describes completely; other resources of
//! another mesh may exist elsewhere. An unresolved resource is not validated, and neither is what refers to it.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use mesh_model::app_mesh::{Assembly, ResourcePath, Topology};
use sidecar_contract::Diagnostics;

use super::mesh_resource::{MeshResource, SpecReading};

/// The meshes of a template.
#[derive(Debug, Default)]
pub(super) struct Meshes {
    /// The valid meshes that are described completely, by name.
    pub(super) topologies: BTreeMap<String, Topology>,
    /// The names of the meshes that are described completely, valid or not.
    pub(super) complete: BTreeSet<String>,
    pub(super) errors: Diagnostics,
}

impl Meshes {
    pub(super) fn assemble(resources: &[MeshResource<'_>]) -> Self {
        let mut meshes = Self::default();
        let mut by_mesh: IndexMap<&str, Vec<(&ResourcePath, &MeshResource<'_>)>> = IndexMap::new();
        for resource in resources {
            match &resource.path {
                Ok(path) => by_mesh.entry(&path.mesh).or_default().push((path, resource)),
                Err(unknown) => {
                    if let Some(error) = &unknown.error {
                        let path = format!("Resources.{}.Properties.{}", resource.logical_id, unknown.property);
                        meshes.errors.add(path, error.as_str());
                    }
                    meshes.add_spec_errors(resource);
                }
            }
            if let SpecReading::NotJson(reason) = &resource.spec {
                let message = format!("is not JSON: {reason}");
                meshes.errors.add(resource.document_path(), message);
            }
        }
        // A resource with an unknown path may belong to any mesh.
        let are_paths_known = resources.iter().all(|resource| resource.path.is_ok());
        for (mesh, members) in by_mesh {
            if are_paths_known && is_complete(mesh, &members) {
                meshes.complete.insert(mesh.to_owned());
                meshes.assemble_mesh(&members);
            } else {
                members.iter().for_each(|(_, member)| meshes.add_spec_errors(member));
            }
        }
        meshes
    }

    /// Validates the resources of one mesh and their references.
    fn assemble_mesh(&mut self, members: &[(&ResourcePath, &MeshResource<'_>)]) {
        let mut assembly = Assembly::new();
        let mut seen: IndexMap<&ResourcePath, &MeshResource<'_>> = IndexMap::new();
        let mut has_alternatives = false;
        for (path, member) in members {
            match seen.get(path) {
                // At most one of two resources under conditions may exist at a time.
                Some(first) if first.condition.is_some() || member.condition.is_some() => {
                    has_alternatives = true;
                    self.add_spec_errors(member);
                }
                _ => {
                    let spec = match &member.spec {
                        SpecReading::Known(spec) => Ok((**spec).clone()),
                        SpecReading::Invalid(errors) => Err(errors.clone()),
                        SpecReading::Unresolved | SpecReading::NotJson(_) => continue,
                    };
                    assembly.add_spec((*path).clone(), spec, &member.document_path());
                    seen.entry(path).or_insert(member);
                }
            }
        }
        match assembly.finish() {
            Ok(topologies) if !has_alternatives => self.topologies.extend(topologies),
            Ok(_) => {}
            Err(errors) => self.errors.extend(Diagnostics::from(errors)),
        }
    }

    fn add_spec_errors(&mut self, resource: &MeshResource<'_>) {
        if let SpecReading::Invalid(errors) = &resource.spec {
            self.errors.extend(errors.clone());
        }
    }
}

/// Whether the template contains the mesh itself, and all specs are known.
fn is_complete(mesh: &str, members: &[(&ResourcePath, &MeshResource<'_>)]) -> bool {
    let has_mesh = members.iter().any(|(path, _)| **path == ResourcePath::of_mesh(mesh));
    let is_known = |spec: &SpecReading| matches!(spec, SpecReading::Known(_) | SpecReading::Invalid(_));
    has_mesh && members.iter().all(|(_, member)| is_known(&member.spec))
}
