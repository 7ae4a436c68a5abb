//! Where a mesh's tasks can be called from.

use std::io;
use std::sync::Arc;

use crate::network::MeshNetwork;

/// Where the addresses of a mesh's tasks can be reached. Clones are the same place; it is there for as long as one of them
/// is.
#[derive(Debug, Clone)]
pub struct Beside(pub(super) Option<Arc<MeshNetwork>>);

impl Beside {
    /// As [`LocalMesh::beside_tasks`](super::LocalMesh::beside_tasks).
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
