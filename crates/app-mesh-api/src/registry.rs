//! All resources as one immutable value, and App Mesh's rules for changing it. Pure: time and ids are passed in.
//!
//! A registry shares its parts with the one it was made from, so a change costs the same in a small and in a large one,
//! and readers keep the one they have.
//!
//! - [`record`]: a resource with its metadata;
//! - `spec`: reads the spec of a request;
//! - `write`: creation, update, deletion and tags, from an [`Operation`](crate::Operation) to a [`Change`];
//! - `client_token`: repeated requests; `ports` and `references`: rules between resources;
//! - `page`: parts of lists; [`topology`]: meshes as the translation to Envoy reads them.

mod client_token;
mod page;
mod ports;
pub mod record;
mod references;
mod spec;
pub mod topology;
mod write;

use std::ops::Bound;
use std::sync::Arc;

use mesh_model::app_mesh::{Kind, ResourcePath};
use rpds::RedBlackTreeMapSync;

pub use page::Page;
pub use record::Record;
pub use write::{Applied, Context, Write};
pub(crate) use write::{MAX_TAGS, too_many_tags};

use crate::error::{ApiError, ErrorCode};
use crate::operation::Collection;
use crate::settings::Settings;

/// All resources, by path. Immutable; a clone costs nothing.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    meshes: RedBlackTreeMapSync<String, MeshRecords>,
}

/// The resources of one mesh.
#[derive(Debug, Clone)]
struct MeshRecords {
    mesh: Arc<Record>,
    contents: RedBlackTreeMapSync<ResourcePath, Arc<Record>>,
}

/// The change of one resource. Without `before` a creation, without `after` a deletion.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The resource.
    pub path: ResourcePath,
    /// As it was.
    pub before: Option<Arc<Record>>,
    /// As it is now.
    pub after: Option<Arc<Record>>,
}

impl Registry {
    /// A registry of these resources.
    ///
    /// # Errors
    ///
    /// The first resource that is in a mesh which is not among them.
    pub fn from_records(records: impl IntoIterator<Item = Record>) -> Result<Self, ResourcePath> {
        let (meshes, contents): (Vec<Record>, Vec<Record>) =
            records.into_iter().partition(|record| record.path.kind == Kind::Mesh);
        let mut registry = Self::default();
        for record in meshes.into_iter().chain(contents) {
            let path = record.path.clone();
            registry.put(Arc::new(record)).ok_or(path)?;
        }
        Ok(registry)
    }

    /// A resource.
    #[must_use]
    pub fn get(&self, path: &ResourcePath) -> Option<&Arc<Record>> {
        let mesh = self.meshes.get(&path.mesh)?;
        match path.kind {
            Kind::Mesh => Some(&mesh.mesh),
            _ => mesh.contents.get(path),
        }
    }

    /// All resources: each mesh, followed by what it contains.
    pub fn records(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.meshes
            .values()
            .flat_map(|mesh| std::iter::once(&mesh.mesh).chain(mesh.contents.values()))
    }

    /// Number of resources.
    #[must_use]
    pub fn len(&self) -> usize {
        self.meshes.values().map(|mesh| 1 + mesh.contents.size()).sum()
    }

