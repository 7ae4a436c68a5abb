//! Cloud Map discovery: the services that a mesh requires, and their endpoints. Pure.
//!
//! Instances are used if they are healthy, or if their service has no health check. So did App Mesh: new tasks got no
//! requests before Cloud Map reported them as healthy (an author of AWS's examples, subfuzion/enable-appmesh issue 5,
//! read 2026-11-23).
//!
//! If no instance is healthy and one was before, all are used. That happens at every rolling replacement: Cloud Map
//! changes the status about 30 s after ECS has reported a new task as healthy (Cloud Map API reference,
//! `HealthCheckCustomConfig`, `FailureThreshold`), and ECS deregisters the old one at once (aws/containers-roadmap
//! issues 449 and 830). AWS has the same as `HEALTHY_OR_ELSE_ALL`, "failing open" (Cloud Map API reference,
//! `DiscoverInstances`; all read 2026-11-23). If none was healthy before, none is used: ECS registers the first tasks
//! as unhealthy until their health check succeeds, and they are not ready.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use mesh_model::app_mesh::Topology;
use mesh_model::app_mesh::virtual_node::{AwsCloudMapServiceDiscovery, ServiceDiscovery};

use mesh_control::NodeEndpoint;

/// A Cloud Map service. Displayed as `SERVICE.NAMESPACE`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Service {
    pub(crate) namespace: String,
    pub(crate) service: String,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.service, self.namespace)
    }
}

impl Service {
    /// The service of a virtual node with Cloud Map discovery.
    pub(crate) fn of(discovery: &AwsCloudMapServiceDiscovery) -> Self {
        Self {
            namespace: discovery.namespace_name.clone(),
            service: discovery.service_name.clone(),
        }
    }

    /// The service of a host name, if its namespace is in Cloud Map: the name up to the first dot, in the namespace
    /// behind it.
    pub(crate) fn of_host(hostname: &str) -> Option<Self> {
        if hostname.parse::<IpAddr>().is_ok() {
            return None;
        }
        let (service, namespace) = hostname.trim_end_matches('.').split_once('.')?;
        let are_names = !service.is_empty() && !namespace.is_empty();
        are_names.then(|| Self {
            namespace: namespace.to_owned(),
            service: service.to_owned(),
        })
    }
}

/// Cloud Map discovery: the services that a mesh requires, and their endpoints. Pure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RequiredServices {
    /// The services of virtual nodes with Cloud Map discovery.
    pub(crate) services: BTreeSet<Service>,
    /// Host names of virtual nodes, with their services if Cloud Map has them.
    pub(crate) hosts: BTreeMap<String, Service>,
}

impl RequiredServices {
    pub(crate) fn of<'t>(meshes: impl Iterator<Item = &'t Topology>) -> Self {
        let mut wanted = Self::default();
        for node in meshes.flat_map(|mesh| mesh.virtual_nodes.values()) {
            match &node.service_discovery {
                Some(ServiceDiscovery::AwsCloudMap(cloud_map)) => {
                    wanted.services.insert(Service::of(cloud_map));
                }
                Some(ServiceDiscovery::Dns(dns)) => {
                    let service = Service::of_host(&dns.hostname);
                    wanted
                        .hosts
                        .extend(service.map(|service| (dns.hostname.clone(), service)));
                }
                None => {}
            }
        }
        wanted
    }

    /// All services, without duplicates.
    pub(crate) fn all(&self) -> BTreeSet<&Service> {
        self.services.iter().chain(self.hosts.values()).collect()
    }
}

/// The discovered instances of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Discovery {
    /// Cloud Map has no such namespace or service.
    NotFound,
    /// Querying is denied, and not required: the name is resolved by Envoy's DNS.
    Denied(String),
    /// Its instances, sorted by id.
    Instances(Vec<Instance>),
}

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instance {
    pub(crate) instance: NodeEndpoint,
    /// False if Cloud Map reports it as unhealthy. An instance of a service without a health check is healthy.
    pub(crate) is_healthy: bool,
}

impl Instance {
    /// From Cloud Map's response. The attributes are those of ECS (ECS developer guide, service discovery, read
    /// 2026-11-23).
    pub(crate) fn new(id: String, attributes: BTreeMap<String, String>, is_healthy: bool) -> Self {
        let addresses = ["AWS_INSTANCE_IPV4", "AWS_INSTANCE_IPV6"].into_iter();
        let addresses = addresses.filter_map(|key| attributes.get(key)?.parse().ok());
        Self {
            instance: NodeEndpoint {
                id,
                addresses: addresses.collect(),
                attributes,
                // Each port is at the task's own address.
                ingress: BTreeMap::new(),
            },
            is_healthy,
        }
    }
}

impl Discovery {
    /// The instances with an address, healthy or not.
    fn callable(&self) -> impl Iterator<Item = &Instance> {
        let all = match self {
            Self::Instances(all) => all.as_slice(),
            Self::NotFound | Self::Denied(_) => &[],
        };
        all.iter().filter(|one| !one.instance.addresses.is_empty())
    }

    /// The healthy instances.
    pub(crate) fn healthy(&self) -> impl Iterator<Item = &NodeEndpoint> {
        let healthy = self.callable().filter(|one| one.is_healthy);
        healthy.map(|one| &one.instance)
    }

    /// Whether an instance is unhealthy.
    pub(crate) fn has_unhealthy(&self) -> bool {
        self.callable().any(|one| !one.is_healthy)
    }

