//! Whether the client has the endpoints of every cluster that it has. Pure.
//!
//! A client that reconnects sends the versions of its clusters before it subscribes to their endpoints, and listeners and
//! routes wait until it has. Only clusters that were ACKed, changed, or lost endpoints since the last check are checked.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::subscription::Subscription;

/// The clusters to be checked.
#[derive(Debug, Default)]
pub(super) struct EndpointCoverage {
    unchecked: BTreeSet<Arc<str>>,
}

impl EndpointCoverage {
    pub(super) fn add_clusters(&mut self, names: impl IntoIterator<Item = Arc<str>>) {
        self.unchecked.extend(names);
    }

    /// True if the client has ACKed or NACKed the endpoints of every cluster that it has.
    pub(super) fn is_complete(&mut self, clusters: &Subscription, endpoints: &Subscription) -> bool {
        self.unchecked.retain(|name| {
            let cluster = clusters.target().get(name).filter(|_| clusters.has_acked(name));
            let mut references = cluster.into_iter().flat_map(|cluster| cluster.references());
            references.any(|reference| !endpoints.has_responded(&reference.name))
        });
        self.unchecked.is_empty()
    }
}
