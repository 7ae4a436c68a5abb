//! Everything that is true for all Envoys: namespaces, who belongs to them, and which tasks serve them.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use mesh_model::namespace::Namespace;

use crate::node::ServiceIdentity;

/// Everything that is true for all Envoys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct World {
    /// The Service Connect namespaces, by name.
    pub namespaces: BTreeMap<String, Namespace>,
    /// The services that take part in Service Connect, and in which namespace.
    pub members: BTreeMap<ServiceIdentity, String>,
    /// The tasks that serve an endpoint and are fit to, by namespace and discovery name.
    pub instances: BTreeMap<(String, String), Vec<Instance>>,
}

/// A task that serves an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instance {
    /// Its id in Cloud Map.
    pub id: String,
    /// Where other tasks' Envoys reach it: its Envoy's ingress listener.
    pub address: SocketAddr,
}

impl World {
    /// The tasks that serve an endpoint of a namespace.
    #[must_use]
    pub fn instances_of(&self, namespace: &str, discovery_name: &str) -> &[Instance] {
        self.instances
            .get(&(namespace.to_owned(), discovery_name.to_owned()))
            .map_or(&[], Vec::as_slice)
    }
}
