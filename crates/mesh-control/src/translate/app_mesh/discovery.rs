//! Service discovery of a virtual node.

use std::net::{IpAddr, SocketAddr};

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{
    ClusterDiscoveryType, DiscoveryType, DnsLookupFamily, EdsClusterConfig,
};
use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
use mesh_model::app_mesh::virtual_node::{AwsCloudMapServiceDiscovery, DnsResponseType, ServiceDiscovery};
use mesh_model::app_mesh::{IpPreference, VirtualNodeSpec};

use super::super::envoy::{load_assignment, named_endpoint, over_ads};
use super::context::NodeContext;
use super::ip_preference;
use crate::mesh_state::NodeEndpoint;

/// The discovery of a virtual node's endpoints, and those that are known here.
pub(super) struct Discovery {
    /// The host name, or the service and the namespace of Cloud Map.
    pub(super) name: String,
    /// The endpoints, where they are served by EDS.
    pub(super) endpoints: Option<Vec<SocketAddr>>,
    /// The port and the DNS lookup, where Envoy resolves the host name.
    dns: Option<(u16, DiscoveryType, DnsLookupFamily)>,
}

impl Discovery {
    pub(super) fn of(context: &NodeContext<'_>, spec: &VirtualNodeSpec, port: u16) -> Self {
        let preference = ip_preference::of_node(&context.mesh.mesh, spec);
        match &spec.service_discovery {
            Some(ServiceDiscovery::Dns(dns)) => match context.state.dns_endpoints.get(&dns.hostname) {
                Some(known) => Self::known(dns.hostname.clone(), known.iter(), preference, port),
                // Resolved without DNS (RFC 6761): a DNS server may not have it, and the lookup does not read /etc/hosts.
                None if is_localhost(&dns.hostname) => Self {
                    name: dns.hostname.clone(),
                    endpoints: Some(vec![SocketAddr::new(loopback(context, preference), port)]),
                    dns: None,
                },
                None => Self {
                    name: dns.hostname.clone(),
                    endpoints: None,
                    dns: Some((
                        port,
                        discovery_type(dns.response_type.unwrap_or_default()),
                        ip_preference::lookup(preference),
                    )),
                },
            },
            Some(ServiceDiscovery::AwsCloudMap(cloud_map)) => {
                let AwsCloudMapServiceDiscovery {
                    namespace_name,
                    service_name,
                    attributes,
                    ..
                } = cloud_map;
                let has_all = |instance: &&NodeEndpoint| {
                    let has = |key, value| instance.attributes.get(key) == Some(value);
                    attributes.iter().all(|wanted| has(&wanted.key, &wanted.value))
                };
                let registered = context.state.node_endpoints_of(namespace_name, service_name);
                let name = format!("{service_name}.{namespace_name}");
                Self::known(name, registered.iter().filter(has_all), preference, port)
            }
            None => Self {
                name: String::new(),
                endpoints: Some(Vec::new()),
                dns: None,
            },
        }
    }

    fn known<'i>(
        name: String,
        instances: impl Iterator<Item = &'i NodeEndpoint>,
        preference: Option<IpPreference>,
        port: u16,
    ) -> Self {
        let address = |instance: &NodeEndpoint| {
            // A task with explicit ingress ports has no others: it may be of another version of its virtual node.
            if !instance.ingress.is_empty() {
                return instance.ingress.get(&port).copied();
            }
            Some(SocketAddr::new(
                ip_preference::pick(preference, &instance.addresses)?,
                port,
            ))
        };
        Self {
            name,
            endpoints: Some(instances.filter_map(address).collect()),
            dns: None,
        }
    }

    /// The cluster with this discovery, and its endpoints if they are served by EDS.
    pub(super) fn apply_to(self, cluster: Cluster) -> (Cluster, Option<ClusterLoadAssignment>) {
        let Self { name, endpoints, dns } = self;
        if let Some((port, kind, family)) = dns {
            let assignment = named_endpoint(&cluster.name, &absolute(&name), port);
            let cluster = Cluster {
                cluster_discovery_type: Some(ClusterDiscoveryType::Type(kind.into())),
                dns_lookup_family: family.into(),
                load_assignment: Some(assignment),
                ..cluster
            };
            return (cluster, None);
        }
        let assignment = load_assignment(&cluster.name, endpoints.unwrap_or_default());
        let cluster = Cluster {
            cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::Eds.into())),
            eds_cluster_config: Some(EdsClusterConfig {
                eds_config: Some(over_ads()),
                ..Default::default()
            }),
            ..cluster
        };
        (cluster, Some(assignment))
    }
}

fn discovery_type(response: DnsResponseType) -> DiscoveryType {
    match response {
        DnsResponseType::Loadbalancer => DiscoveryType::LogicalDns,
        DnsResponseType::Endpoints => DiscoveryType::StrictDns,
    }
}

fn loopback(context: &NodeContext<'_>, preference: Option<IpPreference>) -> IpAddr {
    let application = context.metadata.extension.app_address;
    application
        .filter(IpAddr::is_loopback)
        .unwrap_or_else(|| ip_preference::application(preference))
}

/// Whether this is a name of the task itself.
fn is_localhost(hostname: &str) -> bool {
    let name = hostname.strip_suffix('.').unwrap_or(hostname).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// A name with a final dot is resolved without search domains. App Mesh wrote it so (the configuration of a real
/// gateway, read 2026-11-23).
fn absolute(hostname: &str) -> String {
    if hostname.ends_with('.') || hostname.parse::<IpAddr>().is_ok() {
        hostname.to_owned()
    } else {
        format!("{hostname}.")
    }
}