    /// True without resources.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.meshes.is_empty()
    }

    /// The registry after these changes.
    ///
    /// # Errors
    ///
    /// The first resource that would be in a mesh which does not exist.
    pub fn with_changes<'c>(&self, changes: impl IntoIterator<Item = &'c Change>) -> Result<Self, ResourcePath> {
        let mut registry = self.clone();
        for change in changes {
            match &change.after {
                Some(record) => registry.put(Arc::clone(record)).ok_or_else(|| change.path.clone())?,
                None => registry.remove(&change.path),
            }
        }
        Ok(registry)
    }

    /// `None` if its mesh does not exist.
    fn put(&mut self, record: Arc<Record>) -> Option<()> {
        let path = &record.path;
        if path.kind == Kind::Mesh {
            let name = path.mesh.clone();
            match self.meshes.get_mut(&name) {
                Some(mesh) => mesh.mesh = record,
                None => self.meshes.insert_mut(
                    name,
                    MeshRecords {
                        mesh: record,
                        contents: RedBlackTreeMapSync::new_sync(),
                    },
                ),
            }
        } else {
            let mesh = self.meshes.get_mut(&path.mesh)?;
            mesh.contents.insert_mut(path.clone(), record);
        }
        Some(())
    }

    fn remove(&mut self, path: &ResourcePath) {
        match path.kind {
            Kind::Mesh => drop(self.meshes.remove_mut(&path.mesh)),
            _ => {
                if let Some(mesh) = self.meshes.get_mut(&path.mesh) {
                    mesh.contents.remove_mut(path);
                }
            }
        }
    }

    /// The resources of a collection with names after this one, by name.
    fn after<'r>(&'r self, collection: &Collection, after: &str) -> Box<dyn Iterator<Item = &'r Arc<Record>> + 'r> {
        let Some(mesh) = &collection.mesh else {
            let from = (Bound::Excluded(after.to_owned()), Bound::Unbounded);
            return Box::new(self.meshes.range(from).map(|(_, mesh)| &mesh.mesh));
        };
        let Some(records) = self.meshes.get(mesh) else {
            return Box::new(std::iter::empty());
        };
        let (kind, parent) = (collection.kind, collection.parent.clone());
        let start = ResourcePath {
            mesh: mesh.clone(),
            kind,
            parent: parent.clone(),
            name: after.to_owned(),
        };
        Box::new(
            records
                .contents
                .range((Bound::Excluded(start), Bound::Unbounded))
                .take_while(move |(path, _)| path.kind == kind && path.parent == parent)
                .map(|(_, record)| record),
        )
    }

    /// The resources of one type in a mesh, in all containers.
    fn of_kind<'r>(&'r self, mesh: &str, kind: Kind) -> impl Iterator<Item = &'r Arc<Record>> + use<'r> {
        let start = ResourcePath::new(mesh, kind, "");
        let mesh = self.meshes.get(mesh).into_iter();
        mesh.flat_map(move |mesh| {
            mesh.contents
                .range((Bound::Excluded(start.clone()), Bound::Unbounded))
                .take_while(move |(path, _)| path.kind == kind)
                .map(|(_, record)| record)
        })
    }

    /// The resource.
    ///
    /// # Errors
    ///
    /// `NotFoundException` for it or for its container.
    pub fn require(&self, path: &ResourcePath, settings: &Settings) -> Result<&Arc<Record>, ApiError> {
        if path.kind != Kind::Mesh {
            self.require_container(path, settings)?;
        }
        self.get(path).ok_or_else(|| not_found(path, settings))
    }

    /// Checks that the mesh of a resource exists, and the router of a route or the gateway of a gateway route.
    fn require_container(&self, path: &ResourcePath, settings: &Settings) -> Result<(), ApiError> {
        let mesh = ResourcePath::of_mesh(&path.mesh);
        if self.get(&mesh).is_none() {
            return Err(not_found(&mesh, settings));
        }
        match container_of(path) {
            Some(container) if self.get(&container).is_none() => Err(not_found(&container, settings)),
            _ => Ok(()),
        }
    }
}

/// The router of a route, the gateway of a gateway route.
fn container_of(path: &ResourcePath) -> Option<ResourcePath> {
    let kind = match path.kind {
        Kind::Route => Kind::VirtualRouter,
        Kind::GatewayRoute => Kind::VirtualGateway,
        _ => return None,
    };
    Some(ResourcePath::new(&path.mesh, kind, path.parent.as_deref()?))
}

/// In the service's own words, as aws-app-mesh-roadmap#173 quotes them (read 2026-11-30); for routes and meshes by
/// analogy.
fn not_found(path: &ResourcePath, settings: &Settings) -> ApiError {
    let account = &settings.account;
    let ResourcePath {
        mesh,
        kind,
        parent,
        name,
    } = path;
    let message = match (kind, parent) {
        (Kind::Mesh, _) => format!("Mesh with name {name} is not present for account {account}"),
        (Kind::Route, Some(router)) => format!(
            "Route with name {name} is not present under virtual router {router} and mesh {mesh} for account {account}"
        ),
        (Kind::GatewayRoute, Some(gateway)) => format!(
            "GatewayRoute with name {name} is not present under virtual gateway {gateway} and mesh {mesh} for account \
             {account}"
        ),
        _ => format!("{kind:?} with name {name} is not present under mesh {mesh} for account {account}"),
    };
    ApiError::new(ErrorCode::NotFound, message)
}

#[cfg(test)]
mod tests;
