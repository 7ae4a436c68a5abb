//! Import of many resources at once, from a template or another mesh.

use std::collections::BTreeMap;

use mesh_model::app_mesh::{Kind, ResourcePath};
use serde_json::Value;

use super::Service;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::operation::Operation;
use crate::registry::Write;

/// Resources that are written together. A larger import is written in parts.
const MAX_TOGETHER: usize = 90;

/// The number of resources that an import wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// New ones.
    pub created: usize,
    /// Those that existed with another spec.
    pub updated: usize,
    /// Those that existed with the same spec.
    pub unchanged: usize,
}

/// A resource that cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot import {path}: {error}")]
pub struct ImportError {
    /// The first resource of those that were written together.
    pub path: ResourcePath,
    /// The reason.
    pub error: ApiError,
}

impl Service {
    /// Creates or updates resources, in any order. Resources that exist with the same spec are left as they are;
    /// resources that are not named are left as they are. Ports that are ambiguous with several listeners are accepted,
    /// because they may be so only until the end of the import.
    ///
    /// Up to 90 resources are imported together or not at all; of more, a failed import may leave some.
    ///
    /// # Errors
    ///
    /// The first resource that is not valid, and the reason.
    pub async fn import(
        &self,
        caller: &Caller,
        resources: impl IntoIterator<Item = (ResourcePath, Value)>,
    ) -> Result<Imported, ImportError> {
        let mut resources: Vec<(ResourcePath, Value)> = resources.into_iter().collect();
        resources.sort_by(|(a, _), (b, _)| order(a).cmp(&order(b)).then_with(|| a.cmp(b)));
        let registry = self.registry();
        let mut imported = Imported::default();
        let mut writes: Vec<(ResourcePath, Write)> = Vec::new();
        for (path, spec) in resources {
            let fail = |error| ImportError {
                path: path.clone(),
                error,
            };
            let existing = registry.get(&path);
            let operation = match existing {
                None => Operation::Create {
                    path: path.clone(),
                    spec: Some(spec),
                    tags: BTreeMap::new(),
                    client_token: None,
                },
                Some(_) => Operation::Update {
                    path: path.clone(),
                    spec: Some(spec),
                    client_token: None,
                },
            };
            caller.authorize(&operation, self.settings()).map_err(fail)?;
            let Some(write) = Write::new(operation).map_err(fail)? else {
                continue;
            };
            match existing {
                None => imported.created += 1,
                Some(record) if write.has_spec_of(record) => {
                    imported.unchanged += 1;
                    continue;
                }
                Some(_) => imported.updated += 1,
            }
            writes.push((path, write));
        }
        let meshes = writes
            .iter()
            .map(|(path, _)| path)
            .filter(|path| path.kind == Kind::Mesh);
        for path in meshes {
            let fail = |error| ImportError {
                path: path.clone(),
                error,
            };
            self.claim(&path.mesh).await.map_err(fail)?;
        }
        for part in writes.chunks(MAX_TOGETHER) {
            let together = part.iter().map(|(_, write)| write.clone()).collect();
            self.write(together, caller, "Import", false)
                .await
                .map_err(|error| ImportError {
                    path: part[0].0.clone(),
                    error,
                })?;
        }
        Ok(imported)
    }
}

/// Containers first.
fn order(path: &ResourcePath) -> u8 {
    match path.kind {
        Kind::Mesh => 0,
        Kind::VirtualNode | Kind::VirtualRouter | Kind::VirtualGateway => 1,
        Kind::Route | Kind::VirtualService => 2,
        Kind::GatewayRoute => 3,
    }
}
