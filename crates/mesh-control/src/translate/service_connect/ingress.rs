//! Ingress listeners.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy::ClusterSpecifier;
use mesh_model::namespace::{Namespace, ServiceConnectService};

use super::super::Translation;
use super::super::http::Manager;
use super::super::listener::{Tcp, on};
use super::{cluster, names, routes};
use crate::mesh_state::HeaderLimits;
use crate::node::{NodeMetadata, ingress_listener};

pub(super) fn translate(
    namespace: &Namespace,
    service: &str,
    (metadata, limits): (&NodeMetadata, HeaderLimits),
    translation: &mut Translation,
) {
    let mut seen: BTreeMap<&str, &ServiceConnectService> = BTreeMap::new();
    for endpoint in namespace.services_of(service) {
        if endpoint.ingress_port_override.is_some() {
            translation.notes.push(format!(
                "the IngressPortOverride of `{}` is not used: the node metadata have its listener ports",
                endpoint.discovery_name
            ));
        }
        // Two client aliases may have the same port. It has one listener, with the timeouts of the first.
        if let Some(first) = seen.get(endpoint.port_name.as_str()) {
            translation.notes.extend(timeout_conflict_note(first, endpoint));
            continue;
        }
        seen.insert(&endpoint.port_name, endpoint);
        let listener = ingress_listener(&endpoint.port_name);
        let Some(port) = metadata.listener_ports.get(&listener) else {
            translation.notes.push(format!(
                "`{}` is not served: the node metadata have no port for `{listener}`",
                endpoint.discovery_name
            ));
            continue;
        };
        let cluster_name = names::ingress_cluster(namespace, endpoint);
        let mut snapshot = std::mem::take(&mut translation.snapshot).with_cluster(&cluster::ingress(
            &cluster_name,
            endpoint,
            application(metadata, endpoint),
            limits,
        ));
        let filter = if endpoint.protocol.is_http_family() {
            let routes_name = names::ingress_routes(endpoint);
            let manager = Manager {
                stat_prefix: format!("ingress.{}.{}", endpoint.protocol, endpoint.container_port),
                routes: routes_name.clone(),
                idle_timeout: endpoint.idle_timeout,
                header_limits: limits.behind_envoy(),
                default_host: endpoint.dns_name.clone(),
                ..Default::default()
            };
            snapshot = snapshot.with_routes(&routes::ingress(routes_name, cluster_name, endpoint));
            manager.filter(&metadata.extension)
        } else {
            Tcp {
                stat_prefix: format!("ingress.tcp.{}", endpoint.port),
                to: ClusterSpecifier::Cluster(cluster_name),
                idle_timeout: endpoint.idle_timeout,
                attempts: 1,
                access_logs: Vec::new(),
            }
            .filter()
        };
        let name = names::ingress_listener(endpoint);
        translation.snapshot = snapshot.with_listener(&on(metadata.extension.ingress_address, *port, name, filter));
    }
}

/// The address of the application for this service.
fn application(metadata: &NodeMetadata, endpoint: &ServiceConnectService) -> SocketAddr {
    let ip = metadata
        .extension
        .app_address
        .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    SocketAddr::from((ip, metadata.app_port(endpoint.container_port)))
}

fn timeout_conflict_note(first: &ServiceConnectService, endpoint: &ServiceConnectService) -> Option<String> {
    let same = first.idle_timeout == endpoint.idle_timeout && first.per_request_timeout == endpoint.per_request_timeout;
    (!same).then(|| {
        format!(
            "the timeouts of `{}` hold only for its callers: `{}` has the same port, whose listener has the timeouts of the latter",
            endpoint.discovery_name, first.discovery_name
        )
    })
}
