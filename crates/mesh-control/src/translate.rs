//! From the mesh's nouns to Envoy's resources. Pure: the same world and wiring give the same snapshot.

mod answer;
mod app_mesh;
mod envoy;
mod http;
mod listener;
mod retry;
mod service_connect;
mod tracing;

use xds_server::Snapshot;

pub(crate) use app_mesh::app_mesh;
pub use app_mesh::egress_clusters;
pub(crate) use service_connect::service_connect;

/// What became of one task's configuration.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Translation {
    /// The resources.
    pub(crate) snapshot: Snapshot,
    /// What could not be translated, each with the reason.
    pub(crate) notes: Vec<String>,
}
