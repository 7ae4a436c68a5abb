//! Where the parts of a task listen. Decided here and nowhere else: everybody else asks.
//!
//! | | tasks share an address | a task has its own |
//! |---|---|---|
//! | Envoy's listeners | a reserved port each | ports that are the same in every task |
//! | applications | a reserved port each | their container ports |
//! | where others call | Envoy's listeners | the ports they would call on AWS; the rules lead them to Envoy |

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mesh_control::node::ingress_listener;

use super::interception::InterceptionSetup;
use super::sidecar::Sidecar;
use crate::plan::ContainerPlan;
use crate::ports::ReservedPort;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Where the parts of one task listen.
#[derive(Debug)]
pub(super) struct ListenAddresses {
    /// Under which address others find the task.
    pub(super) address: IpAddr,
    /// The ports of its Envoy's listeners, by the names that the control plane knows.
    listeners: BTreeMap<String, u16>,
    /// The ports at which others call it, by port name.
    ingress: BTreeMap<String, u16>,
    /// Where its applications listen, by container port.
    apps: BTreeMap<u16, u16>,
    held: Vec<ReservedPort>,
}

impl ListenAddresses {
    /// Reserves a port of 127.0.0.1 for each listener and each application. A stub listens once, whatever the number of
    /// its ports.
    pub(super) fn on_loopback(sidecar: Option<&Sidecar>, containers: &[ContainerPlan]) -> io::Result<Self> {
        let mut places = Self {
            address: LOOPBACK,
            listeners: BTreeMap::new(),
            ingress: BTreeMap::new(),
            apps: BTreeMap::new(),
            held: Vec::new(),
        };
        for listener in sidecar.into_iter().flat_map(Sidecar::listeners) {
            let port = places.reserve()?;
            places.listeners.insert(listener, port);
        }
        for name in sidecar.into_iter().flat_map(|sidecar| sidecar.ingress.keys()) {
            if let Some(port) = places.listeners.get(&ingress_listener(name)) {
                places.ingress.insert(name.clone(), *port);
            }
        }
        for container in containers {
            let mut first = None;
            for port in &container.ports {
                let at = match first.filter(|_| container.is_stub) {
                    Some(at) => at,
                    None => places.reserve()?,
                };
                first = Some(at);
                places.apps.insert(port.mapping.container_port, at);
            }
        }
        Ok(places)
    }

    /// In a network of the task's own: nobody else is there, so that all may listen where they like to.
    pub(super) fn at(address: IpAddr, redirection: Option<InterceptionSetup>, containers: &[ContainerPlan]) -> Self {
        let mut apps = BTreeMap::new();
        for container in containers {
            let ports = container.ports.iter().map(|port| port.mapping.container_port);
            let first = ports.clone().next().filter(|_| container.is_stub);
            apps.extend(ports.map(|port| (port, first.unwrap_or(port))));
        }
        let (listeners, ingress) = redirection.map_or_else(Default::default, |it| (it.listeners, it.ingress));
        Self {
            address,
            listeners,
            ingress,
            apps,
            held: Vec::new(),
        }
    }

    fn reserve(&mut self) -> io::Result<u16> {
        let port = ReservedPort::pick()?;
        let number = port.address().port();
        self.held.push(port);
        Ok(number)
    }

    /// Where the task itself reaches a listener of its Envoy.
    pub(super) fn listener(&self, name: &str) -> Option<SocketAddr> {
        Some((LOOPBACK, *self.listeners.get(name)?).into())
    }

    pub(super) fn listeners(&self) -> &BTreeMap<String, u16> {
        &self.listeners
    }

    /// Where others call its Envoy for the port of this name.
    pub(super) fn ingress(&self, port_name: &str) -> Option<SocketAddr> {
        Some((self.address, *self.ingress.get(port_name)?).into())
    }

    /// Where the task itself reaches the application behind a container port.
    pub(super) fn app(&self, container_port: u16) -> Option<SocketAddr> {
        Some((LOOPBACK, *self.apps.get(&container_port)?).into())
    }

    /// The ports at which the applications listen, by container port.
    pub(super) fn apps(&self) -> &BTreeMap<u16, u16> {
        &self.apps
    }
}
