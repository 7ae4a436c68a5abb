//! A Cloud Map for this machine: which tasks serve which endpoint or service, told to the control plane as it changes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mesh_control::{ControlPlane, Endpoint, MeshState, NodeEndpoint};

use crate::network::DnsNames;
use crate::plan::CloudMapService;

/// The registry. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct CloudMap {
    control: ControlPlane,
    /// What DNS says of it, if tasks have addresses of their own.
    names: Option<DnsNames>,
}

/// One task's entry.
#[derive(Debug, Clone)]
pub(crate) enum Registration {
    /// Under an endpoint of Service Connect.
    Endpoint {
        /// The namespace's name.
        namespace: String,
        /// The endpoint's discovery name.
        discovery_name: String,
        /// Where the task's Envoy takes requests for it.
        address: SocketAddr,
    },
    /// In a service of Cloud Map.
    Service {
        /// The service.
        service: CloudMapService,
        /// The task.
        instance: NodeEndpoint,
    },
}

/// A task's entries, which are taken away when this is dropped.
#[derive(Debug)]
pub(crate) struct Registered {
    map: CloudMap,
    instance: String,
}

impl CloudMap {
    pub(crate) fn new(control: ControlPlane, names: Option<DnsNames>) -> Self {
        Self { control, names }
    }

    /// Registers a task under everything it serves at once.
    pub(crate) fn register(&self, instance: &str, registrations: &[Registration]) -> Registered {
        self.control.update(|world| {
            for registration in registrations {
                registration.enter(instance, world);
            }
            self.publish(world);
        });
        Registered {
            map: self.clone(),
            instance: instance.to_owned(),
        }
    }

    /// Lets DNS say what is registered now, after the world was changed by somebody else.
    pub(crate) fn publish_now(&self) {
        // Not between another change and its publication.
        self.control.update(|world| self.publish(world));
    }

    /// Lets DNS say what is registered, and forget what is not.
    fn publish(&self, world: &MeshState) {
        let Some(names) = &self.names else { return };
        names.replace(world.dns_endpoints.iter().map(|(name, instances)| {
            let addresses = instances.iter().flat_map(|instance| &instance.addresses);
            (name, addresses.filter_map(ipv4).collect())
        }));
    }
}

impl Registration {
    fn enter(&self, task: &str, world: &mut MeshState) {
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
                insert(world.endpoints.entry(key).or_default(), instance);
            }
            Self::Service { service, instance } => {
                let key = (service.namespace.clone(), service.service.clone());
                insert(world.node_endpoints.entry(key).or_default(), instance.clone());
                if let Some(hostname) = service.hostname() {
                    insert(world.dns_endpoints.entry(hostname).or_default(), instance.clone());
                }
            }
        }
    }
}

fn ipv4(address: &IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(address) => Some(*address),
        IpAddr::V6(_) => None,
    }
}

/// A stable order keeps the endpoints' version the same when nothing but the order changed.
fn insert<T: Ord>(instances: &mut Vec<T>, instance: T) {
    instances.push(instance);
    instances.sort();
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.map.control.update(|world| {
            for instances in world.endpoints.values_mut() {
                instances.retain(|instance| instance.id != self.instance);
            }
            // DnsNames without tasks stay: that nobody answers is known here, and DNS knows nothing of them.
            for instances in world
                .node_endpoints
                .values_mut()
                .chain(world.dns_endpoints.values_mut())
            {
                instances.retain(|instance| instance.id != self.instance);
            }
            self.map.publish(world);
        });
    }
}

#[cfg(test)]
mod tests;
