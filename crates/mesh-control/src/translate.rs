//! Translation: from mesh state and node metadata to Envoy's resources. Pure: the same input gives the same snapshot.

mod app_mesh;
mod direct_response;
mod envoy;
mod http;
mod listener;
mod load_balancer;
mod retry;
mod service_connect;
mod tls;
mod tracing;

use xds_server::Snapshot;

pub(crate) use app_mesh::app_mesh;
pub use app_mesh::egress_clusters;
pub(crate) use load_balancer::load_balancer;
pub(crate) use service_connect::service_connect;

/// The translated configuration of one node.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Translation {
    /// The resources.
    pub(crate) snapshot: Snapshot,
    /// The parts that are not translated, each with the reason.
    pub(crate) notes: Vec<String>,
}
