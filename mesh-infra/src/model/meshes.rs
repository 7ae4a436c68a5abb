//! The meshes of the input, validated once.
//!
//! References between resources are validated only where every resource that they may mean is in the input. For one
//! template, that is a mesh that it describes completely; an unresolved resource is not validated, and neither is what
//! refers to it.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use mesh_model::app_mesh::{Assembly, ResourcePath, Topology};
use sidecar_contract::Diagnostics;

use super::input::InputScope;
use super::mesh_resource::{MeshResource, SpecReading, UnknownReason};

/// The meshes of the input.
#[derive(Debug)]
pub(super) struct Meshes {
    scope: InputScope,
    /// The valid meshes that are described completely, by name.
    pub(super) topologies: BTreeMap<String, Topology>,
    /// The names of the meshes that one template describes completely, valid or not.
    complete: BTreeSet<String>,
    /// The paths of all resources with a known path.
    pub(super) paths: BTreeSet<ResourcePath>,
    /// Whether these are all resources: one with an unknown path may belong to any mesh.
    are_paths_known: bool,
    pub(super) errors: Diagnostics,
}

type Members<'m, 't> = [(&'m ResourcePath, &'m MeshResource<'t>)];

impl Meshes {
    pub(super) fn assemble(resources: &[MeshResource<'_>], scope: InputScope) -> Self {
        let paths = resources.iter().filter_map(|resource| resource.path.as_ref().ok());
        let mut meshes = Self {
            scope,
            topologies: BTreeMap::new(),
            complete: BTreeSet::new(),
            paths: paths.cloned().collect(),
            are_paths_known: resources.iter().all(|resource| resource.path.is_ok()),
            errors: Diagnostics::new(),
        };
        let mut groups: IndexMap<&str, Vec<(&ResourcePath, &MeshResource<'_>)>> = IndexMap::new();
        for resource in resources {
            match &resource.path {
                Ok(path) => {
                    let group = match scope {
                        InputScope::OneTemplate => path.mesh.as_str(),
                        // A resource in the wrong mesh is missing in another, which would be a second error.
                        InputScope::AllStacks => "",
                    };
                    groups.entry(group).or_default().push((path, resource));
                }
                Err(_) => {
                    meshes.add_path_errors(resource);
                    meshes.add_spec_errors(resource);
                }
            }
            if let SpecReading::NotJson(reason) = &resource.spec {
                let message = format!("is not valid JSON: {reason}");
                meshes.errors.add(resource.document_path(), message);
            }
        }
        for (mesh, members) in groups {
            if scope == InputScope::AllStacks {
                meshes.assemble_group(&members);
            } else if meshes.are_paths_known && is_described(mesh, &members) {
                meshes.complete.insert(mesh.to_owned());
                meshes.assemble_group(&members);
            } else {
                members.iter().for_each(|(_, member)| meshes.add_spec_errors(member));
            }
        }
        meshes
    }

    /// Whether the input describes a mesh completely: a resource that it does not contain does not exist.
    pub(super) fn is_complete_mesh(&self, mesh: &str) -> bool {
        match self.scope {
            InputScope::OneTemplate => self.complete.contains(mesh),
            InputScope::AllStacks => self.are_paths_known,
        }
    }

    /// Validates resources and the references between them.
    fn assemble_group(&mut self, members: &Members<'_, '_>) {
        let mut assembly = match self.scope {
            InputScope::OneTemplate => Assembly::new(),
            InputScope::AllStacks => Assembly::new().allowing_missing_backends(),
        };
        let mut seen: IndexMap<&ResourcePath, &MeshResource<'_>> = IndexMap::new();
        let (mut has_alternatives, mut has_unknown_specs) = (false, false);
        for (path, member) in members {
            match seen.get(path) {
                // At most one of two resources under conditions may exist at a time.
                Some(first) if first.condition.is_some() || member.condition.is_some() => {
                    has_alternatives = true;
                    self.add_spec_errors(member);
                }
                _ => {
                    match &member.spec {
                        SpecReading::Known(spec) => {
                            assembly.add_spec((*path).clone(), Ok((**spec).clone()), &member.document_path());
                        }
                        SpecReading::Invalid(errors) => {
                            assembly.add_spec((*path).clone(), Err(errors.clone()), &member.document_path());
                        }
                        SpecReading::Missing | SpecReading::Unresolved { .. } | SpecReading::NotJson(_) => {
                            has_unknown_specs = true;
                            self.add_spec_errors(member);
                            assembly.add_unknown((*path).clone());
                        }
                    }
                    seen.entry(path).or_insert(member);
                }
            }
        }
        match assembly.finish() {
            Ok(topologies) if !has_alternatives && !has_unknown_specs => self.topologies.extend(topologies),
            Ok(_) => {}
            Err(errors) => {
                self.errors.extend(errors.documents);
                // What seems to be missing may have an unknown path.
                if self.are_paths_known {
                    self.errors.extend(errors.references);
                }
            }
        }
    }

    fn add_path_errors(&mut self, resource: &MeshResource<'_>) {
        for unknown in resource.path.as_ref().err().into_iter().flatten() {
            let message = match &unknown.reason {
                UnknownReason::Invalid(error) => error.as_str(),
                // CloudFormation generates the name, or the property's own error is reported.
                UnknownReason::Missing if self.scope == InputScope::OneTemplate => continue,
                UnknownReason::Missing => "is missing",
                UnknownReason::Unresolved => continue,
            };
            let path = format!("{}.{}", resource.properties_path, unknown.property);
            self.errors.add(path, message);
        }
    }

    fn add_spec_errors(&mut self, resource: &MeshResource<'_>) {
        match &resource.spec {
            SpecReading::Invalid(errors) => self.errors.extend(errors.clone()),
            SpecReading::Unresolved { rest } if self.scope == InputScope::AllStacks => {
                self.errors.extend(rest.clone());
            }
            _ => {}
        }
    }
}

/// Whether the members contain the mesh itself, and all specs are known.
fn is_described(mesh: &str, members: &Members<'_, '_>) -> bool {
    let has_mesh = members.iter().any(|(path, _)| **path == ResourcePath::of_mesh(mesh));
    let is_known = |spec: &SpecReading| matches!(spec, SpecReading::Known(_) | SpecReading::Invalid(_));
    has_mesh && members.iter().all(|(_, member)| is_known(&member.spec))
}
