//! A scope in which a mesh's tasks can be called.

use std::io;
use std::sync::Arc;

use crate::network::MeshNetwork;

/// A scope in which the addresses of a mesh's tasks are reachable. Clones share it, and it exists as long as one of
/// them.
#[derive(Debug, Clone)]
pub struct CallScope(pub(super) Option<Arc<MeshNetwork>>);

impl CallScope {
    /// Runs a future in this scope, as [`LocalMesh::run_in_call_scope`](super::LocalMesh::run_in_call_scope).
    ///
    /// # Errors
    ///
    /// If the future panicked.
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
