//! A Service Connect namespace as the configuration of one task's Envoy, in both wirings.
//!
//! ```text
//!  application ──► egress ── routes ──► one cluster per endpoint ──► peers' ingress listeners
//!  application ◄── cluster ◄─ routes ── one ingress listener per offered port ◄── peers
//! ```
//!
//! | Service Connect | Envoy, explicit wiring | Envoy, intercepted wiring |
//! |---|---|---|
//! | endpoint of the HTTP family | virtual host in `rds_egress`, cluster `cds_egress_…` with EDS | filter chain in `lds_egress` for its virtual address and port, routes `rds_egress_…`, the same cluster |
//! | TCP endpoint | listener of its own, if the task's wiring has a port for it; else a note | filter chain in `lds_egress` |
//! | endpoint without a virtual address | does not matter | a note: it cannot be called |
//! | offered port | listener `lds_ingress_…`, cluster `cds_ingress_…` to the application | the same: what comes for the container's port is redirected to it |
//! | tasks of an endpoint | endpoints of its cluster | the same |
//! | `perRequestTimeoutSeconds` | route `timeout`, on both sides | the same |
//! | `idleTimeoutSeconds` | route and connection `idle_timeout`, on both sides but for the application's connections to the egress, which have the default; TCP proxy `idle_timeout` | on both sides, the application's connections too |
//! | load balancing, retries, outlier detection | see `cluster` and `routes` | the same |
//! | the Host of a call | says which endpoint is meant | says nothing, the address does; it reaches the application as it is |
//! | a name the namespace does not have | answered 404 by the sidecar, with [`sidecar_contract::LocalReply::UnknownService`] | never comes to the sidecar: it does not resolve, or it leads out of the mesh, as under Service Connect itself |
//! | an endpoint's name, another port | answered 404 likewise | the connection is closed, without a word |
//!
//! Envoy's resource names under Service Connect are not public; these follow App Mesh's.

mod cluster;
mod egress;
mod ingress;
mod intercepted;
mod routes;

use mesh_model::namespace::{Namespace, ServiceConnectService};

use super::Translation;
use crate::mesh_state::MeshState;
use crate::node::{NodeMetadata, ServiceIdentity};
use xds_server::Snapshot;

/// The configuration of a task of `service` that is wired like this. `None` if the service takes no part in
/// Service Connect.
pub(crate) fn service_connect(
    world: &MeshState,
    service: &ServiceIdentity,
    wiring: &NodeMetadata,
) -> Option<Translation> {
    let namespace = world.namespaces.get(world.services.get(service)?)?;
    let mut translation = Translation {
        snapshot: Snapshot::new(),
        notes: Vec::new(),
    };
    for endpoint in &namespace.services {
        let name = names::egress_cluster(namespace, endpoint);
        let instances = world.endpoints_of(&namespace.name, &endpoint.discovery_name);
        translation.snapshot = translation
            .snapshot
            .with_cluster(&cluster::egress(&name, endpoint))
            .with_endpoints(&super::envoy::load_assignment(
                &name,
                instances.iter().map(|instance| instance.address),
            ));
    }
    if wiring.extension.is_transparent_proxy {
        intercepted::translate(namespace, wiring, &mut translation);
    } else {
        egress::translate(namespace, wiring, &mut translation);
    }
    ingress::translate(namespace, &service.service, wiring, &mut translation);
    Some(translation)
}

/// How Envoy's resources are called.
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

    /// The listener for HTTP calls of the application; in intercepted wiring, for all of them.
    pub(super) const EGRESS_LISTENER: &str = "lds_egress";
    /// The routes behind it.
    pub(super) const EGRESS_ROUTES: &str = "rds_egress";

    /// The routes of one endpoint in intercepted wiring, or of the first of several that only the Host tells apart.
    pub(super) fn endpoint_routes(endpoint: &ServiceConnectService) -> String {
        format!("{EGRESS_ROUTES}_{}_{}", endpoint.dns_name, endpoint.port)
    }

    /// The listener for calls of the application to a TCP endpoint.
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
