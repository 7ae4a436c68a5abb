//! Claims of meshes, where there is another source of meshes beside this service.
//!
//! A mesh is configured by parameters of a stack or by this API, never by both. `ParameterClaims`, with the feature `aws`,
//! lets Parameter Store decide: it puts a [`MeshClaim`](mesh_model::app_mesh::MeshClaim) into the parameter of the mesh,
//! `/meshwright/MESH`. Then a stack that creates the parameter fails, and a control plane that reads the mesh from
//! parameters says where it is. A parameter that exists already makes `CreateMesh` fail.
//!
//! A claim is made before the mesh is created and removed after it was deleted. A process that ends in between leaves a
//! claim without a mesh: this service may use it again; to give the name to a stack, delete the parameter.

#[cfg(feature = "aws")]
mod parameter_store;

use std::fmt;

use async_trait::async_trait;

#[cfg(feature = "aws")]
pub use parameter_store::ParameterClaims;

/// Claims names of meshes for a service.
#[async_trait]
pub trait MeshClaims: fmt::Debug + Send + Sync + 'static {
    /// Claims a name. No effect if this service has claimed it before.
    ///
    /// # Errors
    ///
    /// [`ClaimError`].
    async fn claim(&self, mesh: &str) -> Result<(), ClaimError>;

    /// Removes a claim of this service. No effect without one.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Failed`].
    async fn release(&self, mesh: &str) -> Result<(), ClaimError>;
}

/// A mesh cannot be claimed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// Another source has the mesh. The text says which, and what to do.
    #[error("{0}")]
    Taken(String),
    /// It is not known whether it was claimed or released. The text is the reason.
    #[error("{0}")]
    Failed(String),
}
