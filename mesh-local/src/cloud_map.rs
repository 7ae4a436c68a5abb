//! A Cloud Map for this machine: which tasks serve which endpoint, told to the control plane as it changes.

use std::net::SocketAddr;

use mesh_control::{ControlPlane, Instance};

/// The registry. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct CloudMap {
    control: ControlPlane,
}

/// One task's entry under one endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Registration {
    /// The namespace's name.
    pub(crate) namespace: String,
    /// The endpoint's discovery name.
    pub(crate) discovery_name: String,
    /// Where the task's Envoy takes requests for it.
    pub(crate) address: SocketAddr,
}

/// A task's entries, which are taken away when this is dropped.
#[derive(Debug)]
pub(crate) struct Registered {
    map: CloudMap,
    instance: String,
}

impl CloudMap {
    pub(crate) fn new(control: ControlPlane) -> Self {
        Self { control }
    }

    /// Registers a task under all its endpoints at once.
    pub(crate) fn register(&self, instance: &str, registrations: &[Registration]) -> Registered {
        self.control.update(|world| {
            for registration in registrations {
                let key = (registration.namespace.clone(), registration.discovery_name.clone());
                let instances = world.instances.entry(key).or_default();
                instances.push(Instance {
                    id: instance.to_owned(),
                    address: registration.address,
                });
                // A stable order keeps the endpoints' version the same when nothing but the order changed.
                instances.sort();
            }
        });
        Registered {
            map: self.clone(),
            instance: instance.to_owned(),
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.map.control.update(|world| {
            for instances in world.instances.values_mut() {
                instances.retain(|instance| instance.id != self.instance);
            }
        });
    }
}
