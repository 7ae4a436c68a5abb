//! A local Cloud Map: registers tasks in the control plane's mesh state, with their target groups, and in DNS.

use std::net::SocketAddr;
use std::time::Duration;

use mesh_control::{ControlPlane, Endpoint, MeshState, NodeEndpoint, Target};

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
    /// As a target of a load balancer.
    Target {
        /// The target group's name.
        target_group: String,
        /// The target.
        target: Target,
    },
    /// As the load balancer with a host name.
    HostName {
        /// The host name.
        hostname: String,
        /// The load balancer's task.
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

    /// Takes a task out of its target groups: it receives no more requests, and can complete those that it has. Returns
    /// the longest of their deregistration delays.
    pub(crate) fn drain_targets(&self, instance: &str) -> Duration {
        let mut longest = Duration::ZERO;
        self.control.update(|state| {
            let MeshState {
                targets, target_groups, ..
            } = state;
            for (target_group, targets) in targets {
                for target in targets.iter_mut().filter(|target| target.id == instance) {
                    target.is_draining = true;
                    let delay = target_groups.get(target_group).map(|known| known.deregistration_delay);
                    longest = longest.max(delay.unwrap_or_default());
                }
            }
        });
        longest
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
            Self::Target { target_group, target } => {
                insert(state.targets.entry(target_group.clone()).or_default(), target.clone());
            }
            Self::HostName { hostname, instance } => {
                insert(
                    state.dns_endpoints.entry(hostname.clone()).or_default(),
                    instance.clone(),
                );
            }
        }
    }
}

/// Inserts in sorted order, so that the order of registration does not change the snapshot's version.
fn insert<T: Ord>(instances: &mut Vec<T>, instance: T) {
    instances.push(instance);
    instances.sort();
}

impl Registered {
    /// Removes the entries by which clients find the task. It stays in its target groups, where it completes its requests.
    pub(crate) fn leave(&self) {
        self.map.control.update(|state| {
            self.remove_names(state);
            self.map.publish(state);
        });
    }

    /// Names without tasks stay known to the control plane; DNS has no records for them.
    fn remove_names(&self, state: &mut MeshState) {
        for instances in state.endpoints.values_mut() {
            instances.retain(|instance| instance.id != self.instance);
        }
        let endpoints = state
            .node_endpoints
            .values_mut()
            .chain(state.dns_endpoints.values_mut());
        for instances in endpoints {
            instances.retain(|instance| instance.id != self.instance);
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.map.control.update(|state| {
            self.remove_names(state);
            for targets in state.targets.values_mut() {
                targets.retain(|target| target.id != self.instance);
            }
            self.map.publish(state);
        });
    }
}

#[cfg(test)]
mod tests;
