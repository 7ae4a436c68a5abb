//! Translates a Service Connect namespace to the configuration of one task's Envoy, in both traffic modes.
//!
//! ```text
//!  application ──► egress ── routes ──► one cluster per endpoint ──► peers' ingress listeners
//!  application ◄── cluster ◄─ routes ── one ingress listener per offered port ◄── peers
//! ```
//!
//! | Service Connect | Envoy as an explicit proxy | Envoy as a transparent proxy |
//! |---|---|---|
//! | endpoint of the HTTP family | virtual host in `rds_egress`, cluster `cds_egress_…` with EDS | filter chain in `lds_egress` for its virtual address and port, routes `rds_egress_…`, the same cluster |
//! | TCP endpoint | a listener of its own, if the node metadata have a port for it; else a note | filter chain in `lds_egress` |
//! | endpoint without a virtual address | no effect | a note: it cannot be called |
//! | offered port | listener `lds_ingress_…`, cluster `cds_ingress_…` to the application | the same: traffic to the container port is redirected to it |
//! | tasks of an endpoint | endpoints of its cluster | the same |
//! | `perRequestTimeoutSeconds` | route `timeout`, on both sides | the same |
//! | `idleTimeoutSeconds` | route and connection `idle_timeout`, on both sides but for the application's connections to the egress, which have the default; TCP proxy `idle_timeout` | on both sides, the application's connections too |
//! | load balancing, retries, outlier detection | see `cluster` and `routes` | the same |
//! | more than 100 services in the namespace | clusters of HTTP services are discovered on demand, at the first call; see `on_demand` | the same |
//! | the Host of a call | selects the endpoint | forwarded unchanged; the address selects the endpoint |
//! | a name the namespace does not have | local reply 404, [`sidecar_contract::LocalReply::UnknownService`] | does not reach the sidecar: it does not resolve, or resolves outside of the mesh, as in Service Connect itself |
//! | an endpoint's name, another port | the same local reply | the connection is closed |
//!
//! Envoy's resource names under Service Connect are not public; these follow App Mesh's.

mod cluster;
mod egress;
mod ingress;
mod on_demand;
mod routes;
mod transparent_proxy;

use std::collections::BTreeMap;

use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
use mesh_model::namespace::{Namespace, ServiceConnectService};

use super::{EndpointSource, Translation};
use crate::mesh_state::MeshState;
use crate::node::NodeMetadata;
use xds_server::Snapshot;

/// What a task with these node metadata needs to call the services of a namespace: the same for all its services.
pub(crate) fn translate_egress(state: &MeshState, namespace: &Namespace, metadata: &NodeMetadata) -> Translation {
    let mut translation = Translation {
        snapshot: Snapshot::new(),
        notes: Vec::new(),
        endpoints: BTreeMap::new(),
    };
    let limits = state.header_limits;
    for endpoint in &namespace.services {
        let name = names::egress_cluster(namespace, endpoint);
        let cluster = cluster::egress(&name, endpoint, limits);
        let endpoints = load_assignment(state, &namespace.name, &endpoint.discovery_name, &name);
        translation.snapshot =
            on_demand::with_cluster(translation.snapshot, namespace, endpoint, &cluster).with_endpoints(&endpoints);
        let source = EndpointSource::Service {
            namespace: namespace.name.clone(),
            discovery_name: endpoint.discovery_name.clone(),
        };
        translation.endpoints.insert(name, source);
    }
    if metadata.extension.is_transparent_proxy {
        transparent_proxy::translate(namespace, metadata, limits, &mut translation);
    } else {
        egress::translate(namespace, metadata, limits, &mut translation);
    }
    translation
}

/// What a task of `service` with these node metadata needs to be called.
pub(crate) fn translate_ingress(
    state: &MeshState,
    namespace: &Namespace,
    service: &str,
    metadata: &NodeMetadata,
) -> Translation {
    let mut translation = Translation {
        snapshot: Snapshot::new(),
        notes: Vec::new(),
        endpoints: BTreeMap::new(),
    };
    let limits = state.header_limits;
    ingress::translate(namespace, service, (metadata, limits), &mut translation);
    translation
}

/// The endpoints of a service.
pub(super) fn load_assignment(
    state: &MeshState,
    namespace: &str,
    discovery_name: &str,
    cluster: &str,
) -> ClusterLoadAssignment {
    let instances = state.endpoints_of(namespace, discovery_name);
    super::envoy::load_assignment(cluster, instances.iter().map(|instance| instance.address))
}

/// Names of Envoy's resources.
mod names {
    use super::{Namespace, ServiceConnectService};

    pub(super) fn egress_cluster(namespace: &Namespace, endpoint: &ServiceConnectService) -> String {
        cluster("egress", namespace, endpoint, endpoint.port)
    }

    pub(super) fn ingress_cluster(namespace: &Namespace, endpoint: &ServiceConnectService) -> String {
        cluster("ingress", namespace, endpoint, endpoint.container_port)
    }

    fn cluster(direction: &str, namespace: &Namespace, endpoint: &ServiceConnectService, port: u16) -> String {
        let ServiceConnectService {
            discovery_name,
            protocol,
            ..
        } = endpoint;
        format!("cds_{direction}_{}_{discovery_name}_{protocol}_{port}", namespace.name)
    }

    /// The listener for HTTP calls of the application; of a transparent proxy, for all calls.
    pub(super) const EGRESS_LISTENER: &str = "lds_egress";
    /// The routes behind it.
    pub(super) const EGRESS_ROUTES: &str = "rds_egress";

    /// The routes of one service for a transparent proxy, or of the first of several that only the Host distinguishes.
    pub(super) fn endpoint_routes(endpoint: &ServiceConnectService) -> String {
        format!("{EGRESS_ROUTES}_{}_{}", endpoint.dns_name, endpoint.port)
    }

    /// The listener for calls of the application to a TCP service.
    pub(super) fn tcp_egress_listener(endpoint: &ServiceConnectService) -> String {
        format!("lds_egress_{}_{}", endpoint.dns_name, endpoint.port)
    }

    /// The listener for calls to the application.
    pub(super) fn ingress_listener(endpoint: &ServiceConnectService) -> String {
        format!("lds_ingress_{}_{}", endpoint.protocol, endpoint.container_port)
    }

    /// The routes behind it.
    pub(super) fn ingress_routes(endpoint: &ServiceConnectService) -> String {
        format!(
            "{}{}_{}",
            crate::access_log::INBOUND_ROUTES,
            endpoint.protocol,
            endpoint.container_port
        )
    }
}

#[cfg(test)]
mod tests;
