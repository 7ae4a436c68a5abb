//! The mesh state: namespaces, meshes, and the endpoints that serve them. Input of translation, the same for all Envoys.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use envoy_bootstrap::ServiceIdentity;
use mesh_model::app_mesh::Topology;
use mesh_model::app_mesh::listener::Listener;
use mesh_model::load_balancer::{LoadBalancer, TargetGroup};
use mesh_model::namespace::Namespace;

use crate::certificates::Certificates;

/// The state of all namespaces and meshes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MeshState {
    /// The Service Connect namespaces, by name.
    pub namespaces: BTreeMap<String, Namespace>,
    /// The namespace of each Service Connect service.
    pub services: BTreeMap<ServiceIdentity, String>,
    /// The healthy endpoints of Service Connect, by namespace and discovery name.
    pub endpoints: BTreeMap<(String, String), Vec<Endpoint>>,
    /// The meshes of App Mesh, by name.
    pub meshes: BTreeMap<String, Topology>,
    /// Listeners of virtual nodes besides those of the specification, by mesh and virtual node: while a virtual node moves
    /// from some ports to others, it has tasks with either. No traffic is routed to these ports.
    pub extra_listeners: BTreeMap<(String, String), Vec<Listener>>,
    /// The endpoints of virtual nodes with Cloud Map discovery, by namespace and service.
    pub node_endpoints: BTreeMap<(String, String), Vec<NodeEndpoint>>,
    /// The endpoints of virtual nodes with DNS discovery, by host name, where they are known: where tasks share an address
    /// and differ by port, DNS could not express it. Envoy resolves other names by DNS.
    pub dns_endpoints: BTreeMap<String, Vec<NodeEndpoint>>,
    /// The limits of headers, for all Envoys.
    pub header_limits: HeaderLimits,
    /// The load balancers, by name.
    pub load_balancers: BTreeMap<String, LoadBalancer>,
    /// The target groups, by name.
    pub target_groups: BTreeMap<String, TargetGroup>,
    /// The registered targets, by target group.
    pub targets: BTreeMap<String, Vec<Target>>,
    /// Certificates that are sent in place of those that are configured by ARN or by path.
    pub certificates: Certificates,
}

/// What an Envoy accepts from a caller. Larger or more headers get status 431.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderLimits {
    /// The size of all headers of a request, in KiB; of a response, too. Envoy allows 1 to 8192. Default, decided here: 96.
    pub kib: u32,
    /// The number of headers. Default, decided here: 1000.
    pub count: u32,
}

impl Default for HeaderLimits {
    fn default() -> Self {
        Self { kib: 96, count: 1000 }
    }
}

impl HeaderLimits {
    /// The largest size that Envoy allows.
    pub const MAX_KIB: u32 = 8192;

    /// The limits for requests that another Envoy has accepted: with room for the headers that it adds.
    #[must_use]
    pub fn behind_envoy(self) -> Self {
        Self {
            kib: self.kib.saturating_add(8).min(Self::MAX_KIB),
            count: self.count.saturating_add(50),
        }
    }
}

/// A target of a target group: a port of one task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The name of its task.
    pub id: String,
    /// Where it receives requests.
    pub address: SocketAddr,
    /// The port of its health checks, if it is another.
    pub health_check_port: Option<u16>,
    /// Whether it is deregistered and completes its requests.
    pub is_draining: bool,
}

/// An endpoint of a Service Connect service: one task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// Its instance id in Cloud Map.
    pub id: String,
    /// The ingress listener of its Envoy.
    pub address: SocketAddr,
}

/// An endpoint of a virtual node: one task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeEndpoint {
    /// Its instance id in Cloud Map.
    pub id: String,
    /// Its addresses: at most one of each family.
    pub addresses: Vec<IpAddr>,
    /// Its attributes in Cloud Map, for virtual nodes that select by attributes.
    pub attributes: BTreeMap<String, String>,
    /// The ingress listeners of its Envoy, by listener port of the virtual node. If empty, each port is at its address;
    /// otherwise it has these ports and no others.
    pub ingress: BTreeMap<u16, SocketAddr>,
}

impl MeshState {
    /// The endpoints of a Service Connect service.
    #[must_use]
    pub fn endpoints_of(&self, namespace: &str, discovery_name: &str) -> &[Endpoint] {
        self.endpoints
            .get(&(namespace.to_owned(), discovery_name.to_owned()))
            .map_or(&[], Vec::as_slice)
    }

    /// The endpoints that are registered in a Cloud Map service.
    #[must_use]
    pub fn node_endpoints_of(&self, namespace: &str, service: &str) -> &[NodeEndpoint] {
        self.node_endpoints
            .get(&(namespace.to_owned(), service.to_owned()))
            .map_or(&[], Vec::as_slice)
    }
}
