//! Reads whole meshes.

use std::collections::BTreeMap;

use app_mesh_migrate::{JsonText, Meshes, read_dumps};
use mesh_model::app_mesh::ResourcePath;
use serde_json::Value as Json;
use sidecar_contract::ValidationErrors;

use crate::client::{ApiClient, ClientError};

/// The meshes of a server.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Present {
    /// Their resources.
    pub meshes: Meshes,
    /// The ARN of each resource.
    pub arns: BTreeMap<ResourcePath, String>,
}

/// A mesh cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A call failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// There is no such mesh.
    #[error("there is no mesh `{mesh}` at {url}; it has {known}")]
    NoMesh {
        /// The given name.
        mesh: String,
        /// The server.
        url: String,
        /// Its meshes.
        known: String,
    },
    /// A response has no ARN.
    #[error("the response to the description of {path} at {url} is not one of App Mesh's API: it has no metadata.arn")]
    NoArn {
        /// The resource.
        path: ResourcePath,
        /// The server.
        url: String,
    },
    /// Specs that are not valid, or have unknown fields.
    #[error("the server has resources that are not valid\n{0}")]
    Invalid(ValidationErrors),
}

impl ApiClient {
    /// Reads these meshes, or all without a name: their resources with specs and tags.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn read(&self, meshes: &[String]) -> Result<Present, ReadError> {
        let known = self.mesh_names().await?;
        if let Some(mesh) = meshes.iter().find(|mesh| !known.contains(mesh)) {
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            return Err(ReadError::NoMesh {
                mesh: mesh.clone(),
                url: self.url().to_owned(),
                known,
            });
        }
        self.read_known(if meshes.is_empty() { &known } else { meshes }).await
    }

    /// Reads those of these meshes that exist.
    pub(crate) async fn read_existing(&self, meshes: &[String]) -> Result<Present, ReadError> {
        let mut known = self.mesh_names().await?;
        known.retain(|mesh| meshes.contains(mesh));
        self.read_known(&known).await
    }

    async fn read_known(&self, meshes: &[String]) -> Result<Present, ReadError> {
        let mut texts = Vec::new();
        let (mut arns, mut tags) = (BTreeMap::new(), BTreeMap::new());
        for mesh in meshes {
            let mut paths = vec![ResourcePath::of_mesh(mesh)];
            paths.extend(self.contents(mesh).await?);
            for path in paths {
                // Without a response it was deleted since the list.
                let Some(text) = self.describe(&path).await? else {
                    continue;
                };
                let arn = arn(&text).ok_or_else(|| ReadError::NoArn {
                    path: path.clone(),
                    url: self.url().to_owned(),
                })?;
                tags.insert(path.clone(), self.tags(&path, &arn).await?);
                texts.push(JsonText {
                    location: path.to_string(),
                    text,
                });
                arns.insert(path, arn);
            }
        }
        let mut meshes = read_dumps(&texts).map_err(ReadError::Invalid)?;
        for (path, document) in &mut meshes.resources {
            document.tags = tags.remove(path).unwrap_or_default();
        }
        Ok(Present { meshes, arns })
    }
}

fn arn(body: &str) -> Option<String> {
    let document: Json = serde_json::from_str(body).ok()?;
    Some(document.pointer("/metadata/arn")?.as_str()?.to_owned())
}
