//! Options of a control plane on AWS.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mesh_control::{Authenticator, HeaderLimits, ServerTls};

use crate::config_store::ConfigStore;
use crate::endpoint_discovery::ApiMeshes;
use crate::endpoint_policy::EndpointPolicy;
use crate::poll_budget::PollIntervals;

/// The meshes to serve, and how to poll AWS.
#[derive(Debug, Clone)]
pub struct Options {
    /// The names of the meshes in Parameter Store.
    pub meshes: BTreeSet<String>,
    /// Meshes that App Mesh's API has: now, and after each change. Default: none.
    pub api_meshes: Option<ApiMeshes>,
    /// Ids or ARNs of Cloud Map namespaces, by name: for a namespace with a name that another namespace had before. Cloud
    /// Map then requires an HTTP name with a hash, which it returns for the id. Default: none.
    pub namespaces: BTreeMap<String, String>,
    /// The poll intervals.
    pub intervals: PollIntervals,
    /// Which addresses endpoints may have. Default: all that a task can have.
    pub endpoints: EndpointPolicy,
    /// The limits of headers that the Envoys accept.
    pub header_limits: HeaderLimits,
    /// TLS of the xDS port. Default: none.
    pub xds_tls: Option<ServerTls>,
    /// Who may use the xDS port. Default: everybody who reaches it.
    pub xds_authenticator: Option<Arc<dyn Authenticator>>,
    /// Where configurations that Envoys have accepted are stored. Default: nowhere.
    pub store: Option<ConfigStore>,
    /// The id under which this replica publishes its status for [`SyncReader`], unique among replicas, such as a
    /// [`replica_id`]. Default: none, and nothing is published.
    ///
    /// [`SyncReader`]: crate::SyncReader
    /// [`replica_id`]: crate::replica_id
    pub publish_as: Option<String>,
}

impl Options {
    /// Serves these meshes with the default intervals, and publishes nothing.
    pub fn new(meshes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            meshes: meshes.into_iter().map(Into::into).collect(),
            api_meshes: None,
            namespaces: BTreeMap::new(),
            intervals: PollIntervals::default(),
            endpoints: EndpointPolicy::default(),
            header_limits: HeaderLimits::default(),
            xds_tls: None,
            xds_authenticator: None,
            store: None,
            publish_as: None,
        }
    }
}
