//! Where a mesh's tasks can be called from.

use std::io;
use std::sync::Arc;

use crate::network::MeshNetwork;

/// Where the addresses of a mesh's tasks can be reached. Clones are the same place; it is there for as long as one of them
/// is.
#[derive(Debug, Clone)]
pub struct CallScope(pub(super) Option<Arc<MeshNetwork>>);

impl CallScope {
    /// As [`LocalMesh::run_in_call_scope`](super::LocalMesh::run_in_call_scope).
    ///
    /// # Errors
    ///
    /// If it panicked.
    pub async fn run<T>(&self, future: impl Future<Output = T> + Send + 'static) -> io::Result<T>
    where
        T: Send + 'static,
    {
        match &self.0 {
            None => Ok(future.await),
            Some(network) => network.run(future).await,
        }
    }
}
