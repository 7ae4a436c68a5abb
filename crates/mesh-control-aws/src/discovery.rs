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

use mesh_model::app_mesh::virtual_node::{AwsCloudMapServiceDiscovery, ServiceDiscovery};
use mesh_model::app_mesh::{Topology, VirtualNodeSpec};

use mesh_control::NodeEndpoint;

use crate::endpoint_policy::EndpointPolicy;

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
        Self::of_nodes(meshes.flat_map(|mesh| mesh.virtual_nodes.values()))
    }

    /// Those of these virtual nodes.
    pub(crate) fn of_nodes<'t>(nodes: impl Iterator<Item = &'t VirtualNodeSpec>) -> Self {
        let mut required = Self::default();
        for node in nodes {
            match &node.service_discovery {
                Some(ServiceDiscovery::AwsCloudMap(cloud_map)) => {
                    required.services.insert(Service::of(cloud_map));
                }
                Some(ServiceDiscovery::Dns(dns)) => {
                    let service = Service::of_host(&dns.hostname);
                    required
                        .hosts
                        .extend(service.map(|service| (dns.hostname.clone(), service)));
                }
                None => {}
            }
        }
        required
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
    /// Addresses that are not used, each with the reason.
    pub(crate) rejected: Vec<String>,
}

impl Instance {
    /// From Cloud Map's response. The attributes are those of ECS (ECS developer guide, service discovery, read
    /// 2026-11-23). Anyone who may register instances can write them, so addresses are checked against `policy`.
    pub(crate) fn new(
        id: String,
        attributes: BTreeMap<String, String>,
        is_healthy: bool,
        policy: &EndpointPolicy,
    ) -> Self {
        let texts = ["AWS_INSTANCE_IPV4", "AWS_INSTANCE_IPV6"].into_iter();
        let (mut addresses, mut rejected) = (Vec::new(), Vec::new());
        for text in texts.filter_map(|key| attributes.get(key)) {
            let Ok(address) = text.parse() else {
                rejected.push(format!("`{}`, which is not an IP address", text.escape_debug()));
                continue;
            };
            match policy.reject(address) {
                Some(reason) => rejected.push(format!("{address}, which is {reason}")),
                None => addresses.push(address),
            }
        }
        Self {
            rejected,
            instance: NodeEndpoint {
                id,
                addresses,
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

    /// The number of registered instances.
    pub(crate) fn registered(&self) -> usize {
        match self {
            Self::Instances(all) => all.len(),
            Self::NotFound | Self::Denied(_) => 0,
        }
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
    /// no instance has an address, as an alias of a load balancer or a CNAME. One broken instance does not move the
    /// others to DNS, and a rejected address must not come back through DNS.
    pub(crate) fn is_for_host(&self) -> bool {
        let has_address = |one: &Instance| !one.instance.addresses.is_empty() || !one.rejected.is_empty();
        match self {
            Self::Instances(all) => all.is_empty() || all.iter().any(has_address),
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
                let mut rejected = all.iter().filter(|one| !one.rejected.is_empty());
                if let Some(first) = rejected.next() {
                    let more = match rejected.count() {
                        0 => String::new(),
                        more => format!("; {more} more rejected"),
                    };
                    Some(format!(
                        "{service}: instance {} is registered with {}; not used{more}",
                        first.instance.id.escape_debug(),
                        first.rejected.join(", ")
                    ))
                } else if without > 0 {
                    let is_left_to_dns = is_host && !self.is_for_host();
                    let fallback = if is_left_to_dns { "resolved by DNS" } else { "not used" };
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
        Instance::new(
            id.to_owned(),
            attributes.into_iter().collect(),
            is_healthy,
            &EndpointPolicy::default(),
        )
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
    fn an_address_that_no_task_can_have_is_not_used_and_not_left_to_dns() {
        let all = Discovery::Instances(vec![
            registered("bad", Some("169.254.169.254"), true),
            registered("forged\n2026 INFO", Some("127.0.0.1"), true),
            registered("good", Some("10.0.0.1"), true),
        ]);
        assert_eq!(ids(&all.serving(true)), ["good"]);
        assert!(all.is_for_host());
        assert_eq!(
            all.note(&service(), true, true).expect("a note"),
            "blue.appmesh: instance bad is registered with 169.254.169.254, which is link-local, where the metadata \
             services of the host and the task are; not used; 1 more rejected"
        );
        let only_bad = Discovery::Instances(vec![registered("bad\n", Some("::ffff:169.254.170.2"), true)]);
        assert!(only_bad.is_for_host(), "DNS would return the same address");
        assert!(only_bad.serving(true).is_empty());
        let note = only_bad.note(&service(), true, true).expect("a note");
        assert!(!note.contains('\n'), "{note}");
    }

    #[test]
    fn one_instance_without_an_address_does_not_move_the_others_to_dns() {
        let all = Discovery::Instances(vec![
            registered("a", Some("10.0.0.1"), true),
            registered("b", None, true),
        ]);
        assert!(all.is_for_host());
        assert_eq!(ids(&all.serving(true)), ["a"]);
        assert_eq!(
            all.note(&service(), true, true).expect("a note"),
            "blue.appmesh: 1 of 2 instances have no address; not used"
        );
    }

    #[test]
    fn an_instance_has_an_address_of_each_family_at_most() {
        let attributes = [
            ("AWS_INSTANCE_IPV4", "10.0.0.1"),
            ("AWS_INSTANCE_IPV6", "fd00::1"),
            ("AWS_INSTANCE_PORT", "80"),
        ];
        let attributes = attributes.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let instance = Instance::new("a".to_owned(), attributes.into(), true, &EndpointPolicy::default()).instance;
        assert_eq!(instance.addresses.len(), 2);
        assert_eq!(instance.attributes["AWS_INSTANCE_PORT"], "80");
        assert!(instance.ingress.is_empty());
    }
}
