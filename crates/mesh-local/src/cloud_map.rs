//! A local Cloud Map: registers tasks in the control plane's mesh state and in DNS.

use std::net::SocketAddr;

use mesh_control::{ControlPlane, Endpoint, MeshState, NodeEndpoint};

use crate::network::{DnsInstance, DnsNames};
use crate::plan::{CNAME, CloudMapService};

/// The registry. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct CloudMap {
    control: ControlPlane,
    /// The DNS records, in [`Network::Namespaces`](crate::Network::Namespaces).
    names: Option<DnsNames>,
}

/// One task's entry.
#[derive(Debug, Clone)]
pub(crate) enum Registration {
    /// As an endpoint of Service Connect.
    Endpoint {
        /// The namespace's name.
        namespace: String,
        /// The endpoint's discovery name.
        discovery_name: String,
        /// The ingress address of the task's Envoy.
        address: SocketAddr,
    },
    /// As an instance of a Cloud Map service.
    Service {
        /// The service.
        service: CloudMapService,
        /// The task.
        instance: NodeEndpoint,
    },
}

/// A task's entries, which are removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Registered {
    map: CloudMap,
    instance: String,
}

impl CloudMap {
    pub(crate) fn new(control: ControlPlane, names: Option<DnsNames>) -> Self {
        Self { control, names }
    }

    /// Registers a task with all its entries at once.
    pub(crate) fn register(&self, instance: &str, registrations: &[Registration]) -> Registered {
        self.control.update(|state| {
            for registration in registrations {
                registration.enter(instance, state);
            }
            self.publish(state);
        });
        Registered {
            map: self.clone(),
            instance: instance.to_owned(),
        }
    }

    /// Updates DNS after another change of the mesh state.
    pub(crate) fn publish_now(&self) {
        // Under the state's lock, so that it does not run between another change and its publication.
        self.control.update(|state| self.publish(state));
    }

    /// Updates DNS to the registered tasks.
    fn publish(&self, state: &MeshState) {
        let Some(names) = &self.names else { return };
        let dns_instance = |instance: &NodeEndpoint| {
            let attribute = |name: &str| instance.attributes.get(name);
            DnsInstance {
                id: instance.id.clone(),
                addresses: instance.addresses.clone(),
                port: attribute("AWS_INSTANCE_PORT").and_then(|port| port.parse().ok()),
                cname: attribute(CNAME).cloned(),
            }
        };
        let names_of = state.dns_endpoints.iter();
        names.set_instances(names_of.map(|(name, instances)| (name, instances.iter().map(dns_instance).collect())));
    }
}

impl Registration {
    fn enter(&self, task: &str, state: &mut MeshState) {
        match self {
            Self::Endpoint {
                namespace,
                discovery_name,
                address,
            } => {
                let key = (namespace.clone(), discovery_name.clone());
                let instance = Endpoint {
                    id: task.to_owned(),
                    address: *address,
                };
                insert(state.endpoints.entry(key).or_default(), instance);
            }
            Self::Service { service, instance } => {
                let key = (service.namespace.clone(), service.service.clone());
                insert(state.node_endpoints.entry(key).or_default(), instance.clone());
                if let Some(hostname) = service.hostname() {
                    insert(state.dns_endpoints.entry(hostname).or_default(), instance.clone());
                }
            }
        }
    }
}

/// Inserts in sorted order, so that the order of registration does not change the snapshot's version.
fn insert<T: Ord>(instances: &mut Vec<T>, instance: T) {
    instances.push(instance);
    instances.sort();
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.map.control.update(|state| {
            for instances in state.endpoints.values_mut() {
                instances.retain(|instance| instance.id != self.instance);
            }
            // Names without tasks stay known to the control plane; DNS has no records for them.
            for instances in state
                .node_endpoints
                .values_mut()
                .chain(state.dns_endpoints.values_mut())
            {
                instances.retain(|instance| instance.id != self.instance);
            }
            self.map.publish(state);
        });
    }
}

#[cfg(test)]
mod tests;
