//! On-demand discovery: in a large namespace, an Envoy gets the clusters that its application calls, at the first call.
//!
//! Every task may call every service of its namespace and calls a few. Routes are served to all; the cluster and the
//! endpoints of an HTTP service are not, if the namespace is larger than [`EAGER_SERVICES`]. The first request to a service
//! waits in the on-demand filter until the Envoy has both, at most [`TIMEOUT`]; then it gets 503. TCP has no such filter
//! chain of its own here: clusters of TCP services are served to all.
//!
//! Envoy discovers on demand in delta only. In SotW, the control plane serves all clusters to all, and the filter has no
//! effect.

use std::time::Duration;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::extensions::filters::http::on_demand::v3::{OnDemand, OnDemandCds};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{HttpFilter, http_filter};
use mesh_model::namespace::{Namespace, ServiceConnectService};
use xds_server::Snapshot;

use super::super::envoy::{any, duration, over_ads};

/// The largest number of services of a namespace whose clusters are all served to every Envoy. Decided here: a hundred
/// clusters take an Envoy a few megabytes, and no first call waits.
const EAGER_SERVICES: usize = 100;

/// The longest time that the first request to a service waits. Envoy's default.
const TIMEOUT: Duration = Duration::from_secs(5);

/// True if clusters of this namespace are discovered on demand.
fn is_on_demand(namespace: &Namespace) -> bool {
    namespace.services.len() > EAGER_SERVICES
}

/// Adds the cluster of a service at its callers.
pub(super) fn with_cluster(
    snapshot: Snapshot,
    namespace: &Namespace,
    service: &ServiceConnectService,
    cluster: &Cluster,
) -> Snapshot {
    if is_on_demand(namespace) && service.protocol.is_http_family() {
        snapshot.with_on_demand_cluster(cluster)
    } else {
        snapshot.with_cluster(cluster)
    }
}

/// The filter that waits for clusters. `None` if all are served.
pub(super) fn filter(namespace: &Namespace) -> Option<HttpFilter> {
    is_on_demand(namespace).then(|| HttpFilter {
        name: "envoy.filters.http.on_demand".to_owned(),
        config_type: Some(http_filter::ConfigType::TypedConfig(any(&OnDemand {
            odcds: Some(OnDemandCds {
                source: Some(over_ads()),
                timeout: duration(TIMEOUT),
                ..Default::default()
            }),
        }))),
        ..Default::default()
    })
}
