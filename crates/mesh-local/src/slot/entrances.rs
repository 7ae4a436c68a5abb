//! Entrances to a load balancer in a network namespace: ports of this machine, whose connections a second Envoy passes on to
//! Unix sockets of the load balancer's own.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use mesh_control::node::Entrance;

use crate::network::EnvoyDir;
use crate::plan::LoadBalancerNode;
use crate::ports::ReservedPort;

/// The entrances of one load balancer.
#[derive(Debug)]
pub(super) struct Entrances {
    /// By listener port.
    entrances: BTreeMap<u16, (Entrance, ReservedPort)>,
}

impl Entrances {
    /// Reserves a port for each listener. The sockets are in the directory of the load balancer's Envoy.
    pub(super) fn new(node: &LoadBalancerNode, dir: &EnvoyDir) -> io::Result<Self> {
        let entrance = |port: &u16| {
            let reserved = ReservedPort::at(node.local_ports.get(port).copied())?;
            let entrance = Entrance {
                socket: dir.entrance_socket(*port).display().to_string(),
                port: reserved.address().port(),
            };
            Ok::<_, io::Error>((*port, (entrance, reserved)))
        };
        let entrances: io::Result<_> = node.listeners.keys().map(entrance).collect();
        Ok(Self { entrances: entrances? })
    }

    /// For the node metadata, by listener port.
    pub(super) fn to_metadata(&self) -> BTreeMap<u16, Entrance> {
        let entrances = self.entrances.iter();
        entrances
            .map(|(port, (entrance, _))| (*port, entrance.clone()))
            .collect()
    }

    /// The address on this machine for a listener port.
    pub(super) fn address(&self, port: u16) -> Option<SocketAddr> {
        self.entrances.get(&port).map(|(_, reserved)| reserved.address())
    }
}
