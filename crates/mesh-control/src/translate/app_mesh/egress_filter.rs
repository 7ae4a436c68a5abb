//! What happens to calls that are for no backend. The rule is the mesh's and holds for all its members.
//!
//! In intercepted wiring every connection comes to the Envoy. Under `DROP_ALL` those that are for no backend are
//! closed, but for AWS's own endpoints; under `ALLOW_ALL` they go where they wanted to go. A host that is no backend, on
//! a port where backends are, is answered 404 or, under `ALLOW_ALL`, let through as well; App Mesh's own answer is not
//! documented.
//!
//! In explicit wiring only calls that are made through the Envoy come to it. Under `DROP_ALL` a host that is no backend
//! is answered 404; under `ALLOW_ALL` it is looked up and called.

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

use super::super::answer::{answer, every_path, some_of};
use super::super::envoy::{any, uint32};
use super::super::listener::Tcp;
use super::member::{Backend, Member};
use super::timeouts::{self, Timeouts};
use super::{cluster, family, names, routes};

/// Where AWS's own endpoints are called with TLS.
pub(super) const HTTPS: u16 = 443;

/// True if calls that are for no backend are let through.
pub(super) fn lets_through(member: &Member<'_>) -> bool {
    member.mesh.mesh.egress() == EgressFilterType::AllowAll
}

/// The virtual host for every host that is no backend. `whose` are the member's words for itself.
pub(super) fn other_hosts(member: &mut Member<'_>, whose: &str, backends: &[Backend<'_>]) -> VirtualHost {
    let to_other = if lets_through(member) {
        let name = names::allow_all(&member.mesh.name);
        let cluster = if member.wiring.extension.is_transparent_proxy {
            cluster::original_destination(name)
        } else {
            forward_proxy(member, name)
        };
        let name = member.add_cluster(cluster, None, "");
        let to = ClusterSpecifier::Cluster(name);
        routes::to_clusters(every_path(), to, Timeouts::of(None), None)
    } else {
        answer(
            every_path(),
            404,
            LocalReply::UnknownService,
            explanation(whose, backends),
        )
    };
    VirtualHost {
        name: "other-hosts".to_owned(),
        domains: vec!["*".to_owned()],
        routes: vec![to_other],
        ..Default::default()
    }
}

fn explanation(whose: &str, backends: &[Backend<'_>]) -> String {
    let names: Vec<String> = backends.iter().map(|backend| backend.service.to_owned()).collect();
    if names.is_empty() {
        format!("{whose} has no backends, and the mesh drops all other calls")
    } else {
        format!(
            "{whose} has the backends {}, and the mesh drops all other calls",
            some_of(&names)
        )
    }
}

/// The chains of intercepted connections to ports where no backend is.
pub(super) fn other_connections(member: &mut Member<'_>) -> (Vec<FilterChain>, Option<FilterChain>) {
    let aws = cluster::original_destination(names::amazonaws(&member.mesh.name));
    let to_aws = passing(member, aws, "amazonaws");
    let aws_chain = FilterChain {
        filter_chain_match: Some(FilterChainMatch {
            destination_port: uint32(HTTPS.into()),
            server_names: vec!["*.amazonaws.com".to_owned()],
            transport_protocol: "tls".to_owned(),
            ..Default::default()
        }),
        ..to_aws
    };
    let anywhere = lets_through(member).then(|| {
        let all = cluster::original_destination(names::allow_all(&member.mesh.name));
        passing(member, all, "mesh-allow-all")
    });
    (vec![aws_chain], anywhere)
}

fn passing(member: &mut Member<'_>, cluster: Cluster, stat_prefix: &str) -> FilterChain {
    let to = tcp_proxy::ClusterSpecifier::Cluster(member.add_cluster(cluster, None, ""));
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

/// The filter that looks up hosts before they are called; only where they are.
pub(super) fn lookup_filter(member: &Member<'_>) -> Option<HttpFilter> {
    (lets_through(member) && !member.wiring.extension.is_transparent_proxy).then(|| HttpFilter {
        name: "envoy.filters.http.dynamic_forward_proxy".to_owned(),
        config_type: Some(http_filter::ConfigType::TypedConfig(any(&FilterConfig {
            implementation_specifier: Some(ImplementationSpecifier::DnsCacheConfig(dns_cache(member))),
            ..Default::default()
        }))),
        ..Default::default()
    })
}

fn forward_proxy(member: &Member<'_>, name: String) -> Cluster {
    let config = any(&ClusterConfig {
        cluster_implementation_specifier: Some(ClusterImplementationSpecifier::DnsCacheConfig(dns_cache(member))),
        // Envoy insists on checks of certificates otherwise, and there are none: calls are plaintext.
        allow_insecure_cluster_options: true,
        ..Default::default()
    });
    Cluster {
        cluster_discovery_type: Some(ClusterDiscoveryType::ClusterType(CustomClusterType {
            name: "envoy.clusters.dynamic_forward_proxy".to_owned(),
            typed_config: Some(config),
        })),
        lb_policy: LbPolicy::ClusterProvided.into(),
        ..cluster::as_downstream(name)
    }
}

/// The filter and the cluster must agree on it.
fn dns_cache(member: &Member<'_>) -> DnsCacheConfig {
    let lookup: DnsLookupFamily = family::lookup(family::of_mesh(&member.mesh.mesh));
    DnsCacheConfig {
        name: "other-hosts".to_owned(),
        dns_lookup_family: lookup.into(),
        ..Default::default()
    }
}
