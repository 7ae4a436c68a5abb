//! Where the parts of a task listen. Decided here and nowhere else: everybody else asks.
//!
//! Tasks share one address, so each part has a port of its own, which stays reserved for it.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::plan::ContainerPlan;
use crate::ports::ReservedPort;

/// Where the parts of one task listen.
#[derive(Debug)]
pub(super) struct Places {
    /// Under which address others find the task.
    pub(super) address: IpAddr,
    /// Its Envoy's listeners, by the names that the control plane knows.
    listeners: BTreeMap<String, SocketAddr>,
    /// Its applications, by container port.
    apps: BTreeMap<u16, SocketAddr>,
    held: Vec<ReservedPort>,
}

impl Places {
    /// Reserves a port of 127.0.0.1 for each listener and each application. A stub listens once, whatever the number of
    /// its ports.
    pub(super) fn on_loopback(
        listeners: impl IntoIterator<Item = String>,
        containers: &[ContainerPlan],
    ) -> io::Result<Self> {
        let mut places = Self {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            listeners: BTreeMap::new(),
            apps: BTreeMap::new(),
            held: Vec::new(),
        };
        for listener in listeners {
            let address = places.reserve()?;
            places.listeners.insert(listener, address);
        }
        for container in containers {
            let mut first = None;
            for port in &container.ports {
                let address = match first.filter(|_| container.is_stub) {
                    Some(address) => address,
                    None => places.reserve()?,
                };
                first = Some(address);
                places.apps.insert(port.mapping.container_port, address);
            }
        }
        Ok(places)
    }

    fn reserve(&mut self) -> io::Result<SocketAddr> {
        let port = ReservedPort::pick()?;
        let address = port.address();
        self.held.push(port);
        Ok(address)
    }

    pub(super) fn listener(&self, name: &str) -> Option<SocketAddr> {
        self.listeners.get(name).copied()
    }

    pub(super) fn listeners(&self) -> impl Iterator<Item = (&str, SocketAddr)> {
        self.listeners.iter().map(|(name, address)| (name.as_str(), *address))
    }

    pub(super) fn app(&self, container_port: u16) -> Option<SocketAddr> {
        self.apps.get(&container_port).copied()
    }

    pub(super) fn apps(&self) -> impl Iterator<Item = (u16, SocketAddr)> {
        self.apps.iter().map(|(port, address)| (*port, *address))
    }
}
