//! The meshes of a template: what their resources say, and whether they fit together.
//!
//! The model judges. A resource of which something is late is not judged, and what refers to it is not wrong for
//! that. Whether references lead anywhere is asked only within a mesh that the template itself describes, and of which
//! everything is known: the rest of another mesh may be elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use mesh_model::app_mesh::{
    Assembly, GatewayRouteSpec, Kind, MeshSpec, ResourcePath, RouteSpec, Spec, Spelling, Topology, VirtualGatewaySpec,
    VirtualNodeSpec, VirtualRouterSpec, VirtualServiceSpec,
};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use crate::mesh_resource::{Document, MeshResource};

pub(super) fn check(resources: &[MeshResource<'_>], diagnostics: &mut Diagnostics) {
    let mut meshes: IndexMap<&str, Vec<&MeshResource<'_>>> = IndexMap::new();
    for resource in resources {
        match &resource.path {
            Ok(path) => meshes.entry(&path.mesh).or_default().push(resource),
            Err(no_name) => {
                if let Some(mistake) = &no_name.mistake {
                    let path = format!("Resources.{}.Properties.{}", resource.logical_id, no_name.property);
                    diagnostics.add(path, mistake.as_str());
                }
                check_alone(resource, diagnostics);
            }
        }
        if let Document::NoJson(reason) = &resource.document {
            diagnostics.add(resource.place(), format!("is no JSON: {reason}"));
        }
    }
    for (mesh, members) in meshes {
        if is_whole(mesh, resources) {
            check_together(&members, diagnostics);
        } else {
            members.iter().for_each(|member| check_alone(member, diagnostics));
        }
    }
}

/// Whether the template describes this mesh, and says everything there is to say about it.
fn is_whole(mesh: &str, resources: &[MeshResource<'_>]) -> bool {
    let is_there = |resource: &MeshResource<'_>| resource.path.as_ref() == Ok(&ResourcePath::of_mesh(mesh));
    let is_known = |resource: &MeshResource<'_>| match &resource.path {
        Ok(path) if path.mesh == mesh => resource.known().is_some(),
        Ok(_) => true,
        // It may well be one of this mesh.
        Err(_) => false,
    };
    resources.iter().any(is_there) && resources.iter().all(is_known)
}

fn check_together(members: &[&MeshResource<'_>], diagnostics: &mut Diagnostics) {
    let mut assembly = Assembly::new();
    let mut seen: IndexMap<&ResourcePath, &MeshResource<'_>> = IndexMap::new();
    for member in members {
        let (Ok(path), Some(document)) = (&member.path, member.known()) else {
            continue;
        };
        match seen.get(path) {
            // Two that exist under conditions may be one at a time.
            Some(first) if first.condition.is_some() || member.condition.is_some() => check_alone(member, diagnostics),
            _ => {
                assembly.add(path.clone(), document, member.spelling, &member.place());
                seen.entry(path).or_insert(member);
            }
        }
    }
    if let Err(mistakes) = assembly.finish() {
        diagnostics.extend(Diagnostics::from(mistakes));
    }
}

/// The meshes that are described as a whole and in which nothing is wrong, by name.
pub(super) fn topologies(resources: &[MeshResource<'_>]) -> BTreeMap<String, Topology> {
    let (_, whole) = known_paths(resources);
    let mut assembly = Assembly::new();
    for resource in resources {
        if let (Ok(path), Some(document)) = (&resource.path, resource.known())
            && whole.contains(path.mesh.as_str())
        {
            assembly.add(path.clone(), document, resource.spelling, &resource.place());
        }
    }
    // What is wrong was told where it was looked for.
    assembly.finish().unwrap_or_default()
}

/// What is wrong with a resource whatever the others say.
fn check_alone(resource: &MeshResource<'_>, diagnostics: &mut Diagnostics) {
    fn read<S: Spec>(document: &Json, spelling: Spelling, place: &str, diagnostics: &mut Diagnostics) {
        if let Err(found) = S::read(document, spelling, place) {
            diagnostics.extend(found);
        }
    }
    let (Some(kind), Some(document)) = (resource.kind, resource.known()) else {
        return;
    };
    let judge = match kind {
        Kind::Mesh => read::<MeshSpec>,
        Kind::VirtualNode => read::<VirtualNodeSpec>,
        Kind::VirtualRouter => read::<VirtualRouterSpec>,
        Kind::Route => read::<RouteSpec>,
        Kind::VirtualService => read::<VirtualServiceSpec>,
        Kind::VirtualGateway => read::<VirtualGatewaySpec>,
        Kind::GatewayRoute => read::<GatewayRouteSpec>,
    };
    judge(document, resource.spelling, &resource.place(), diagnostics);
}

/// The paths of all resources of meshes that are described as a whole, and the names of these meshes.
pub(super) fn known_paths<'r>(resources: &'r [MeshResource<'_>]) -> (BTreeSet<&'r ResourcePath>, BTreeSet<&'r str>) {
    let paths: BTreeSet<&ResourcePath> = resources
        .iter()
        .filter_map(|resource| resource.path.as_ref().ok())
        .collect();
    let mut meshes: BTreeSet<&str> = paths.iter().map(|path| path.mesh.as_str()).collect();
    meshes.retain(|mesh| is_whole(mesh, resources));
    (paths, meshes)
}
