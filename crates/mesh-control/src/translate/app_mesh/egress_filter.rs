//! The egress filter: connections and requests to hosts that are no backend. The mesh configures it for all its nodes.
//!
//! With a transparent proxy, every connection reaches the Envoy. Under `DROP_ALL`, connections to other hosts are
//! closed, except AWS's own endpoints; under `ALLOW_ALL` they pass. Requests to another host on the port of a backend
//! get 404 or, under `ALLOW_ALL`, pass as well; App Mesh's own behaviour is not documented.
//!
//! With an explicit proxy, only calls through the Envoy reach it. Under `DROP_ALL`, another host gets 404; under
//! `ALLOW_ALL` it is resolved and called.

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{
    ClusterDiscoveryType, CustomClusterType, DnsLookupFamily, LbPolicy,
};
use envoy_types::pb::envoy::config::listener::v3::{FilterChain, FilterChainMatch};
use envoy_types::pb::envoy::config::route::v3::VirtualHost;
use envoy_types::pb::envoy::config::route::v3::route_action::ClusterSpecifier;
use envoy_types::pb::envoy::extensions::clusters::dynamic_forward_proxy::v3::ClusterConfig;
use envoy_types::pb::envoy::extensions::clusters::dynamic_forward_proxy::v3::cluster_config::ClusterImplementationSpecifier;
use envoy_types::pb::envoy::extensions::common::dynamic_forward_proxy::v3::DnsCacheConfig;
use envoy_types::pb::envoy::extensions::filters::http::dynamic_forward_proxy::v3::FilterConfig;
use envoy_types::pb::envoy::extensions::filters::http::dynamic_forward_proxy::v3::filter_config::ImplementationSpecifier;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{HttpFilter, http_filter};
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy;
use mesh_model::app_mesh::mesh::EgressFilterType;
use sidecar_contract::LocalReply;

use super::super::direct_response::{abbreviated, direct_response, match_all};
use super::super::envoy::{any, uint32};
use super::super::listener::Tcp;
use super::context::{Backend, NodeContext};
use super::timeouts::{self, Timeouts};
use super::{cluster, ip_preference, names, routes};

/// The TLS port of AWS's own endpoints.
pub(super) const HTTPS: u16 = 443;

/// True if the egress filter is `ALLOW_ALL`.
pub(super) fn allows_all(context: &NodeContext<'_>) -> bool {
    context.mesh.mesh.egress() == EgressFilterType::AllowAll
}

/// The virtual host for every other host. `owner` names the node.
pub(super) fn unknown_hosts(context: &mut NodeContext<'_>, owner: &str, backends: &[Backend<'_>]) -> VirtualHost {
    let to_other = if allows_all(context) {
        let name = names::allow_all(&context.mesh.name);
        let cluster = if context.metadata.extension.is_transparent_proxy {
            cluster::original_destination(name, context.state.header_limits)
        } else {
            forward_proxy(context, name)
        };
        let name = context.add_cluster(cluster, None, "");
        let to = ClusterSpecifier::Cluster(name);
        routes::to_clusters(match_all(), to, Timeouts::of(None), None)
    } else {
        direct_response(
            match_all(),
            404,
            LocalReply::UnknownService,
            explanation(owner, backends),
        )
    };
    VirtualHost {
        name: "other-hosts".to_owned(),
        domains: vec!["*".to_owned()],
        routes: vec![to_other],
        ..Default::default()
    }
}

fn explanation(owner: &str, backends: &[Backend<'_>]) -> String {
    let names: Vec<String> = backends.iter().map(|backend| backend.service.to_owned()).collect();
    if names.is_empty() {
        format!("{owner} has no backends, and the mesh drops all other calls")
    } else {
        format!(
            "{owner} has the backends {}, and the mesh drops all other calls",
            abbreviated(&names)
        )
    }
}

/// The filter chains for connections to other ports.
pub(super) fn unknown_connections(context: &mut NodeContext<'_>) -> (Vec<FilterChain>, Option<FilterChain>) {
    let limits = context.state.header_limits;
    let aws = cluster::original_destination(names::amazonaws(&context.mesh.name), limits);
    let to_aws = passthrough_chain(context, aws, "amazonaws");
    let aws_chain = FilterChain {
        filter_chain_match: Some(FilterChainMatch {
            destination_port: uint32(HTTPS.into()),
            server_names: vec!["*.amazonaws.com".to_owned()],
            transport_protocol: "tls".to_owned(),
            ..Default::default()
        }),
        ..to_aws
    };
    let anywhere = allows_all(context).then(|| {
        let all = cluster::original_destination(names::allow_all(&context.mesh.name), limits);
        passthrough_chain(context, all, "mesh-allow-all")
    });
    (vec![aws_chain], anywhere)
}

fn passthrough_chain(context: &mut NodeContext<'_>, cluster: Cluster, stat_prefix: &str) -> FilterChain {
    let to = tcp_proxy::ClusterSpecifier::Cluster(context.add_cluster(cluster, None, ""));
    let filter = Tcp {
        stat_prefix: format!("egress.{stat_prefix}"),
        to,
        idle_timeout: timeouts::of_tcp(None),
        attempts: 1,
        access_logs: Vec::new(),
    }
    .filter();
    super::listeners::chain(None, filter)
}

/// The dynamic forward proxy filter, where hosts are resolved.
pub(super) fn lookup_filter(context: &NodeContext<'_>) -> Option<HttpFilter> {
    (allows_all(context) && !context.metadata.extension.is_transparent_proxy).then(|| HttpFilter {
        name: "envoy.filters.http.dynamic_forward_proxy".to_owned(),
        config_type: Some(http_filter::ConfigType::TypedConfig(any(&FilterConfig {
            implementation_specifier: Some(ImplementationSpecifier::DnsCacheConfig(dns_cache(context))),
            ..Default::default()
        }))),
        ..Default::default()
    })
}

fn forward_proxy(context: &NodeContext<'_>, name: String) -> Cluster {
    let config = any(&ClusterConfig {
        cluster_implementation_specifier: Some(ClusterImplementationSpecifier::DnsCacheConfig(dns_cache(context))),
        // Envoy requires certificate checks otherwise, and there are none: calls are plaintext.
        allow_insecure_cluster_options: true,
        ..Default::default()
    });
    Cluster {
        cluster_discovery_type: Some(ClusterDiscoveryType::ClusterType(CustomClusterType {
            name: "envoy.clusters.dynamic_forward_proxy".to_owned(),
            typed_config: Some(config),
        })),
        lb_policy: LbPolicy::ClusterProvided.into(),
        ..cluster::downstream_protocol_cluster(name, context.state.header_limits)
    }
}

/// Filter and cluster must have the same one.
fn dns_cache(context: &NodeContext<'_>) -> DnsCacheConfig {
    let lookup: DnsLookupFamily = ip_preference::lookup(ip_preference::of_mesh(&context.mesh.mesh));
    DnsCacheConfig {
        name: "other-hosts".to_owned(),
        dns_lookup_family: lookup.into(),
        ..Default::default()
    }
}
