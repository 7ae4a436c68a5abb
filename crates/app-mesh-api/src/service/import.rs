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
/// Bytes of specs that are written together; more only if a single one has more.
const MAX_TOGETHER_BYTES: usize = 2_000_000;

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
    /// Up to 90 resources of up to 2 MB are imported together or not at all; of more, a failed import may leave some.
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
        let meshes = writes.iter().filter(|(path, _)| path.kind == Kind::Mesh);
        let meshes: Vec<ResourcePath> = meshes.map(|(path, _)| path.clone()).collect();
        let written = self.claim_and_write(&meshes, &writes, caller).await;
        for path in &meshes {
            match &written {
                Ok(()) => self.keep_claim(&path.mesh).await,
                Err(_) => self.release_unless_present(&path.mesh).await,
            }
        }
        written.map(|()| imported)
    }

    async fn claim_and_write(
        &self,
        meshes: &[ResourcePath],
        writes: &[(ResourcePath, Write)],
        caller: &Caller,
    ) -> Result<(), ImportError> {
        let fail = |path: &ResourcePath, error| ImportError {
            path: path.clone(),
            error,
        };
        for path in meshes {
            self.claim(&path.mesh).await.map_err(|error| fail(path, error))?;
        }
        for part in parts(writes) {
            let together = part.iter().map(|(_, write)| write.clone()).collect();
            self.write(together, caller, "Import", false)
                .await
                .map_err(|error| fail(&part[0].0, error))?;
        }
        Ok(())
    }
}

/// Writes in parts that are committed together.
fn parts(writes: &[(ResourcePath, Write)]) -> impl Iterator<Item = &[(ResourcePath, Write)]> {
    let mut rest = writes;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |(_, write): &&(ResourcePath, Write)| {
            bytes += write.spec_bytes();
            bytes <= MAX_TOGETHER_BYTES
        };
        let count = rest.iter().take(MAX_TOGETHER).take_while(fits).count();
        let (part, remaining) = rest.split_at_checked(count.max(1))?;
        rest = remaining;
        Some(part)
    })
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
