//! Listening addresses of a task's Envoy and applications. The only place that decides them.
//!
//! | | shared network | network namespace |
//! |---|---|---|
//! | Envoy's listeners | a reserved port each | the same ports in every task |
//! | applications | a reserved port each | their container ports |
//! | called by other tasks | Envoy's listeners | the ports as on AWS, redirected to Envoy by iptables |

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mesh_control::node::ingress_listener;

use super::interception::InterceptionSetup;
use crate::plan::ContainerPlan;
use crate::ports::ReservedPort;

/// The first port that is given in place of a container port. Source: ECS API reference, `PortMapping`, the range of host
/// ports that ECS assigns itself (read 2026-12-01).
const FIRST_HOST_PORT: u16 = 49153;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The listening addresses of one task.
#[derive(Debug)]
pub(super) struct ListenAddresses {
    /// The task's address, as seen by other tasks.
    pub(super) address: IpAddr,
    /// The ports of its Envoy's listeners, by listener key.
    listeners: BTreeMap<String, u16>,
    /// The ports that other tasks call, by port name.
    ingress: BTreeMap<String, u16>,
    /// The listening ports of its applications, by container port.
    apps: BTreeMap<u16, u16>,
    /// The listening ports of containers whose container port an earlier container has, too: in network mode `bridge`,
    /// each has a network of its own.
    moved: BTreeMap<(String, u16), u16>,
    held: Vec<ReservedPort>,
}

impl ListenAddresses {
    /// Reserves a port of 127.0.0.1 for each listener key and each application. `ingress` has the names of the ports that
    /// other tasks call, `chosen` the ports that are not any free ones, by listener key. A stub has a single port for all its container ports.
    pub(super) fn on_loopback<'a>(
        listeners: impl IntoIterator<Item = String>,
        ingress: impl IntoIterator<Item = &'a String>,
        containers: &[ContainerPlan],
        chosen: &BTreeMap<String, u16>,
    ) -> io::Result<Self> {
        let mut addresses = Self {
            address: LOOPBACK,
            listeners: BTreeMap::new(),
            ingress: BTreeMap::new(),
            apps: BTreeMap::new(),
            moved: BTreeMap::new(),
            held: Vec::new(),
        };
        for listener in listeners {
            let port = addresses.reserve(chosen.get(&listener).copied())?;
            addresses.listeners.insert(listener, port);
        }
        for name in ingress {
            if let Some(port) = addresses.listeners.get(&ingress_listener(name)) {
                addresses.ingress.insert(name.clone(), *port);
            }
        }
        for container in containers {
            let mut first = None;
            for port in &container.ports {
                let at = match first.filter(|_| container.is_stub) {
                    Some(at) => at,
                    None => addresses.reserve(None)?,
                };
                first = Some(at);
                addresses.add_app(container, port.mapping.container_port, at);
            }
        }
        Ok(addresses)
    }

    /// In a network namespace: all ports are free.
    pub(super) fn at(address: IpAddr, interception: Option<InterceptionSetup>, containers: &[ContainerPlan]) -> Self {
        let (listeners, ingress) = interception.map_or_else(Default::default, |it| (it.listeners, it.ingress));
        let mut addresses = Self {
            address,
            listeners,
            ingress,
            apps: BTreeMap::new(),
            moved: BTreeMap::new(),
            held: Vec::new(),
        };
        let mut moved = FIRST_HOST_PORT..;
        for container in containers {
            let mut first = None;
            for port in container.ports.iter().map(|port| port.mapping.container_port) {
                let own = if addresses.apps.contains_key(&port) {
                    moved.next().unwrap_or(port)
                } else {
                    port
                };
                let at = first.filter(|_| container.is_stub).unwrap_or(own);
                first = Some(at);
                addresses.add_app(container, port, at);
            }
        }
        addresses
    }

    fn add_app(&mut self, container: &ContainerPlan, port: u16, at: u16) {
        match self.apps.entry(port) {
            Entry::Vacant(free) => drop(free.insert(at)),
            Entry::Occupied(_) => drop(self.moved.insert((container.name.clone(), port), at)),
        }
    }

    fn reserve(&mut self, chosen: Option<u16>) -> io::Result<u16> {
        let port = ReservedPort::at(chosen)?;
        let number = port.address().port();
        self.held.push(port);
        Ok(number)
    }

    /// An Envoy listener, as seen inside the task.
    pub(super) fn listener(&self, name: &str) -> Option<SocketAddr> {
        Some((LOOPBACK, *self.listeners.get(name)?).into())
    }

    pub(super) fn listeners(&self) -> &BTreeMap<String, u16> {
        &self.listeners
    }

    /// Envoy's ingress for the port of this name, as seen by other tasks.
    pub(super) fn ingress(&self, port_name: &str) -> Option<SocketAddr> {
        Some((self.address, *self.ingress.get(port_name)?).into())
    }

    /// The application behind a container port, as seen inside the task.
    pub(super) fn app(&self, container_port: u16) -> Option<SocketAddr> {
        Some((LOOPBACK, *self.apps.get(&container_port)?).into())
    }

    /// The application behind a port of this container, as seen inside the task.
    pub(super) fn app_of(&self, container: &str, container_port: u16) -> Option<SocketAddr> {
        match self.moved(container, container_port) {
            Some(port) => Some((LOOPBACK, port).into()),
            None => self.app(container_port),
        }
    }

    /// The listening port of a container whose container port an earlier container has.
    pub(super) fn moved(&self, container: &str, container_port: u16) -> Option<u16> {
        self.moved.get(&(container.to_owned(), container_port)).copied()
    }

    /// The listening ports of the applications, by container port.
    pub(super) fn apps(&self) -> &BTreeMap<u16, u16> {
        &self.apps
    }
}
