//! The order in which constructs are added to a stack, and the ids under which they are.

use std::collections::BTreeSet;

use mesh_model::app_mesh::{Kind, ResourcePath};
use mesh_model::key_casing::pascal_case;
use sidecar_contract::Diagnostics;

use crate::meshes::{MeshDocument, Meshes};

/// Handles are needed before what refers to them.
const ORDER: [Kind; 7] = [
    Kind::Mesh,
    Kind::VirtualNode,
    Kind::VirtualRouter,
    Kind::VirtualService,
    Kind::VirtualGateway,
    Kind::Route,
    Kind::GatewayRoute,
];

/// Characters of an id; a stack allows 200.
const MAX_ID: usize = 150;

/// A resource with the id of its construct.
pub(super) struct Item<'m> {
    pub(super) id: String,
    pub(super) path: &'m ResourcePath,
    pub(super) document: &'m MeshDocument,
}

impl Item<'_> {
    /// The logical id in the template.
    pub(super) fn logical_id(&self) -> String {
        let kind = format!("{:?}", self.path.kind);
        let id: String = self.id.split(['-', '.', '_']).map(pascal_case).collect();
        format!("{}{kind}", id.strip_suffix(&kind).unwrap_or(&id))
    }
}

/// The resources in the order of their constructs. Reports those whose mesh, virtual router or virtual gateway is missing.
pub(super) fn items<'m>(meshes: &'m Meshes, diagnostics: &mut Diagnostics) -> Vec<Item<'m>> {
    let mut taken = BTreeSet::new();
    let mut items = Vec::new();
    let has_one_mesh = meshes.resources.keys().filter(|path| path.kind == Kind::Mesh).count() == 1;
    for kind in ORDER {
        for (path, document) in meshes.resources.iter().filter(|(path, _)| path.kind == kind) {
            for container in containers(path) {
                if !meshes.resources.contains_key(&container) {
                    let message = format!(
                        "is in the {}, which was not read; add it to the source",
                        container.description()
                    );
                    diagnostics.add(meshes.location(path), message);
                }
            }
            let mut words = vec![path.name.as_str()];
            if let Some(parent) = &path.parent {
                words.insert(0, parent);
            }
            if !has_one_mesh && kind != Kind::Mesh {
                words.insert(0, &path.mesh);
            }
            let id = words
                .join("-")
                .replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
            let mut id: String = id.chars().take(MAX_ID).collect();
            if id.chars().all(|letter| letter == '-') {
                id = "resource".to_owned();
            }
            let mut item = Item { id, path, document };
            let stem = item.id.clone();
            let mut number = 2;
            while !taken.insert(item.logical_id().to_ascii_lowercase()) {
                item.id = format!("{stem}-{number}");
                number += 1;
            }
            items.push(item);
        }
    }
    items
}

fn containers(path: &ResourcePath) -> Vec<ResourcePath> {
    let mesh = (path.kind != Kind::Mesh).then(|| ResourcePath::of_mesh(&path.mesh));
    let parent = path.parent.as_deref().map(|parent| match path.kind {
        Kind::Route => ResourcePath::new(&path.mesh, Kind::VirtualRouter, parent),
        _ => ResourcePath::new(&path.mesh, Kind::VirtualGateway, parent),
    });
    mesh.into_iter().chain(parent).collect()
}
