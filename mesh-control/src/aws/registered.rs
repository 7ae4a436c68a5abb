//! What a mesh wants to know of Cloud Map, and what follows from the answer. Pure.
//!
//! Only instances that are healthy serve, or whose service has no health check. So App Mesh did: new tasks got no
//! requests before Cloud Map called them healthy (an author of AWS's examples, subfuzion/enable-appmesh issue 5, read
//! 2026-11-23). The alternative, all of them when none is healthy, would send the first tasks of a service requests
//! before they are ready, since ECS registers tasks as unhealthy until their health check succeeds.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use mesh_model::app_mesh::Topology;
use mesh_model::app_mesh::virtual_node::ServiceDiscovery;

use crate::world::NodeInstance;

/// A service of Cloud Map. Printed as `SERVICE.NAMESPACE`.
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

/// What a mesh wants to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The services of virtual nodes that are found by Cloud Map.
    pub(crate) services: BTreeSet<Service>,
    /// Host names of virtual nodes, and the services that they are if Cloud Map knows them.
    pub(crate) hosts: BTreeMap<String, Service>,
}

impl Wanted {
    pub(crate) fn by<'t>(meshes: impl Iterator<Item = &'t Topology>) -> Self {
        let mut wanted = Self::default();
        for node in meshes.flat_map(|mesh| mesh.virtual_nodes.values()) {
            match &node.service_discovery {
                Some(ServiceDiscovery::AwsCloudMap(cloud_map)) => {
                    wanted.services.insert(Service {
                        namespace: cloud_map.namespace_name.clone(),
                        service: cloud_map.service_name.clone(),
                    });
                }
                Some(ServiceDiscovery::Dns(dns)) => {
                    let service = service_of(&dns.hostname);
                    wanted
                        .hosts
                        .extend(service.map(|service| (dns.hostname.clone(), service)));
                }
                None => {}
            }
        }
        wanted
    }

    /// Each service once.
    pub(crate) fn all(&self) -> BTreeSet<&Service> {
        self.services.iter().chain(self.hosts.values()).collect()
    }
}

/// The service that a host name is, if its namespace is one of Cloud Map: the name up to the first dot, in the
/// namespace behind it.
fn service_of(hostname: &str) -> Option<Service> {
    if hostname.parse::<IpAddr>().is_ok() {
        return None;
    }
    let (service, namespace) = hostname.trim_end_matches('.').split_once('.')?;
    let are_names = !service.is_empty() && !namespace.is_empty();
    are_names.then(|| Service {
        namespace: namespace.to_owned(),
        service: service.to_owned(),
    })
}

/// What is known of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// Cloud Map has no such namespace, or no such service in it.
    Nothing,
    /// This task may not ask, for this reason, and nobody needs to know: the name is left to Envoy's DNS.
    NotAllowed(String),
    /// Its instances, sorted by id.
    Instances(Vec<Registered>),
}

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Registered {
    pub(crate) instance: NodeInstance,
    /// False if Cloud Map says that it is unhealthy. One of a service without a health check is healthy.
    pub(crate) is_healthy: bool,
}

