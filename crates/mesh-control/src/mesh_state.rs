//! Everything that is true for all Envoys: namespaces and meshes, who belongs to them, and which tasks serve them.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use mesh_model::app_mesh::Topology;
use mesh_model::app_mesh::listener::Listener;
use mesh_model::namespace::Namespace;

use crate::node::ServiceIdentity;

/// Everything that is true for all Envoys.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MeshState {
    /// The Service Connect namespaces, by name.
    pub namespaces: BTreeMap<String, Namespace>,
    /// The services that take part in Service Connect, and in which namespace.
    pub services: BTreeMap<ServiceIdentity, String>,
    /// The tasks that serve a Service Connect endpoint and are fit to, by namespace and discovery name.
    pub endpoints: BTreeMap<(String, String), Vec<Endpoint>>,
    /// The meshes of App Mesh, by name.
    pub meshes: BTreeMap<String, Topology>,
    /// What tasks of virtual nodes listen on beside what their virtual node says, by mesh and virtual node: while it moves
    /// from some ports to others, tasks of both kinds are there. Nobody is sent to these ports because of that.
    pub extra_listeners: BTreeMap<(String, String), Vec<Listener>>,
    /// The tasks behind virtual nodes that are found by Cloud Map and are fit to serve, by namespace and service.
    pub node_endpoints: BTreeMap<(String, String), Vec<NodeEndpoint>>,
    /// Host names of virtual nodes whose tasks are known here, so that Envoys are told of them and need not ask
    /// DNS: where tasks share an address and are told apart by port, DNS could not say where they are. Names that
    /// are not here are left to DNS.
    pub dns_endpoints: BTreeMap<String, Vec<NodeEndpoint>>,
}

/// A task that serves a Service Connect endpoint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// Its id in Cloud Map.
    pub id: String,
    /// Where other tasks' Envoys reach it: its Envoy's ingress listener.
    pub address: SocketAddr,
}

/// A task behind a virtual node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeEndpoint {
    /// Its id in Cloud Map.
    pub id: String,
    /// Its addresses: at most one of each family.
    pub addresses: Vec<IpAddr>,
    /// What Cloud Map knows of it, for virtual nodes that ask for attributes.
    pub attributes: BTreeMap<String, String>,
    /// Where its Envoy takes requests, by the port of the virtual node's listener. If it is empty, each port is at its
    /// address; otherwise it has these ports and no others.
    pub ingress: BTreeMap<u16, SocketAddr>,
}

impl MeshState {
    /// The tasks that serve an endpoint of a namespace.
    #[must_use]
    pub fn endpoints_of(&self, namespace: &str, discovery_name: &str) -> &[Endpoint] {
        self.endpoints
            .get(&(namespace.to_owned(), discovery_name.to_owned()))
            .map_or(&[], Vec::as_slice)
    }

    /// The tasks that are registered in Cloud Map under a service of a namespace.
    #[must_use]
    pub fn node_endpoints_of(&self, namespace: &str, service: &str) -> &[NodeEndpoint] {
        self.node_endpoints
            .get(&(namespace.to_owned(), service.to_owned()))
            .map_or(&[], Vec::as_slice)
    }
}