    /// The instances to use: the healthy ones; all if there is none, provided that one `was_healthy` before.
    pub(crate) fn serving(&self, was_healthy: bool) -> Vec<NodeEndpoint> {
        let healthy: Vec<NodeEndpoint> = self.healthy().cloned().collect();
        if healthy.is_empty() && was_healthy {
            return self.callable().map(|one| one.instance.clone()).collect();
        }
        healthy
    }

    /// Whether a host name is resolved by Cloud Map; otherwise by DNS: because Cloud Map does not have it, or because
    /// an instance has no address, as an alias of a load balancer or a CNAME.
    pub(crate) fn is_for_host(&self) -> bool {
        match self {
            Self::Instances(all) => all.iter().all(|one| !one.instance.addresses.is_empty()),
            Self::NotFound | Self::Denied(_) => false,
        }
    }

    /// The note for the status page about unexpected states.
    pub(crate) fn note(&self, service: &Service, is_host: bool, was_healthy: bool) -> Option<String> {
        match self {
            Self::NotFound if !is_host => Some(format!(
                "Cloud Map has no service {service}: check the names in the virtual node, and whether the ECS service \
                 that registers there is deployed"
            )),
            Self::NotFound => None,
            Self::Denied(reason) => Some(format!("{service} is resolved by DNS: {reason}")),
            Self::Instances(all) => {
                let without = all.iter().filter(|one| one.instance.addresses.is_empty()).count();
                let unhealthy = all.iter().filter(|one| !one.is_healthy).count();
                if without > 0 {
                    let fallback = if is_host { "resolved by DNS" } else { "not used" };
                    Some(format!(
                        "{service}: {without} of {} instances have no address; {fallback}",
                        all.len()
                    ))
                } else if unhealthy == all.len() && unhealthy > 0 {
                    let fallback = if was_healthy {
                        "one was before, so all are used"
                    } else {
                        "none was yet, so none is used"
                    };
                    Some(format!(
                        "{service}: none of {unhealthy} instances is healthy; {fallback}"
                    ))
                } else {
                    None
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered(id: &str, address: Option<&str>, is_healthy: bool) -> Instance {
        let attributes = address.map(|address| ("AWS_INSTANCE_IPV4".to_owned(), address.to_owned()));
        Instance::new(id.to_owned(), attributes.into_iter().collect(), is_healthy)
    }

    fn ids(instances: &[NodeEndpoint]) -> Vec<&str> {
        instances.iter().map(|instance| instance.id.as_str()).collect()
    }

    fn service() -> Service {
        Service::of_host("blue.appmesh").expect("a service")
    }

    #[test]
    fn a_host_name_is_a_service_in_the_namespace_behind_its_first_dot() {
        let name = |hostname| Service::of_host(hostname).map(|service| (service.service, service.namespace));
        let blue = Some(("blue".to_owned(), "appmesh".to_owned()));
        assert_eq!(name("blue.appmesh"), blue);
        assert_eq!(name("blue.appmesh."), blue);
        assert_eq!(
            name("db.eu.example.com"),
            Some(("db".to_owned(), "eu.example.com".to_owned()))
        );
        for other in ["localhost", "127.0.0.1", "::1", ".appmesh", "blue."] {
            assert_eq!(name(other), None, "{other}");
        }
    }

    #[test]
    fn only_the_healthy_serve_and_all_if_none_is_any_more() {
        let mixed = Discovery::Instances(vec![
            registered("a", Some("10.0.0.1"), true),
            registered("b", Some("10.0.0.2"), false),
        ]);
        for was_healthy in [false, true] {
            assert_eq!(ids(&mixed.serving(was_healthy)), ["a"]);
            assert_eq!(mixed.note(&service(), true, was_healthy), None);
        }
        assert!(mixed.is_for_host() && mixed.has_unhealthy());
        let ill = Discovery::Instances(vec![registered("b", Some("10.0.0.2"), false)]);
        assert_eq!(ids(&ill.serving(false)), Vec::<&str>::new());
        assert_eq!(ids(&ill.serving(true)), ["b"]);
        assert_eq!(ill.healthy().count(), 0);
        assert_eq!(
            ill.note(&service(), true, false).expect("a note"),
            "blue.appmesh: none of 1 instances is healthy; none was yet, so none is used"
        );
        assert_eq!(
            ill.note(&service(), true, true).expect("a note"),
            "blue.appmesh: none of 1 instances is healthy; one was before, so all are used"
        );
    }

    #[test]
    fn a_name_that_cloud_map_cannot_resolve_is_left_to_dns() {
        assert!(!Discovery::NotFound.is_for_host());
        assert!(!Discovery::Denied("denied".to_owned()).is_for_host());
        let alias = Discovery::Instances(vec![registered("lb", None, true)]);
        assert!(!alias.is_for_host());
        assert!(alias.serving(true).is_empty());
        assert!(Discovery::NotFound.note(&service(), false, true).is_some());
        assert!(Discovery::NotFound.note(&service(), true, true).is_none());
    }

    #[test]
    fn an_instance_has_an_address_of_each_family_at_most() {
        let attributes = [
            ("AWS_INSTANCE_IPV4", "10.0.0.1"),
            ("AWS_INSTANCE_IPV6", "fd00::1"),
            ("AWS_INSTANCE_PORT", "80"),
        ];
        let attributes = attributes.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let instance = Instance::new("a".to_owned(), attributes.into(), true).instance;
        assert_eq!(instance.addresses.len(), 2);
        assert_eq!(instance.attributes["AWS_INSTANCE_PORT"], "80");
        assert!(instance.ingress.is_empty());
    }
}