impl Registered {
    /// Of what Cloud Map says. The attributes are those that ECS registers a task with (ECS developer guide, service
    /// discovery, read 2026-11-23).
    pub(crate) fn new(id: String, attributes: BTreeMap<String, String>, is_healthy: bool) -> Self {
        let addresses = ["AWS_INSTANCE_IPV4", "AWS_INSTANCE_IPV6"].into_iter();
        let addresses = addresses.filter_map(|key| attributes.get(key)?.parse().ok());
        Self {
            instance: NodeInstance {
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

impl Found {
    /// The instances that serve.
    pub(crate) fn serving(&self) -> Vec<NodeInstance> {
        let Self::Instances(all) = self else { return Vec::new() };
        let fit = all
            .iter()
            .filter(|one| one.is_healthy && !one.instance.addresses.is_empty());
        fit.map(|one| one.instance.clone()).collect()
    }

    /// The same for a host name; `None` if that is better left to DNS: because Cloud Map does not know it, or because
    /// an instance is registered without an address, as an alias of a load balancer or as a name of its own.
    pub(crate) fn host(&self) -> Option<Vec<NodeInstance>> {
        let Self::Instances(all) = self else { return None };
        let have_addresses = all.iter().all(|one| !one.instance.addresses.is_empty());
        have_addresses.then(|| self.serving())
    }

    /// What people should know of it: that it is not as somebody meant it, perhaps.
    pub(crate) fn remark(&self, service: &Service, is_host: bool) -> Option<String> {
        match self {
            Self::Nothing if !is_host => Some(format!(
                "Cloud Map has no service {service}: check the names in the virtual node, and whether the ECS service \
                 that registers there is deployed"
            )),
            Self::Nothing => None,
            Self::NotAllowed(reason) => Some(format!("{service} is left to DNS: {reason}")),
            Self::Instances(all) => {
                let without = all.iter().filter(|one| one.instance.addresses.is_empty()).count();
                let unhealthy = all.iter().filter(|one| !one.is_healthy).count();
                if without > 0 {
                    let instead = if is_host { "left to DNS" } else { "not used" };
                    Some(format!(
                        "{service}: {without} of {} instances have no address; {instead}",
                        all.len()
                    ))
                } else if unhealthy == all.len() && unhealthy > 0 {
                    Some(format!("{service}: none of {unhealthy} instances is healthy"))
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

    fn registered(id: &str, address: Option<&str>, is_healthy: bool) -> Registered {
        let attributes = address.map(|address| ("AWS_INSTANCE_IPV4".to_owned(), address.to_owned()));
        Registered::new(id.to_owned(), attributes.into_iter().collect(), is_healthy)
    }

    fn ids(instances: &[NodeInstance]) -> Vec<&str> {
        instances.iter().map(|instance| instance.id.as_str()).collect()
    }

    fn service() -> Service {
        service_of("blue.appmesh").expect("a service")
    }

    #[test]
    fn a_host_name_is_a_service_in_the_namespace_behind_its_first_dot() {
        let name = |hostname| service_of(hostname).map(|service| (service.service, service.namespace));
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
    fn only_the_healthy_serve_and_nobody_if_none_is() {
        let mixed = Found::Instances(vec![
            registered("a", Some("10.0.0.1"), true),
            registered("b", Some("10.0.0.2"), false),
        ]);
        assert_eq!(ids(&mixed.serving()), ["a"]);
        assert_eq!(mixed.host(), Some(mixed.serving()));
        assert_eq!(mixed.remark(&service(), true), None);
        let ill = Found::Instances(vec![registered("b", Some("10.0.0.2"), false)]);
        assert_eq!(ill.host(), Some(vec![]));
        let remark = ill.remark(&service(), true).expect("worth a word");
        assert_eq!(remark, "blue.appmesh: none of 1 instances is healthy");
    }

    #[test]
    fn a_name_that_cloud_map_cannot_resolve_is_left_to_dns() {
        assert_eq!(Found::Nothing.host(), None);
        assert_eq!(Found::NotAllowed("denied".to_owned()).host(), None);
        let alias = Found::Instances(vec![registered("lb", None, true)]);
        assert_eq!(alias.host(), None);
        assert!(alias.serving().is_empty());
        assert!(Found::Nothing.remark(&service(), false).is_some());
        assert!(Found::Nothing.remark(&service(), true).is_none());
    }

    #[test]
    fn an_instance_has_an_address_of_each_family_at_most() {
        let attributes = [
            ("AWS_INSTANCE_IPV4", "10.0.0.1"),
            ("AWS_INSTANCE_IPV6", "fd00::1"),
            ("AWS_INSTANCE_PORT", "80"),
        ];
        let attributes = attributes.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let instance = Registered::new("a".to_owned(), attributes.into(), true).instance;
        assert_eq!(instance.addresses.len(), 2);
        assert_eq!(instance.attributes["AWS_INSTANCE_PORT"], "80");
        assert!(instance.ingress.is_empty());
    }
}
