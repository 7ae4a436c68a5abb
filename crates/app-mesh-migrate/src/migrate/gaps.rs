//! What the given stacks lack together: resources that others refer to, and control planes.
//!
//! Other stacks may have them, so these are notes and not errors.

use std::collections::{BTreeMap, BTreeSet};

use cfn::appmesh::kind_of;
use cfn::{ResourceType as _, closest, ecs};
use mesh_model::app_mesh::{Assembly, Kind, ResourcePath, ResourceSpec};

use super::Options;
use super::changes::{ChangeKind, Changes};
use super::control_planes;
use super::envoys::{EnvoySite, Envoys};
use super::stacks::Stacks;

/// The specs of mesh resources, by path.
type Described = BTreeMap<ResourcePath, ResourceSpec>;

/// Notes what is missing. `described` are the mesh resources of all given stacks.
pub(super) fn note(
    stacks: &Stacks<'_>,
    envoys: &Envoys,
    described: &Described,
    options: &Options,
    changes: &mut Changes,
) {
    note_envoys(stacks, &envoys.sites, described, options, changes);
    note_references(stacks, described, changes);
    if options.control_plane.is_none() {
        note_meshes_without_control_plane(stacks, envoys, changes);
    }
}

/// Envoys of meshes and virtual nodes that no template describes. One note per stack and mesh, and per virtual node.
fn note_envoys(
    stacks: &Stacks<'_>,
    sites: &[EnvoySite],
    described: &Described,
    options: &Options,
    changes: &mut Changes,
) {
    let mut noted = BTreeSet::new();
    for site in sites {
        let mesh = &site.path.mesh;
        let target = (
            stacks.sources()[site.stack].name.as_str(),
            site.task.as_str(),
            ecs::TaskDefinition::KIND,
        );
        if !described.contains_key(&ResourcePath::of_mesh(mesh)) {
            if noted.insert((site.stack, mesh.clone())) {
                let remedy = match options.control_plane {
                    Some(_) => "",
                    None => {
                        ": otherwise each stack that is migrated alone gets a control plane of the same name; or use \
                         --control-plane STACK if that stack has the control plane"
                    }
                };
                changes.add(
                    target,
                    ChangeKind::Kept,
                    format!("an Envoy of the mesh `{mesh}`, which no given template describes"),
                    format!("its configuration is in parameters of another stack; give that stack, too, with --template{remedy}"),
                );
            }
        } else if !described.contains_key(&site.path) && noted.insert((site.stack, site.path.to_string())) {
            let is_like = |path: &&ResourcePath| path.mesh == *mesh && path.kind == site.path.kind;
            let names = described.keys().filter(is_like).map(|path| path.name.as_str());
            let hint = match closest(&site.path.name, names) {
                Some(meant) => {
                    format!("did you mean `{meant}`? Otherwise give the stack that describes it with --template")
                }
                None => "correct the name, or give the stack that describes it with --template".to_owned(),
            };
            changes.add(
                target,
                ChangeKind::Kept,
                format!(
                    "an Envoy of the {}, which no given template describes",
                    site.path.description()
                ),
                format!("the control plane has no configuration for it; {hint}"),
            );
        }
    }
}

/// References of mesh resources to others that no template describes, and what else the local runner rejects.
fn note_references(stacks: &Stacks<'_>, described: &Described, changes: &mut Changes) {
    let mut assembly = Assembly::new();
    for (path, spec) in described {
        // The mesh may be in another stack, which the Envoys' notes say.
        if described.contains_key(&ResourcePath::of_mesh(&path.mesh)) {
            assembly.add_spec(path.clone(), Ok(spec.clone()), &path.to_string());
        }
    }
    let Err(errors) = assembly.finish() else { return };
    for ((stack, id), path) in &stacks.paths {
        let location = path.to_string();
        let source = &stacks.sources()[*stack];
        for error in errors.references.iter().filter(|error| error.path == location) {
            changes.add(
                (&source.name, id, &source.template.resources[id].kind),
                ChangeKind::Kept,
                error.message.as_str(),
                "as in the given templates; correct it, or give the other stacks of the mesh, too, with --template",
            );
        }
    }
}

/// Meshes that get no control plane, because no Envoy of them is given.
fn note_meshes_without_control_plane(stacks: &Stacks<'_>, envoys: &Envoys, changes: &mut Changes) {
    let sites = envoys.sites.iter().chain(&envoys.migrated);
    let with_envoys: BTreeSet<&str> = sites.map(|site| site.path.mesh.as_str()).collect();
    for ((stack, id), path) in &stacks.paths {
        let source = &stacks.sources()[*stack];
        let is_mesh = kind_of(&source.template.resources[id].kind) == Some(Kind::Mesh);
        if is_mesh && !with_envoys.contains(path.mesh.as_str()) && !control_planes::has(stacks, &path.mesh) {
            changes.add(
                (&source.name, id, &path.kind.resource_type()),
                ChangeKind::Kept,
                "no control plane",
                "it runs beside a service with an Envoy of the mesh, and no given template has one; give the stacks of its \
                 services, too, with --template",
            );
        }
    }
}
